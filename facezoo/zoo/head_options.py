"""The options of a head, validated once: for a run's configuration and for ``create_head``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from facezoo.errors import ConfigError, UnknownNameError
from facezoo.margins.base import Margin
from facezoo.zoo import catalog

CRITERIA = ("softmax", "focal")
SHARED = ("criterion", "label_smoothing", "focal_gamma", "extra")  # options that are not a head's own


@dataclass(frozen=True)
class ExtraTerm:
    """An auxiliary head beside a classification head.

    Attributes:
        margin: the auxiliary head.
        factor: what its term is multiplied by, 0 or more.
    """

    margin: Margin
    factor: float


@dataclass(frozen=True)
class HeadOptions:
    """A head of the zoo with all its options.

    Attributes:
        margin: the head with its hyper-parameters.
        criterion: keyword arguments of the native class that concern the cross-entropy; empty for other losses.
        extra: auxiliary terms.
    """

    margin: Margin
    criterion: dict[str, Any] = field(default_factory=dict)
    extra: tuple[ExtraTerm, ...] = ()

    @classmethod
    def parse(cls, name: str, options: Mapping[str, Any]) -> HeadOptions:
        """Check every option of a head.

        Args:
            name: public name of the head.
            options: its hyper-parameters, and those of ``SHARED``; see :func:`facezoo.create_head`.

        Raises:
            UnknownNameError: no such head, option or criterion; the message gives the nearest name.
            ConfigError: a value is out of range or of another type, or does not go with this head.

        >>> HeadOptions.parse("ArcFace", {"margin": 0.4, "label_smoothing": 0.1}).criterion
        {'label_smoothing': 0.1, 'criterion': 'softmax'}
        """
        shared = {key: options[key] for key in SHARED if key in options}
        margin = catalog.head_margin(name, **{key: value for key, value in options.items() if key not in SHARED})
        return cls(margin, _criterion(margin, shared), _extra(margin, shared.get("extra")))

    @property
    def divisible(self) -> bool:
        """Whether the classes can be divided over processes: a classifier, without terms that need all of them."""
        return self.margin.divisible and all(term.margin.weighs for term in self.extra)

    def check_classes(self, num_classes: int) -> None:
        """Refuse a number of classes that the head or a term cannot work with.

        Raises:
            ConfigError: it cannot.
        """
        for margin in (self.margin, *(term.margin for term in self.extra)):
            margin.check_classes(num_classes)


def _criterion(margin: Margin, shared: Mapping[str, Any]) -> dict[str, Any]:
    criterion = shared.get("criterion", "softmax")
    if criterion not in CRITERIA:
        raise UnknownNameError("criterion", criterion, CRITERIA)
    found: dict[str, Any] = {}
    if "label_smoothing" in shared:
        found["label_smoothing"] = _number("label_smoothing", shared["label_smoothing"], "0 to below 1", high=1.0)
    if "focal_gamma" in shared:
        found["focal_gamma"] = _number("focal_gamma", shared["focal_gamma"], "0 or more")
    if margin.classifies:
        found["criterion"] = criterion if criterion in margin.criteria else margin.criteria[0]
    elif found or criterion != "softmax":
        raise ConfigError(f"{margin.name} has no criterion of its own to choose or smooth; it is not a cross-entropy")
    return found


def _extra(margin: Margin, given: Any) -> tuple[ExtraTerm, ...]:
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise ConfigError(f"extra is {given!r}; expected auxiliary heads with a factor each: {{Center: 0.003}}")
    terms = []
    for name, value in given.items():
        hyper = dict(value) if isinstance(value, Mapping) else {"factor": value}
        factor = _number(f"extra: the factor of {name}", hyper.pop("factor", 1.0), "0 or more")
        term = catalog.head_margin(name, **hyper)
        if not term.auxiliary:
            known = ", ".join(key for key, kind in catalog.HEADS.items() if kind().auxiliary)
            raise ConfigError(f"extra: {term.name} is a head of its own; expected one of {known}")
        if margin.family not in ("margin", "linear") or (term.family == "regulariser" and not margin.one_row):
            raise ConfigError(f"extra: {term.name} needs one weight row per class; {margin.name} has none or several")
        terms.append(ExtraTerm(term, factor))
    return tuple(terms)


def _number(name: str, value: Any, expected: str, high: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < high:
        raise ConfigError(f"{name} is {value!r}; expected {expected}")
    return float(value)
