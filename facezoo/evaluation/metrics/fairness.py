"""Figures per group at one shared threshold, and the differences between groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from facezoo.errors import ProtocolError, ShapeError
from facezoo.evaluation.pairwise.all_pairs import all_pairs
from facezoo.evaluation.scores.checks import check_far, check_scores
from facezoo.evaluation.scores.roc import Roc, threshold_at_far
from facezoo.evaluation.statistics.intervals import clopper_pearson


@dataclass(frozen=True)
class GroupFigures:
    """One group at the shared threshold; the rate of a kind of pair that the group lacks is NaN.

    Attributes:
        genuine: number of genuine pairs.
        impostor: number of impostor pairs.
        fmr: share of impostor pairs accepted.
        fmr_interval: exact binomial.
        fnmr: share of genuine pairs rejected.
        fnmr_interval: exact binomial.
    """

    genuine: int
    impostor: int
    fmr: float
    fmr_interval: tuple[float, float]
    fnmr: float
    fnmr_interval: tuple[float, float]


@dataclass(frozen=True)
class FairnessResult:
    """Error rates of all groups at a shared threshold.

    Attributes:
        threshold: shared by all groups.
        fmr: the FMR that defines the threshold.
        groups: name -> figures.
        fmr_ratio: highest FMR of a group over the lowest; inf when the lowest is 0.
        fnmr_ratio: the same for the FNMR.
        fmr_spread: highest minus lowest FMR.
        fnmr_spread: highest minus lowest FNMR.
        notes: which figures are not given, and why.
    """

    threshold: float
    fmr: float
    groups: dict[str, GroupFigures]
    fmr_ratio: float
    fnmr_ratio: float
    fmr_spread: float
    fnmr_spread: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {**asdict(self), "notes": list(self.notes)}


def _figures(accepted: int, impostor: int, refused: int, genuine: int, confidence: float) -> GroupFigures:
    nothing = (float("nan"), float("nan"))
    return GroupFigures(
        genuine=genuine,
        impostor=impostor,
        fmr=accepted / impostor if impostor else float("nan"),
        fmr_interval=clopper_pearson(accepted, impostor, confidence) if impostor else nothing,
        fnmr=refused / genuine if genuine else float("nan"),
        fnmr_interval=clopper_pearson(refused, genuine, confidence) if genuine else nothing,
    )


def _summary(threshold: float, fmr: float, groups: dict[str, GroupFigures]) -> FairnessResult:
    notes = []
    found = {}
    for kind in ("fmr", "fnmr"):
        rates = {name: getattr(figures, kind) for name, figures in groups.items()}
        known = {name: rate for name, rate in rates.items() if not np.isnan(rate)}
        notes += [f"group {name} has no pairs for the {kind.upper()}" for name in rates if name not in known]
        low, high = (min(known.values()), max(known.values())) if known else (float("nan"),) * 2
        if known and low == 0:
            best = min(known, key=lambda name: known[name])
            notes.append(f"group {best} has no error: the worst {kind.upper()} ratio has no finite value")
        ratio = high / low if known and low > 0 else 1.0 if high == 0 else float("inf")
        found[kind] = (ratio if known else float("nan"), high - low)
    return FairnessResult(
        threshold=threshold,
        fmr=fmr,
        groups=groups,
        fmr_ratio=found["fmr"][0],
        fnmr_ratio=found["fnmr"][0],
        fmr_spread=found["fmr"][1],
        fnmr_spread=found["fnmr"][1],
        notes=tuple(notes),
    )


def fairness_of_pairs(
    scores: np.ndarray,
    same: np.ndarray,
    groups: Sequence[object] | np.ndarray,
    fmr: float = 1e-3,
    *,
    threshold: float | None = None,
    confidence: float = 0.95,
) -> FairnessResult:
    """Error rates per group of a list of pairs, as in RFW.

    Args:
        scores: (n,).
        same: bool (n,).
        groups: the group of each pair (n,).
        fmr: defines the shared threshold on the impostor pairs of all groups together.
        threshold: used instead of ``fmr``.
        confidence: of the intervals.

    Raises:
        ProtocolError: fewer than two groups, or too few impostor pairs for the FMR.
    """
    values, flags = check_scores(scores, same)
    names = np.asarray(groups)
    if names.shape != values.shape:
        raise ShapeError(f"groups have shape {names.shape}; expected {values.shape}, one per pair")
    rate = check_far(fmr)[0]
    if threshold is None:
        roc = Roc.from_scores(values, flags)
        if not roc.supports(rate):
            raise ProtocolError(roc.unsupported(rate))
        threshold = threshold_at_far(values[~flags], rate)
    found = {}
    for name in _at_least_two(names):
        inside = names == name
        genuine, impostor = values[inside & flags], values[inside & ~flags]
        found[str(name)] = _figures(
            int((impostor >= threshold).sum()),
            len(impostor),
            int((genuine < threshold).sum()),
            len(genuine),
            confidence,
        )
    return _summary(threshold, rate, found)


def fairness_of_all_pairs(
    embeddings: np.ndarray,
    labels: Sequence[object] | np.ndarray,
    groups: Sequence[object] | np.ndarray,
    fmr: float = 1e-5,
    *,
    confidence: float = 0.95,
    workers: int | None = None,
) -> FairnessResult:
    """Error rates per group of images from all pairs within each group, as for the races of MFR-Ongoing.

    The shared threshold holds the FMR over all pairs of the whole set, including pairs across groups.

    Args:
        embeddings: (N, E).
        labels: (N,).
        groups: the group of each image (N,).
        fmr: defines the shared threshold.
        confidence: of the intervals, which treat pairs as independent.
        workers: number of threads.

    Raises:
        ProtocolError: fewer than two groups, too few impostor pairs for the FMR, or a group without both kinds
            of pairs.
    """
    names, people = np.asarray(groups), np.asarray(labels)
    if names.shape != people.shape:
        raise ShapeError(f"groups have shape {names.shape}; expected {people.shape}, one per image")
    rate = check_far(fmr)[0]
    whole = all_pairs(embeddings, people, rate, workers=workers)
    if np.isnan(whole.threshold[rate]):
        raise ProtocolError(whole.roc.unsupported(rate))
    threshold = whole.threshold[rate]
    found = {}
    for name in _at_least_two(names):
        inside = names == name
        try:
            part = all_pairs(
                np.asarray(embeddings)[inside], people[inside], 1.0, thresholds=(threshold,), workers=workers
            )
        except ProtocolError as error:
            raise ProtocolError(f"group {name}: {error}") from error
        false, missed = part.at[threshold]
        found[str(name)] = _figures(
            round(false * part.impostor),
            part.impostor,
            round(missed * part.genuine),
            part.genuine,
            confidence,
        )
    return _summary(threshold, rate, found)


def _at_least_two(names: np.ndarray) -> np.ndarray:
    found = np.unique(names)
    if len(found) < 2:
        raise ProtocolError(f"one group only, {found[0] if len(found) else 'none'}; expected at least two")
    return found
