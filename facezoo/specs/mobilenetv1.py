"""MobileNetV1: depthwise 3x3 and pointwise 1x1 convolutions in turn, each with BN and the activation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from facezoo.errors import ConfigError, UnknownNameError
from facezoo.specs.base import NECKS
from facezoo.specs.geometry import rounded, same_padding
from facezoo.specs.preprocess import Preprocess
from facezoo.specs.stemmed import StemmedSpec

ACTIVATIONS = ("relu", "relu6", "prelu")
VGGFACE2 = Preprocess(
    color="BGR", size=(224, 224), mean=(103.939, 116.779, 123.68), std=(1.0, 1.0, 1.0), template="arcface224"
)


@dataclass(frozen=True, kw_only=True)
class MobileNetV1Spec(StemmedSpec):
    """A MobileNetV1.

    The neck "pool" is the form of the published VGGFace2 weights (HSE): global average pool alone,
    so the embedding has the 1024 channels of the last feature map; TensorFlow's SAME padding; ReLU6.

    Attributes:
        rows: (width, stride) of each depthwise and pointwise pair.
        width: multiplies all widths, above 0.
        activation: "relu" (the paper), "relu6" or "prelu"; the neck "pool" always has ReLU6.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("stem", "width", "activation")

    family: str = "mobilenetv1"
    network: str = "MobileNetV1"
    paper: str = "Howard et al., MobileNets, arXiv 1704.04861"
    rows: tuple[tuple[int, int], ...] = (
        (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
        (1024, 2), (1024, 1),
    )  # fmt: skip
    width: float = 1.0
    activation: str = "relu"
    init: str = "kaiming_normal_grouped"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_width(self.width)
        if self.activation not in ACTIVATIONS:
            raise UnknownNameError(f"activation of {self.name}", self.activation, ACTIVATIONS)
        if self.neck == "pool" and self.embedding_size != self.scaled(1024):
            raise ConfigError(
                f"{self.name}: embedding_size is {self.embedding_size}; the neck 'pool' gives {self.scaled(1024)}"
            )

    @classmethod
    def necks(cls) -> tuple[str, ...]:
        """The common necks and "pool"."""
        return (*NECKS, "pool")

    def variant(self, **options: Any) -> MobileNetV1Spec:
        """As for every backbone; the neck "pool" also sets its embedding size and preprocessing."""
        if options.get("neck") == "pool" and self.neck != "pool":
            width = rounded(1024 * options.get("width", self.width))
            pooled = replace(
                self, neck="pool", embedding_size=width, width=options.pop("width", self.width), dropout=0.0,
                parameters=None, preprocess=replace(VGGFACE2, size=self.input_size),
            )  # fmt: skip
            return pooled.variant(**options)
        return super().variant(**options)  # type: ignore[return-value]

    def scaled(self, width: int) -> int:
        """A width of the paper's table times the multiplier."""
        return rounded(width * self.width)

    @property
    def act(self) -> str:
        """The activation that the network uses."""
        return "relu6" if self.neck == "pool" else self.activation

    def padding(self, size: tuple[int, int], stride: int) -> tuple[int, int, int, int] | None:
        """Padding of a 3x3 convolution on a map of this size; None means one pixel on each side."""
        return same_padding(size, 3, stride) if self.neck == "pool" else None


SPECS = (MobileNetV1Spec(name="MobileNetV1", parameters=3_784_512),)
