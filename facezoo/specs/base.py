"""Neutral description of a backbone, for both backends."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

from facezoo.errors import ConfigError, UnknownNameError
from facezoo.specs.preprocess import Preprocess

NECKS = ("E", "GAP", "GDC")
LARGEST_EMBEDDING = 65_536  # a larger one in a damaged file would ask for all memory


@dataclass(frozen=True, kw_only=True)
class BackboneSpec:
    """The neutral description of one network. Families add their stage tables in subclasses.

    Attributes:
        name: the public name.
        family: the module below ``backends/*/backbones`` that holds the network.
        network: the class in that module; it is built with the spec as its only argument.
        paper: citation.
        parameters: trainable values at the default options, as published; None when unknown.
        init: name of the rule in :mod:`facezoo.canonical.initial` that draws the initial weights.
        embedding_size: E, 1 to 65,536.
        input_size: (H, W).
        in_channels: 3, or 1 for networks on gray images.
        neck: "E" (BN, dropout, flatten, linear, BN), "GAP" (average pool, linear, BN) or "GDC" (depthwise
            convolution over the whole map, BN, linear, BN).
        dropout: probability in the neck, 0..1.
        bn_eps: added to the variance.
        bn_momentum: weight of the new value, torch's meaning.
        checkpointing: recompute the activations of each block in the backward pass instead of keeping them.
        preprocess: how images become the network's input.
        notes: differences from the published network, for the documentation.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ()  # fields a user may set, in addition to COMMON
    COMMON: ClassVar[tuple[str, ...]] = (
        "embedding_size", "input_size", "neck", "dropout", "checkpointing", "init", "bn_eps", "bn_momentum",
    )  # fmt: skip

    name: str
    family: str
    network: str
    paper: str
    init: str
    parameters: int | None = None
    embedding_size: int = 512
    input_size: tuple[int, int] = (112, 112)
    in_channels: int = 3
    neck: str = "E"
    dropout: float = 0.0
    bn_eps: float = 1e-5
    bn_momentum: float = 0.1
    checkpointing: bool = False
    preprocess: Preprocess = field(default_factory=Preprocess)
    notes: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.embedding_size <= LARGEST_EMBEDDING:
            raise ConfigError(
                f"{self.name}: embedding_size is {self.embedding_size}; expected 1 to {LARGEST_EMBEDDING}"
            )
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"{self.name}: dropout is {self.dropout}; expected 0 <= dropout < 1")
        if not self.bn_eps > 0:
            raise ConfigError(f"{self.name}: bn_eps is {self.bn_eps}; expected above 0")
        if not 0 <= self.bn_momentum <= 1:
            raise ConfigError(f"{self.name}: bn_momentum is {self.bn_momentum}; expected 0 to 1")
        if self.neck not in self.necks():
            raise UnknownNameError(f"neck of {self.name}", self.neck, self.necks())

    @classmethod
    def necks(cls) -> tuple[str, ...]:
        """The necks this family can be built with."""
        return NECKS

    def variant(self, **options: Any) -> BackboneSpec:
        """The same network with other options.

        Args:
            options: any of the family's options and of the common ones; an int as ``input_size`` means square.

        Raises:
            UnknownNameError: there is no such option; the message names the nearest.
            ConfigError: a value is out of range.
        """
        allowed = (*self.COMMON, *self.OPTIONS)
        for key in options:
            if key not in allowed:
                raise UnknownNameError(f"option of {self.name}", key, allowed)
        if isinstance(options.get("input_size"), int):
            options["input_size"] = (options["input_size"],) * 2
        options = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
        changed = {key: value for key, value in options.items() if value != getattr(self, key)}
        if not changed:
            return self
        if "input_size" in changed:
            changed["preprocess"] = self._resized(changed["input_size"])
        if set(changed) - {"dropout", "checkpointing", "init", "bn_eps", "bn_momentum", "neck_eps", "preprocess"}:
            changed["parameters"] = None  # the published count holds for the default form only
        return replace(self, **changed)

    def _resized(self, size: tuple[int, int]) -> Preprocess:
        """The preprocessing for another input size; the template changes with it if it was the one of the old size."""
        sides = [f"arcface{height}" for height, width in (self.input_size, size) if height == width]
        fits = len(sides) == 2 and self.preprocess.template == sides[0]
        return replace(self.preprocess, size=size, template=sides[1] if fits else self.preprocess.template)

    def options(self) -> dict[str, Any]:
        """The values of all options, plain types; a weight file stores them to rebuild the network."""
        values = {key: getattr(self, key) for key in (*self.COMMON, *self.OPTIONS)}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    def stage_table(self) -> list[tuple[str, str]]:
        """(field, value) rows of what the family adds, for the documentation."""
        base = {entry.name for entry in fields(BackboneSpec)}
        return [(entry.name, str(getattr(self, entry.name))) for entry in fields(self) if entry.name not in base]
