"""Two stored results compared pair by pair."""

from __future__ import annotations

from typing import Any

import numpy as np

from facezoo.errors import ProtocolError
from facezoo.evaluation.compare import Comparison, compare_decisions, compare_tar
from facezoo.evaluation.pairs import owner

MOST_BOOTSTRAPPED = 20_000  # pairs


def compare_results(
    first: dict[str, Any], second: dict[str, Any], *, confidence: float = 0.95
) -> list[tuple[str, Comparison]]:
    """Every task of listed pairs that both results hold: accuracy, and TAR at each FAR that is given.

    Args:
        first: a stored result.
        second: another, of the same protocol.
        confidence: of the intervals.

    Returns:
        (task name, comparison), several for a task.

    Raises:
        ProtocolError: different protocols or lists, or no scores of pairs in the results.
    """
    if first["protocol_sha256"] != second["protocol_sha256"]:
        raise ProtocolError(
            f"the results are of different protocols, {first['protocol']} {first['protocol_sha256'][:12]} and "
            f"{second['protocol']} {second['protocol_sha256'][:12]}"
        )
    found = []
    for one, two in zip(first["tasks"], second["tasks"], strict=True):
        if "pairs" in one and "pairs" in two:
            found += [(one["name"], comparison) for comparison in _task(one, two, confidence)]
    if not found:
        raise ProtocolError(f"results of protocol {first['protocol']} hold no scores of listed pairs to compare")
    return found


def _task(one: dict[str, Any], two: dict[str, Any], confidence: float) -> list[Comparison]:
    left, right = one["pairs"], two["pairs"]
    if any(left[key] != right[key] for key in ("same", "folds", "first", "second")):
        raise ProtocolError(f"task {one['name']}: the two results are of different pairs")
    same = np.array(left["same"], bool)
    subjects = None
    if left["first"] is not None and len(same) <= MOST_BOOTSTRAPPED:
        subjects = [owner(name) for name in left["first"]], [owner(name) for name in left["second"]]
    scores = np.array(left["scores"]), np.array(right["scores"])
    right_or_wrong = np.array(left["correct"], bool), np.array(right["correct"], bool)
    out = [compare_decisions(*right_or_wrong, subjects=subjects, confidence=confidence, rounds=400)]
    if len(same) <= MOST_BOOTSTRAPPED:
        rates = [float(far) for far, tar in one["detail"]["tar"].items() if tar is not None]
        out += [compare_tar(*scores, same, far, subjects=subjects, confidence=confidence, rounds=400) for far in rates]
    return out
