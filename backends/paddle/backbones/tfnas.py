"""TF-NAS-A with a face neck."""

from __future__ import annotations

import paddle
from paddle import nn

from facezoo.backends.paddle.layers import NECKS, ConvBN, SqueezeExcite, run_blocks
from facezoo.backends.paddle.necks import NeckFlat
from facezoo.interfaces.backbone import Backbone
from facezoo.specs.geometry import halved
from facezoo.specs.tfnas import Row, TFNASSpec


class MBConv(nn.Layer):
    """Expand 1x1, depthwise, squeeze-and-excitation, project 1x1; added to the input if the shapes are equal."""

    def __init__(self, spec: TFNASSpec, row: Row, act: str) -> None:
        super().__init__()
        channels, middle, squeezed, width, kernel, stride = row
        self.expand = ConvBN(spec, channels, middle, 1, act=act) if middle > channels else None
        self.depthwise = ConvBN(spec, middle, middle, kernel, stride, middle, act)
        self.se = SqueezeExcite(middle, squeezed, act=act) if squeezed else None
        self.project = ConvBN(spec, middle, width, 1)
        self.residual = stride == 1 and channels == width

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.depthwise(x if self.expand is None else self.expand(x))
        if self.se is not None:
            y = self.se(y)
        y = self.project(y)
        return x + y if self.residual else y


class TFNAS(Backbone, nn.Layer):
    """Stem, stages of MBConv blocks, 1x1 convolution, neck."""

    def __init__(self, spec: TFNASSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding_size = spec.embedding_size
        self.input_size = spec.input_size
        self.stem = ConvBN(spec, spec.in_channels, spec.stem, 3, act="relu")
        self.stages = nn.LayerList()
        strided = 0
        for position, rows in enumerate(spec.stages):
            act = "relu" if position < spec.relu_stages else "silu"
            self.stages.append(nn.LayerList([MBConv(spec, row, act) for row in rows]))
            strided += rows[0].stride - 1
        self.last = ConvBN(spec, spec.stages[-1][-1].width, spec.last, 1)
        size = halved(spec.input_size, strided)
        arguments = (spec.last, size, spec.embedding_size, spec.dropout, spec.bn_eps, spec.bn_momentum)
        self.neck = NeckFlat(*arguments, bias=True) if spec.neck == "flat" else NECKS[spec.neck](*arguments)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = self.stem(images)  # (N, 32, H, W)
        for stage in self.stages:
            x = run_blocks(stage, x, self.spec.checkpointing and self.training)
        return self.neck(self.last(x))  # (N, E)
