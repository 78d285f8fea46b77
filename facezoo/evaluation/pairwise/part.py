"""A part of an all-pairs computation: saved, loaded, and merged with the other parts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.errors import DataError, FacezooError, ProtocolError
from facezoo.evaluation.pairwise.result import AllPairsResult
from facezoo.evaluation.scores.checks import allowed
from facezoo.evaluation.scores.roc import Roc
from facezoo.evaluation.statistics.identities import Identities
from facezoo.io.files import atomic_write
from facezoo.io.json_text import parse_json
from facezoo.io.numpy_files import read_npz

HISTOGRAM_EDGES = np.linspace(-1, 1, 201).astype(np.float32)


@dataclass(frozen=True)
class AllPairsPart:
    """The result of one process for its tiles.

    Attributes:
        key: fingerprint of the input and settings; only parts with the same key merge.
        part: number of this part, 0..parts - 1.
        parts: number of parts.
        settings: far, thresholds, metric and sizes, as plain types.
        genuine: float32 (G,), all genuine scores, grouped by identity.
        sizes: int64, number of genuine pairs per identity.
        below: int64 (Q,), number of impostor scores of this part below each value of :func:`query_values`.
        equal: int64 (Q,), number of impostor scores of this part equal to it.
        top: float32, the highest impostor scores of this part, descending.
    """

    key: str
    part: int
    parts: int
    settings: dict
    genuine: np.ndarray
    sizes: np.ndarray
    below: np.ndarray
    equal: np.ndarray
    top: np.ndarray

    def save(self, path: str | Path) -> None:
        """Write as ``.npz``, to a temporary file that is renamed at the end."""
        header = json.dumps({"key": self.key, "part": self.part, "parts": self.parts, "settings": self.settings})
        arrays = {name: getattr(self, name) for name in ("genuine", "sizes", "below", "equal", "top")}
        with atomic_write(path) as beside, open(beside, "wb") as handle:
            np.savez(handle, header=np.frombuffer(header.encode(), np.uint8), **arrays)

    @classmethod
    def load(cls, path: str | Path) -> AllPairsPart:
        """Read what :meth:`save` wrote; nothing in the file is unpickled.

        Raises:
            DataError: the file is missing, or is not such a part.
        """
        try:
            stored: dict[str, Any] = {**read_npz(path)}
            header = parse_json(stored["header"].tobytes())
            names = ("genuine", "sizes", "below", "equal", "top")
            return cls(**header, **{name: stored[name] for name in names})
        except (FacezooError, ValueError, KeyError, TypeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(f"{str(path)!r} is not a part of an all-pairs computation: {reason}") from error


def query_values(genuine: np.ndarray, settings: dict) -> np.ndarray:
    """The values whose ranks are counted: genuine scores, requested thresholds, histogram edges."""
    asked = np.array(settings["thresholds"], np.float32)
    edges = HISTOGRAM_EDGES if settings["metric"] == "cosine" else asked
    return np.unique(np.concatenate([genuine, asked, edges]))


def fingerprint(arrays: Sequence[np.ndarray], settings: dict) -> str:
    """SHA-256 of arrays and settings."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        for start in range(0, len(array), 65536):
            digest.update(np.ascontiguousarray(array[start : start + 65536]).data)
    return digest.hexdigest()


def merge(parts: Sequence[AllPairsPart]) -> AllPairsResult:
    """The result from all parts, in any order; it does not depend on the number of parts.

    Raises:
        ProtocolError: a part is missing, is given twice, or belongs to another computation.
    """
    if not parts:
        raise ProtocolError("no parts to merge; expected all parts of one computation")
    first = parts[0]
    if any(part.key != first.key or part.parts != first.parts for part in parts):
        raise ProtocolError("the parts come from different embeddings, labels or settings")
    numbers = sorted(part.part for part in parts)
    if numbers != list(range(first.parts)):
        raise ProtocolError(f"parts {numbers} of {first.parts}; expected each of 0..{first.parts - 1} once")
    if any(not np.array_equal(part.genuine, first.genuine) for part in parts):
        raise ProtocolError(
            "the parts hold different genuine scores: they were computed on machines with different arithmetic"
        )
    values = query_values(first.genuine, first.settings)
    below = np.sum([part.below for part in parts], axis=0)
    equal = np.sum([part.equal for part in parts], axis=0)
    top = np.sort(np.concatenate([part.top for part in parts]))[::-1]
    return _result(first, values, below, equal, top)


def _result(
    part: AllPairsPart, values: np.ndarray, below: np.ndarray, equal: np.ndarray, top: np.ndarray
) -> AllPairsResult:
    settings, impostor = part.settings, int(part.settings["impostor"])
    scores, counts = np.unique(part.genuine, return_counts=True)
    at_genuine = np.searchsorted(values, scores)
    false = impostor - below
    roc = Roc.from_ranks(scores, counts, false[at_genuine], (false - equal)[at_genuine], impostor)
    tar = roc.tar_at_far(settings["far"])
    notes = [*settings["notes"], *(roc.unsupported(rate) for rate in tar if not roc.supports(rate))]
    threshold = {rate: _threshold(roc, rate, top, notes) for rate in tar}
    rising = np.sort(part.genuine)
    people = Identities(part.genuine, part.sizes, settings["confidence"])
    auc_interval, eer_interval, tar_intervals = people.intervals(roc, threshold)
    at = {}
    for asked in settings["thresholds"]:
        index = int(np.searchsorted(values, np.float32(asked)))
        refused = int(np.searchsorted(rising, np.float32(asked), side="left"))
        at[asked] = (float(false[index] / impostor), refused / roc.genuine)
    return AllPairsResult(
        tar=tar,
        threshold=threshold,
        genuine=roc.genuine,
        impostor=impostor,
        auc=roc.auc(),
        eer=roc.eer(),
        interval=tar_intervals,
        auc_interval=auc_interval,
        eer_interval=eer_interval,
        labels_sha256=settings["labels_sha256"],
        identity_pairs=people.sizes,
        identity_accepted={rate: people.accepted(value) for rate, value in threshold.items()},
        confidence=settings["confidence"],
        at=at,
        identities=settings["identities"],
        roc=roc,
        histogram=_histogram(rising, values, false) if settings["metric"] == "cosine" else None,
        notes=tuple(notes),
    )


def _threshold(roc: Roc, rate: float, top: np.ndarray, notes: list[str]) -> float:
    """The next float32 above the highest impostor score that must be rejected."""
    if not roc.supports(rate):
        return float("nan")
    count = allowed(rate, roc.impostor)
    if count >= roc.impostor:
        return float("-inf")
    if count < len(top):
        return float(np.nextafter(top[count], np.float32(np.inf)))
    fits = int(np.searchsorted(roc.false, count, side="right"))
    notes.append(
        f"FAR {rate:g}: the threshold is the lowest genuine score with this FAR, not the smallest possible threshold"
    )
    return float(roc.thresholds[fits - 1]) if fits else float("nan")


def _histogram(rising: np.ndarray, values: np.ndarray, false: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    at = np.searchsorted(values, HISTOGRAM_EDGES)
    genuine = len(rising) - np.searchsorted(rising, HISTOGRAM_EDGES, side="left")
    right, wrong = (-np.diff(np.append(above, 0)) for above in (genuine, false[at]))
    return HISTOGRAM_EDGES, right, wrong
