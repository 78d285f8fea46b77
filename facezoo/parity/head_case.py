"""A loss head under test: how it is built, its batches, and the tolerances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from facezoo import backends
from facezoo.canonical.state import get_state, inventory, set_state
from facezoo.errors import ConfigError
from facezoo.margins.base import Margin, draw_weight
from facezoo.rng import generator
from facezoo.zoo import catalog

SIZE, CLASSES, SAMPLES = 8, 7, 12  # E, C, N
CLOSE = 1e-6


@dataclass(frozen=True)
class HeadCase:
    """A head with one choice of hyper-parameters, on one or both backends.

    Attributes:
        margin: the neutral description, None if a native class has none.
        natives: backend -> class.
        options: hyper-parameters.
        criterion: options of the criterion on the logits.
    """

    margin: Margin | None
    natives: dict[str, type]
    options: dict[str, Any] = field(default_factory=dict)
    criterion: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        name = next(iter(self.natives.values())).__name__
        given = ", ".join(f"{key}={value}" for key, value in {**self.options, **self.criterion}.items())
        return f"{name}({given})"

    @property
    def has_logits(self) -> bool:
        """Whether the head has a method ``logits``."""
        if self.margin is None:
            return all(hasattr(native, "logits") for native in self.natives.values())
        return self.margin.family in ("margin", "linear") and (self.margin.one_row or "centers" in self.margin.hyper())

    def under(self, **criterion: Any) -> HeadCase:
        """The same head with another criterion."""
        return replace(self, criterion=criterion)

    def build(self, backend: str, dtype: str = "float64", seed: int = 1) -> Any:
        """A head in training mode with initial weights and unequal class counts."""
        hyper = self.options if self.margin is None else self.margin.hyper()
        head = self.natives[backend](SIZE, CLASSES, **hyper, **self.criterion)
        state = (
            draw_weight((CLASSES, SIZE), seed)
            if self.margin is None
            else self.margin.initial_state(SIZE, CLASSES, seed)
        )
        known = {item.name: item.shape for item in inventory(head)}
        if "class_counts" in known:
            state["class_counts"] = np.arange(1.0, CLASSES + 1) ** 3
        if "centers" in known:
            state["centers"] = generator(seed, "centers").normal(size=known["centers"])
        set_state(head, {name: value for name, value in state.items() if known.get(name) == value.shape}, strict=False)
        if dtype == "float64":
            head = backends.module(backend, "introspect_heads").widen(head)
        head.train()
        return head

    def batch(self, step: int, spread: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings (N, E) near, orthogonal and opposite to their class, and labels that include the last class.

        Args:
            step: seed of the batch.
            spread: the lengths of the embeddings are between 10^-spread and 10^spread.
        """
        rng = generator(step, "batch")
        rows = draw_weight((CLASSES, SIZE), 1)["weight"]
        labels = rng.integers(0, CLASSES, SAMPLES)
        labels[:2] = CLASSES - 1
        labels[2:4] = labels[4:6] = 0
        x = rng.normal(size=(SAMPLES, SIZE))
        x[::2] += 9 * rows[labels[::2]] * rng.uniform(0.2, 1.0, size=(len(x[::2]), 1))
        x[-1] = 0.1 * rng.normal(size=SIZE) - 5 * rows[labels[-1]]
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        return x * 10 ** rng.uniform(-spread, spread, size=(SAMPLES, 1)), labels

    def stateful(self, head: Any) -> bool:
        """Whether a training call changes the state."""
        fixed = ("class_counts",)
        return any(not item.trained and item.name not in fixed for item in inventory(head))

    def copy(self, backend: str, head: Any) -> Any:
        """A second head with the same state."""
        other = self.build(backend)
        set_state(other, get_state(head))
        return other


def near(found: Any, wanted: Any, what: str, close: float = CLOSE) -> None:
    """Raise AssertionError unless finite and equal up to ``close`` times the larger of 1 and the largest value."""
    found, wanted = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    assert found.shape == wanted.shape, f"{what} has shape {found.shape}; expected {wanted.shape}"
    assert np.isfinite(found).all(), f"{what} is not finite"
    off, allowed = np.abs(found - wanted).max(initial=0.0), close * max(1.0, np.abs(wanted).max(initial=0.0))
    assert off <= allowed, f"{what} differs by {off:.3g}; allowed {allowed:.3g}"


def near_rows(found: np.ndarray, wanted: np.ndarray, of: np.ndarray, what: str) -> None:
    """:func:`near` for the gradient by ``of``, whose rows may differ in length by orders of magnitude."""
    length = np.linalg.norm(of, axis=-1, keepdims=True) if np.ndim(of) > 1 else 1.0
    near(found * length, wanted * length, what)


def cases(
    head: str | type, *, margin: type[Margin] | None = None, twin: type | None = None, **hyper: Any
) -> Iterator[HeadCase]:
    """The cases of :func:`facezoo.testing.check_head`: one per valid combination of variant and choices."""
    natives: dict[str, type] = {}
    if isinstance(head, str):
        margin = type(catalog.head_margin(head, **hyper))
    elif issubclass(head, Margin):
        margin = head
    else:
        natives = {_backend(cls): cls for cls in (head, twin) if cls is not None}
        known = catalog.HEADS.get(head.__name__)
        margin = margin or (known if known and natives[_backend(head)] is native_class(known, _backend(head)) else None)
    if margin is None:
        yield HeadCase(None, natives, hyper)
        return
    if not natives:
        natives = {name: native_class(margin, name) for name in backends.INSTALL}
    for options in [hyper] if hyper else variants(margin):
        yield HeadCase(margin.create(**options), natives, options)


def variants(margin: type[Margin]) -> list[dict[str, Any]]:
    """Every valid combination of a variant and the values of the options with choices."""
    found: list[dict[str, Any]] = [{}]
    for key, values in {**margin.choices, "variant": tuple(margin.variants)}.items():
        found = [{**options, key: value} for options in found for value in values]
    return [options for options in found if _valid(margin, options)]


def native_class(margin: type[Margin], backend: str) -> type:
    """The class of a head of the zoo on one backend.

    Raises:
        AssertionError: there is none.
    """
    try:
        return getattr(backends.module(backend, f"heads.{margin.module}"), margin.name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise AssertionError(f"{margin.name} has no {backend} implementation: {error}") from error


def _backend(native: type) -> str:
    roots = {base.__module__.split(".")[0] for base in native.__mro__}
    for name in backends.INSTALL:
        if name in roots:
            return name
    raise ConfigError(f"{native.__name__} is neither a margin, a torch.nn.Module nor a paddle.nn.Layer")


def _valid(margin: type[Margin], options: dict[str, Any]) -> bool:
    try:
        margin.create(**options)
    except ConfigError:
        return False
    return True
