"""Swin transformers with a face neck."""

from __future__ import annotations

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from facezoo.backends.paddle.conv import Conv2D
from facezoo.backends.paddle.layers import DropPath, run_blocks
from facezoo.backends.paddle.norm import BatchNorm1D
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.swin import SwinSpec
from facezoo.specs.swin_windows import relative_index, shift_mask


class WindowAttention(nn.Layer):
    """Multi-head self-attention inside windows, with a trained bias for each relative position."""

    index: paddle.Tensor
    mask: paddle.Tensor | None

    def __init__(self, width: int, heads: int, window: int, mask: np.ndarray | None) -> None:
        super().__init__()
        self.bias_table = self.create_parameter([(2 * window - 1) ** 2, heads])
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.register_buffer("index", paddle.to_tensor(relative_index(window)), persistable=False)
        if mask is None:
            self.mask = None
        else:
            self.register_buffer("mask", paddle.to_tensor(mask), persistable=False)
        self.width = width
        self.heads = heads
        self.tokens = window * window
        self.scale = (width // heads) ** -0.5

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        qkv = self.qkv(x).reshape([-1, self.tokens, 3, self.heads, self.width // self.heads])
        q, k, v = qkv.transpose([2, 0, 3, 1, 4]).unbind(0)  # (B, heads, T, d) each, B windows
        scores = paddle.matmul(q * self.scale, k, transpose_y=True)  # (B, heads, T, T)
        bias = paddle.gather(self.bias_table, self.index).reshape([self.tokens, self.tokens, self.heads])
        scores = scores + bias.transpose([2, 0, 1])
        if self.mask is not None:
            windows = self.mask.shape[0]
            scores = scores.reshape([-1, windows, self.heads, self.tokens, self.tokens]) + self.mask.unsqueeze(1)
            scores = scores.reshape([-1, self.heads, self.tokens, self.tokens])
        y = paddle.matmul(F.softmax(scores, axis=-1), v).transpose([0, 2, 1, 3])  # (B, T, heads, d)
        return self.project(y.reshape([-1, self.tokens, self.width]))


class MLP(nn.Layer):
    """Linear, GELU, linear."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Layer):
    """Attention in (shifted) windows and MLP, each on the normalised tokens and added to them."""

    def __init__(
        self, spec: SwinSpec, width: int, heads: int, size: tuple[int, int], shifted: bool, drop_path: float
    ) -> None:
        super().__init__()
        self.size = size
        self.width = width
        self.window = min(spec.window, *size)
        self.shift = self.window // 2 if shifted and min(size) > self.window else 0
        mask = shift_mask(size, self.window, self.shift) if self.shift else None
        self.norm1 = nn.LayerNorm(width, spec.norm_eps)
        self.attention = WindowAttention(width, heads, self.window, mask)
        self.norm2 = nn.LayerNorm(width, spec.norm_eps)
        self.mlp = MLP(width, int(width * spec.mlp_ratio))
        self.drop_path = DropPath(drop_path)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = x + self.drop_path(self._attend(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))

    def _attend(self, x: paddle.Tensor) -> paddle.Tensor:
        (height, width), window, shift = self.size, self.window, self.shift
        x = x.reshape([-1, height, width, self.width])
        if shift:
            x = paddle.roll(x, [-shift, -shift], [1, 2])
        x = x.reshape([-1, height // window, window, width // window, window, self.width])
        x = x.transpose([0, 1, 3, 2, 4, 5]).reshape([-1, window * window, self.width])  # (N windows, T, C)
        x = self.attention(x)
        x = x.reshape([-1, height // window, width // window, window, window, self.width])
        x = x.transpose([0, 1, 3, 2, 4, 5]).reshape([-1, height, width, self.width])
        if shift:
            x = paddle.roll(x, [shift, shift], [1, 2])
        return x.reshape([-1, height * width, self.width])


class Merge(nn.Layer):
    """2x2 neighbouring tokens become one of twice the width; an odd side is padded with zeros."""

    def __init__(self, spec: SwinSpec, width: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width, spec.norm_eps)
        self.reduction = nn.Linear(4 * width, 2 * width, bias_attr=False)
        self.size = size
        self.width = width

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        height, width = self.size
        x = x.reshape([-1, height, width, self.width])
        if height % 2 or width % 2:
            x = F.pad(x, [0, 0, 0, height % 2, 0, width % 2, 0, 0])
            height, width = height + height % 2, width + width % 2
        x = x.reshape([-1, height // 2, 2, width // 2, 2, self.width])
        x = x.transpose([0, 1, 3, 4, 2, 5])  # column before row in the new channels
        x = x.reshape([-1, height * width // 4, 4 * self.width])
        return self.reduction(self.norm(x))


class SwinPatches(nn.Layer):
    """Patches to tokens, layer norm."""

    def __init__(self, spec: SwinSpec) -> None:
        super().__init__()
        self.conv = Conv2D(spec.in_channels, spec.width, spec.patch_size, stride=spec.patch_size)
        self.norm = nn.LayerNorm(spec.width, spec.norm_eps)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.norm(self.conv(x).flatten(2).transpose([0, 2, 1]))  # (N, T, C)


class NeckTokens(nn.Layer):
    """Layer norm, flatten all tokens, linear, BN."""

    def __init__(self, spec: SwinSpec, width: int, tokens: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, spec.norm_eps)
        self.dropout = nn.Dropout(spec.dropout)
        self.linear = nn.Linear(tokens * width, spec.embedding_size)
        self.bn_out = BatchNorm1D(spec.embedding_size, spec.bn_eps, spec.bn_momentum)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.bn_out(self.linear(paddle.flatten(self.dropout(self.norm(x)), 1)))  # (N, E)


class Swin(Backbone, nn.Layer):
    """Patches, four stages of windowed attention, neck."""

    def __init__(self, spec: SwinSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        self.patches = SwinPatches(spec)
        self.stages = nn.LayerList()
        width, sizes, total = spec.width, spec.maps(), sum(spec.depths)
        position = 0
        for stage, (depth, heads, size) in enumerate(zip(spec.depths, spec.heads, sizes, strict=True)):
            blocks: list[nn.Layer] = []
            if stage:
                blocks.append(Merge(spec, width, sizes[stage - 1]))
                width *= 2
            for i in range(depth):
                drop_path = spec.drop_path * position / max(total - 1, 1)
                blocks.append(Block(spec, width, heads, size, i % 2 == 1, drop_path))
                position += 1
            self.stages.append(nn.LayerList(blocks))
        self.neck = NeckTokens(spec, width, sizes[-1][0] * sizes[-1][1])

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.patches(images)  # (N, T, C)
        for stage in self.stages:
            x = run_blocks(stage, x, self.spec.checkpointing and self.training)
        return self.neck(x)  # (N, E)
