"""IR and IR-SE networks, in the forms of face.evoLve, AdaFace and arcface_paddle."""

from __future__ import annotations

import paddle
from paddle import nn

from facezoo.backends.paddle.conv import Conv2D
from facezoo.backends.paddle.layers import NECKS, NeckE, SqueezeExcite, run_blocks
from facezoo.backends.paddle.norm import BatchNorm2D
from facezoo.backends.paddle.onednn import sequence
from facezoo.backends.paddle.prelu import PReLU
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.geometry import halved
from facezoo.specs.ir import IRSpec


class IRStem(nn.Layer):
    """3x3 convolution with stride 1, BN, PReLU."""

    def __init__(self, spec: IRSpec) -> None:
        super().__init__()
        width = spec.widths[0]
        self.conv = Conv2D(spec.in_channels, width, 3, padding=1, bias_attr=False)
        self.bn = BatchNorm2D(width, spec.bn_eps, spec.bn_momentum)
        self.prelu = PReLU(width)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return sequence.apply(x, self.conv, self.bn, self.prelu)


class IRShortcut(nn.Layer):
    """1x1 convolution with stride, BN."""

    def __init__(self, spec: IRSpec, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv = Conv2D(channels, width, 1, stride=stride, bias_attr=False)
        self.bn = BatchNorm2D(width, spec.bn_eps, spec.bn_momentum)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return sequence.apply(x, self.conv, self.bn)


class IRBlock(nn.Layer):
    """Residual unit; the stride is on the second convolution, no activation follows the addition."""

    def __init__(self, spec: IRSpec, channels: int, width: int, stride: int) -> None:
        super().__init__()
        eps, momentum = spec.bn_eps, spec.bn_momentum
        self.bn1 = BatchNorm2D(channels, eps, momentum)
        self.conv1 = Conv2D(channels, width, 3, padding=1, bias_attr=False)
        self.bn2 = BatchNorm2D(width, eps, momentum) if spec.middle_norm else None
        self.prelu = PReLU(width)
        self.conv2 = Conv2D(width, width, 3, stride=stride, padding=1, bias_attr=False)
        self.bn3 = BatchNorm2D(width, eps, momentum)
        self.se = SqueezeExcite(width, width // 16, bias=False) if spec.se else None
        project = channels != width or (stride != 1 and spec.project_always)
        self.shortcut = IRShortcut(spec, channels, width, stride) if project else None
        self.stride = stride

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = sequence.apply(x, self.bn1, self.conv1, self.bn2, self.prelu, self.conv2, self.bn3)
        if self.se is not None:
            y = self.se(y)
        if self.shortcut is not None:
            x = self.shortcut(x)
        elif self.stride != 1:
            x = x[:, :, :: self.stride, :: self.stride]
        return y + x


class IR(Backbone, nn.Layer):
    """Stem, four stages of IR blocks, neck."""

    def __init__(self, spec: IRSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        self.stem = IRStem(spec)
        self.stages = nn.LayerList()
        channels = spec.widths[0]
        for width, units in zip(spec.widths, spec.units, strict=True):
            blocks = [IRBlock(spec, channels, width, 2)]
            blocks += [IRBlock(spec, width, width, 1) for _ in range(units - 1)]
            self.stages.append(nn.LayerList(blocks))
            channels = width
        size = halved(spec.input_size, 4)
        arguments = (channels, size, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum)
        self.neck = NeckE(*arguments, spec.last_norm) if spec.neck == "E" else NECKS[spec.neck](*arguments)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.stem(images)  # (N, 64, H, W)
        for stage in self.stages:
            x = run_blocks(stage, x, self.spec.checkpointing and self.training)
        return self.neck(x)  # (N, E)
