"""Vision transformers for faces: the neck takes all tokens."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn

from facezoo.backends.paddle.conv import Conv2D
from facezoo.backends.paddle.layers import DropPath, run_blocks
from facezoo.backends.paddle.norm import BatchNorm1D
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.vit import ViTSpec


class Attention(nn.Layer):
    """Multi-head self-attention; queries, keys and values without bias."""

    def __init__(self, spec: ViTSpec) -> None:
        super().__init__()
        self.qkv = nn.Linear(spec.width, 3 * spec.width, bias_attr=False)
        self.project = nn.Linear(spec.width, spec.width)
        self.heads = spec.heads
        self.width = spec.width
        self.scale = (spec.width // spec.heads) ** -0.5

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        count = x.shape[1]
        qkv = self.qkv(x).reshape([-1, count, 3, self.heads, self.width // self.heads])
        q, k, v = qkv.transpose([2, 0, 3, 1, 4]).unbind(0)  # (N, heads, T, d / heads) each
        weights = F.softmax(paddle.matmul(q * self.scale, k, transpose_y=True), axis=-1)  # (N, heads, T, T)
        y = paddle.matmul(weights, v).transpose([0, 2, 1, 3])  # (N, T, heads, d / heads)
        return self.project(y.reshape([-1, count, self.width]))


class MLP(nn.Layer):
    """Linear, ReLU6, linear."""

    def __init__(self, spec: ViTSpec) -> None:
        super().__init__()
        hidden = int(spec.width * spec.mlp_ratio)
        self.fc1 = nn.Linear(spec.width, hidden)
        self.fc2 = nn.Linear(hidden, spec.width)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.fc2(F.relu6(self.fc1(x)))


class Block(nn.Layer):
    """Attention and MLP, each on the normalised tokens and added to them."""

    def __init__(self, spec: ViTSpec, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(spec.width, spec.norm_eps)
        self.attention = Attention(spec)
        self.norm2 = nn.LayerNorm(spec.width, spec.norm_eps)
        self.mlp = MLP(spec)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = x + self.drop_path(self.attention(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class NeckTokens(nn.Layer):
    """Flatten all tokens, linear to the width of one, BN, linear, BN."""

    def __init__(self, spec: ViTSpec) -> None:
        super().__init__()
        self.dropout = nn.Dropout(spec.dropout)
        self.linear1 = nn.Linear(spec.tokens * spec.width, spec.width, bias_attr=False)
        self.bn = BatchNorm1D(spec.width, spec.bn_eps, spec.bn_momentum)
        self.linear2 = nn.Linear(spec.width, spec.embedding_size, bias_attr=False)
        self.bn_out = BatchNorm1D(spec.embedding_size, spec.bn_eps, spec.bn_momentum)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.bn(self.linear1(paddle.flatten(self.dropout(x), 1)))  # (N, d)
        return self.bn_out(self.linear2(x))  # (N, E)


class ViT(Backbone, nn.Layer):
    """Patches, position table, transformer blocks, layer norm, neck."""

    spec: ViTSpec

    def __init__(self, spec: ViTSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        self.position = self.create_parameter([1, spec.tokens, spec.width])
        self.mask_token = self.create_parameter([1, 1, spec.width]) if spec.mask_token else None
        self.patches = Conv2D(spec.in_channels, spec.width, spec.patch_size, stride=spec.patch_size)
        steps = max(spec.depth - 1, 1)
        self.blocks = nn.LayerList([Block(spec, spec.drop_path * i / steps) for i in range(spec.depth)])
        self.norm = nn.LayerNorm(spec.width, spec.norm_eps)
        self.neck = NeckTokens(spec)
        self.kept = spec.tokens - int(spec.tokens * spec.mask_ratio)  # tokens that the blocks get in training

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.patches(images).flatten(2).transpose([0, 2, 1])  # (N, T, d)
        x = x + self.position
        recompute = self.spec.checkpointing and self.training
        if self.training and self.mask_token is not None:
            return self.neck(self._masked(x, self.mask_token, recompute))
        return self.neck(self.norm(run_blocks(self.blocks, x, recompute)))  # (N, E)

    def _masked(self, x: paddle.Tensor, mask_token: paddle.Tensor, recompute: bool) -> paddle.Tensor:
        """The tokens after all blocks, with the mask token in place of the dropped ones."""
        tokens, width = self.spec.tokens, self.spec.width
        if self.kept == tokens:  # added with weight 0, so that every parameter has a gradient
            return self.norm(run_blocks(self.blocks, x, recompute)) + 0 * mask_token
        order = paddle.argsort(paddle.rand([x.shape[0], tokens]), axis=1)
        back = paddle.argsort(order, axis=1).unsqueeze(-1).expand([-1, -1, width])
        seen = order[:, : self.kept].unsqueeze(-1).expand([-1, -1, width])
        x = self.norm(run_blocks(self.blocks, paddle.take_along_axis(x, seen, 1), recompute))  # (N, kept, d)
        masked = mask_token.expand([x.shape[0], tokens - self.kept, width]).astype(x.dtype)
        return paddle.take_along_axis(paddle.concat([x, masked], axis=1), back, 1)  # (N, T, d)
