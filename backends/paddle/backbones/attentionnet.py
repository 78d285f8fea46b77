"""AttentionNet 56 and 92."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn

from facezoo.backends.paddle.conv import Conv2D
from facezoo.backends.paddle.layers import NECKS, run_blocks
from facezoo.backends.paddle.necks import NeckFlat
from facezoo.backends.paddle.norm import BatchNorm2D
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.attentionnet import AttentionNetSpec


class ResidualUnit(nn.Layer):
    """Pre-activated bottleneck; the projection, if the shape changes, takes the first activation."""

    def __init__(self, spec: AttentionNetSpec, channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        eps, momentum, inner = spec.bn_eps, spec.bn_momentum, width // 4
        self.bn1 = BatchNorm2D(channels, eps, momentum)
        self.conv1 = Conv2D(channels, inner, 1, bias_attr=False)
        self.bn2 = BatchNorm2D(inner, eps, momentum)
        self.conv2 = Conv2D(inner, inner, 3, stride=stride, padding=1, bias_attr=False)
        self.bn3 = BatchNorm2D(inner, eps, momentum)
        self.conv3 = Conv2D(inner, width, 1, bias_attr=False)
        project = channels != width or stride != 1
        self.shortcut = Conv2D(channels, width, 1, stride=stride, bias_attr=False) if project else None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        active = F.relu(self.bn1(x))
        y = F.relu(self.bn2(self.conv1(active)))
        y = self.conv3(F.relu(self.bn3(self.conv2(y))))
        return y + (x if self.shortcut is None else self.shortcut(active))


class MaskTail(nn.Layer):
    """BN, ReLU, 1x1, BN, ReLU, 1x1, sigmoid."""

    def __init__(self, spec: AttentionNetSpec, channels: int) -> None:
        super().__init__()
        self.bn1 = BatchNorm2D(channels, spec.bn_eps, spec.bn_momentum)
        self.conv1 = Conv2D(channels, channels, 1, bias_attr=False)
        self.bn2 = BatchNorm2D(channels, spec.bn_eps, spec.bn_momentum)
        self.conv2 = Conv2D(channels, channels, 1, bias_attr=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.conv1(F.relu(self.bn1(x)))
        return F.sigmoid(self.conv2(F.relu(self.bn2(x))))


class AttentionModule(nn.Layer):
    """A trunk of two units, multiplied by 1 + a mask from an hourglass of units.

    ``down`` has one unit per level (two at the lowest), ``skip`` and ``up`` have one per level above the lowest.
    """

    def __init__(self, spec: AttentionNetSpec, channels: int, size: tuple[int, int], levels: int) -> None:
        super().__init__()
        self.first = ResidualUnit(spec, channels, channels)
        self.trunk = nn.LayerList([ResidualUnit(spec, channels, channels) for _ in range(2)])
        self.down = nn.LayerList([ResidualUnit(spec, channels, channels) for _ in range(levels + 1)])
        self.skip = nn.LayerList([ResidualUnit(spec, channels, channels) for _ in range(levels - 1)])
        self.up = nn.LayerList([ResidualUnit(spec, channels, channels) for _ in range(levels - 1)])
        self.tail = MaskTail(spec, channels)
        self.last = ResidualUnit(spec, channels, channels)
        self.levels = levels
        self.sizes = [size]  # of each level's output, the trunk's first
        for _ in range(levels - 1):
            self.sizes.append((-(-self.sizes[-1][0] // 2), -(-self.sizes[-1][1] // 2)))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.first(x)
        trunk = self.trunk[1](self.trunk[0](x))
        lower = []
        for level in range(self.levels):
            x = self.down[level](F.max_pool2d(x, 3, 2, 1))
            lower.append(x)
        x = self.down[self.levels](x)
        for level in range(self.levels - 1, 0, -1):
            x = F.interpolate(x, self.sizes[level], mode="bilinear", align_corners=True)
            x = self.up[level - 1](x + lower[level - 1] + self.skip[level - 1](lower[level - 1]))
        x = F.interpolate(x, self.sizes[0], mode="bilinear", align_corners=True) + trunk
        return self.last((1 + self.tail(x)) * trunk)


class AttentionStem(nn.Layer):
    """7x7 convolution with stride 2, BN, ReLU."""

    def __init__(self, spec: AttentionNetSpec) -> None:
        super().__init__()
        self.conv = Conv2D(spec.in_channels, 64, 7, stride=2, padding=3, bias_attr=False)
        self.bn = BatchNorm2D(64, spec.bn_eps, spec.bn_momentum)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.relu(self.bn(self.conv(x)))


class AttentionNet(Backbone, nn.Layer):
    """Stem, units and attention modules of three resolutions, three units, neck."""

    def __init__(self, spec: AttentionNetSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        self.stem = AttentionStem(spec)
        size = (-(-spec.input_size[0] // 2), -(-spec.input_size[1] // 2))
        self.body = nn.LayerList()
        channels, stride = 64, 1
        for width, count, levels in zip((256, 512, 1024), spec.modules, (3, 2, 1), strict=True):
            self.body.append(ResidualUnit(spec, channels, width, stride))
            size = (-(-size[0] // stride), -(-size[1] // stride))
            self.body.extend([AttentionModule(spec, width, size, levels) for _ in range(count)])
            channels, stride = width, 2
        self.body.append(ResidualUnit(spec, 1024, 2048, 2))
        self.body.extend([ResidualUnit(spec, 2048, 2048) for _ in range(2)])
        size = (-(-size[0] // 2), -(-size[1] // 2))
        arguments = (2048, size, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum)
        self.neck = NeckFlat(*arguments) if spec.neck == "flat" else NECKS[spec.neck](*arguments)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.stem(images)  # (N, 64, H/2, W/2)
        x = run_blocks(self.body, x, self.spec.checkpointing and self.training)
        return self.neck(x)  # (N, E)
