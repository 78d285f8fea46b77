"""LightCNN: no BN; the activation is the maximum of two halves of the channels (max-feature-map, MFM).

An MFM convolution gives 2n channels and keeps the elementwise maximum of the first n and the last n. "Group" is an
MFM 1x1 that keeps the width, then an MFM 3x3 to the next width. A residual unit is two MFM 3x3, added to the input.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from facezoo.errors import ConfigError, UnknownNameError
from facezoo.specs.base import NECKS, BackboneSpec
from facezoo.specs.preprocess import Preprocess

FORMS = ("face", "official")
GRAY = Preprocess(color="gray", size=(128, 128), mean=(0.0,), std=(255.0,), template="arcface128")
BGR = Preprocess(color="BGR", size=(128, 128), mean=(0.0,) * 3, std=(255.0,) * 3, template="arcface128")


@dataclass(frozen=True, kw_only=True)
class LightCNNSpec(BackboneSpec):
    """A LightCNN.

    The face form takes 112x112 RGB and ends with a neck of the zoo, E by default. The official form takes 128x128
    gray (v4: BGR) in [0, 1] and ends with the linear layer of its author, 256-d, without a BN.

    Attributes:
        form: "face" or "official"; "official" also sets its input, neck and embedding size.
        kernel: side of the first convolution.
        residual: residual units before each of the four steps.
        widths: channels after the stem and after each of the four steps.
        grouped: whether a step is a group; otherwise one MFM 3x3.
        pool: "max" (rounds up) or "sum" of max and average (rounds down).
        mfm_linear: whether the official last layer is an MFM as well; otherwise a plain linear layer.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("form",)

    family: str = "lightcnn"
    network: str = "LightCNN"
    paper: str = "Wu, He, Sun, Tan, A Light CNN for Deep Face Representation, TIFS 2018, arXiv 1511.02683"
    form: str = "face"
    forms: tuple[str, ...] = FORMS
    kernel: int = 5
    residual: tuple[int, int, int, int] = (0, 0, 0, 0)
    widths: tuple[int, int, int, int, int] = (48, 96, 192, 128, 128)
    grouped: bool = True
    pool: str = "max"
    mfm_linear: bool = False
    official: Preprocess = GRAY
    dropout: float = 0.4
    init: str = "torch_default"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.form not in self.forms:
            raise UnknownNameError(f"form of {self.name}", self.form, self.forms)
        if (self.form == "official") != (self.neck == "official"):
            raise ConfigError(f"{self.name}: neck {self.neck!r} is not available with form {self.form!r}")
        if min(self.last_map) < 1:
            raise ConfigError(f"{self.name}: input_size is {self.input_size}; expected 16 or more on each side")

    @classmethod
    def necks(cls) -> tuple[str, ...]:
        """The common necks and "official"."""
        return (*NECKS, "official")

    def variant(self, **options: Any) -> LightCNNSpec:
        """As for every backbone; the form "official" also sets its input, neck and embedding size."""
        if options.get("form") == "official" and self.form == "face":
            form = replace(
                self, form="official", neck="official", embedding_size=256, input_size=self.official.size,
                in_channels=self.official.channels, preprocess=self.official, dropout=0.0, parameters=None,
            )  # fmt: skip
            return form.variant(**options)
        return super().variant(**options)  # type: ignore[return-value]

    @property
    def last_map(self) -> tuple[int, int]:
        """(H, W) of the feature map before the neck, after four pools."""
        if self.pool == "max":
            return (-(-self.input_size[0] // 16), -(-self.input_size[1] // 16))
        return self.input_size[0] // 16, self.input_size[1] // 16


RESIDUAL = (1, 2, 3, 4)
SPECS = (
    LightCNNSpec(name="LightCNN9", mfm_linear=True, parameters=4_503_904),
    LightCNNSpec(name="LightCNN29", residual=RESIDUAL, mfm_linear=True, parameters=11_596_320),
    LightCNNSpec(name="LightCNN29v2", residual=RESIDUAL, pool="sum", parameters=11_596_320),
    LightCNNSpec(
        name="LightCNN_v4", form="official", forms=("official",), neck="official", kernel=3, residual=RESIDUAL,
        grouped=False, pool="sum", embedding_size=256, input_size=(128, 128), official=BGR, preprocess=BGR,
        dropout=0.0, parameters=10_345_600,
    ),
)  # fmt: skip
