"""Vision transformers for aligned faces, as in arcface_torch, or with other options as in CVLface.

No class token: all tokens of the last layer are flattened into the neck. Blocks are pre-normalised, the queries,
keys and values have no bias, the MLP uses ReLU6.

CVLface's small form is ``ViTS(patch_size=8, mlp_ratio=5, mask_token=False)``, its base form
``ViTB(patch_size=8, mlp_ratio=3, heads=16, mask_token=False)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from facezoo.errors import ConfigError
from facezoo.specs.base import BackboneSpec


@dataclass(frozen=True, kw_only=True)
class ViTSpec(BackboneSpec):
    """A vision transformer.

    Attributes:
        patch_size: side and stride of a patch; pixels outside of whole patches are ignored.
        width: d, length of a token.
        depth: blocks.
        heads: of the attention; divides ``width``.
        mlp_ratio: hidden width of the MLP over ``width``.
        mask_token: whether there is a trained token that replaces masked ones.
        mask_ratio: share of tokens masked in training, 0..1; arcface_torch trains with 0.1.
        drop_path: probability of dropping a branch of the last block in training; linear from 0 over the blocks.
        norm_eps: of the layer norms; ``bn_eps`` is that of the neck's BN.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("patch_size", "heads", "mlp_ratio", "mask_token", "mask_ratio", "drop_path")

    family: str = "vit"
    network: str = "ViT"
    paper: str = "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021, arXiv 2010.11929"
    patch_size: int = 9
    width: int
    depth: int
    heads: int = 8
    mlp_ratio: float = 4
    mask_token: bool = True
    mask_ratio: float = 0.0
    drop_path: float = 0.0
    norm_eps: float = 1e-5
    bn_eps: float = 2e-5
    init: str = "truncated_normal_0.02"
    neck: str = "tokens"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.heads < 1 or self.width % self.heads:
            raise ConfigError(f"{self.name}: heads is {self.heads}; expected a divisor of the width {self.width}")
        if not 1 <= self.patch_size <= min(self.input_size):
            raise ConfigError(f"{self.name}: patch_size is {self.patch_size}; expected 1..{min(self.input_size)}")
        if not 0 <= self.mask_ratio < 1 or (self.mask_ratio and not self.mask_token):
            raise ConfigError(f"{self.name}: mask_ratio is {self.mask_ratio}; expected 0 to below 1, 0 without token")
        if self.width * self.mlp_ratio < 1:
            raise ConfigError(f"{self.name}: mlp_ratio is {self.mlp_ratio}; expected above 0")
        if not 0 <= self.drop_path < 1:
            raise ConfigError(f"{self.name}: drop_path is {self.drop_path}; expected 0 <= drop_path < 1")

    @classmethod
    def necks(cls) -> tuple[str, ...]:
        """Only the published one: flatten all tokens, linear to d, BN, linear, BN."""
        return ("tokens",)

    @property
    def tokens(self) -> int:
        """Number of patches."""
        return (self.input_size[0] // self.patch_size) * (self.input_size[1] // self.patch_size)


SPECS = (
    ViTSpec(name="ViTT", width=256, depth=12, parameters=19_137_792),
    ViTSpec(name="ViTS", width=512, depth=12, parameters=76_023_296),
    ViTSpec(name="ViTB", width=512, depth=24, parameters=113_833_472),
)
