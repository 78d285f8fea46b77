"""Swin transformers with a face neck, as in FaceX-Zoo: 224 pixels by default, optionally 112.

At 112 pixels with ``patch_size=4`` the last merging pads its odd map (7 to 8, so the last map is 4x4);
``patch_size=2`` keeps the token grid of 224 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from facezoo.errors import ConfigError
from facezoo.specs.base import BackboneSpec
from facezoo.specs.preprocess import Preprocess


@dataclass(frozen=True, kw_only=True)
class SwinSpec(BackboneSpec):
    """A Swin transformer.

    Attributes:
        patch_size: side of a patch.
        width: channels of the first stage; each merging of 2x2 tokens doubles them.
        depths: blocks of each stage; every second one attends in shifted windows.
        heads: of the attention in each stage.
        window: side of a window.
        mlp_ratio: hidden width of the MLP over the stage's.
        drop_path: probability of dropping a branch of the last block in training; linear from 0 over the blocks.
        norm_eps: of the layer norms.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("patch_size", "window", "drop_path")

    family: str = "swin"
    network: str = "Swin"
    paper: str = "Liu et al., Swin Transformer, ICCV 2021, arXiv 2103.14030"
    patch_size: int = 4
    width: int = 96
    depths: tuple[int, int, int, int]
    heads: tuple[int, int, int, int] = (3, 6, 12, 24)
    window: int = 7
    mlp_ratio: float = 4
    drop_path: float = 0.0
    norm_eps: float = 1e-5
    input_size: tuple[int, int] = (224, 224)
    preprocess: Preprocess = field(default_factory=lambda: Preprocess(size=(224, 224), template="arcface224"))
    init: str = "truncated_normal_0.02"
    neck: str = "tokens"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window < 1:
            raise ConfigError(f"{self.name}: window is {self.window}; expected 1 or more")
        if self.patch_size < 1 or any(side % self.patch_size for side in self.input_size):
            raise ConfigError(
                f"{self.name}: patch_size is {self.patch_size}; expected a divisor of the input {self.input_size}"
            )
        for height, width in self.maps():
            if any(side > self.window and side % self.window for side in (height, width)):
                raise ConfigError(
                    f"{self.name}: window is {self.window}; expected a divisor of the map {height}x{width}"
                )
        if not 0 <= self.drop_path < 1:
            raise ConfigError(f"{self.name}: drop_path is {self.drop_path}; expected 0 <= drop_path < 1")

    @classmethod
    def necks(cls) -> tuple[str, ...]:
        """Only the published one: layer norm, flatten all tokens, linear, BN."""
        return ("tokens",)

    def maps(self) -> list[tuple[int, int]]:
        """(H, W) of the tokens in each stage."""
        sizes = [(self.input_size[0] // self.patch_size, self.input_size[1] // self.patch_size)]
        for _ in self.depths[1:]:
            sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
        return sizes


SPECS = (
    SwinSpec(name="SwinT", depths=(2, 2, 6, 2), parameters=46_788_474),
    SwinSpec(name="SwinS", depths=(2, 2, 18, 2), parameters=68_106_378),
)
