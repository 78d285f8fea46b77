"""Comparison of two stored results, pair by pair."""

from __future__ import annotations

from typing import Any

import numpy as np

from facezoo.errors import ProtocolError
from facezoo.evaluation.inputs.pairs import identities_of_pairs
from facezoo.evaluation.metrics.compare import Comparison, compare_decisions, compare_tar
from facezoo.evaluation.statistics.identities import difference_by_identity

MAX_BOOTSTRAPPED = 20_000  # pairs; with more, the intervals treat pairs as independent


def compare_results(
    first: dict[str, Any], second: dict[str, Any], *, confidence: float = 0.95
) -> list[tuple[str, Comparison]]:
    """Compare every task of listed pairs or all pairs: accuracy, and TAR at each FAR.

    Args:
        first: a stored result.
        second: another stored result of the same protocol.
        confidence: of the intervals.

    Returns:
        (task name, comparison), one or more per task.

    Raises:
        ProtocolError: different protocols or lists, or no scores of pairs in the results.
    """
    if first["protocol_sha256"] != second["protocol_sha256"]:
        raise ProtocolError(
            f"the results are of different protocols, {first['protocol']} {first['protocol_sha256'][:12]} and "
            f"{second['protocol']} {second['protocol_sha256'][:12]}"
        )
    found = []
    names = [[task["name"] for task in result["tasks"]] for result in (first, second)]
    if names[0] != names[1]:
        raise ProtocolError(f"the results are of different tasks, {', '.join(names[0])} and {', '.join(names[1])}")
    for one, two in zip(first["tasks"], second["tasks"], strict=True):
        for key, compare in (("pairs", _listed_pairs), ("identities", _all_pairs)):
            if one.get(key) is not None and two.get(key) is not None:
                found += [(one["name"], comparison) for comparison in compare(one, two, confidence)]
    if not found:
        raise ProtocolError(f"results of protocol {first['protocol']} have neither listed nor all pairs to compare")
    return found


def _listed_pairs(one: dict[str, Any], two: dict[str, Any], confidence: float) -> list[Comparison]:
    left, right = one["pairs"], two["pairs"]
    if any(left[key] != right[key] for key in ("same", "folds", "first", "second")):
        raise ProtocolError(f"task {one['name']}: the two results are of different pairs")
    same = np.array(left["same"], bool)
    subjects = None
    if left["first"] is not None and len(same) <= MAX_BOOTSTRAPPED:
        subjects = identities_of_pairs(left["first"], left["second"])
    scores = np.array(left["scores"]), np.array(right["scores"])
    right_or_wrong = np.array(left["correct"], bool), np.array(right["correct"], bool)
    out = [compare_decisions(*right_or_wrong, subjects=subjects, confidence=confidence, rounds=400)]
    if len(same) <= MAX_BOOTSTRAPPED:
        rates = [float(far) for far, tar in one["detail"]["tar"].items() if tar is not None]
        out += [compare_tar(*scores, same, far, subjects=subjects, confidence=confidence, rounds=400) for far in rates]
    return out


def _all_pairs(one: dict[str, Any], two: dict[str, Any], confidence: float) -> list[Comparison]:
    left, right = one["identities"], two["identities"]
    if left["labels_sha256"] != right["labels_sha256"]:
        raise ProtocolError(f"task {one['name']}: the two results are of different identities")
    if left["pairs"] != right["pairs"]:
        raise ProtocolError(f"task {one['name']}: the two results have different numbers of pairs for an identity")
    out = []
    for far, accepted in left["accepted"].items():
        other = right["accepted"].get(far)
        if accepted is None or other is None or len(left["pairs"]) < 2:
            continue
        difference, interval = difference_by_identity(
            np.array(accepted), np.array(other), np.array(left["pairs"]), confidence=confidence
        )
        out.append(
            Comparison(
                figure=f"TAR at FAR {far}",
                first=sum(accepted) / sum(left["pairs"]),
                second=sum(other) / sum(left["pairs"]),
                difference=difference,
                interval=interval,
                p_value=float("nan"),
                only_first_right=0,
                only_second_right=0,
                pairs=sum(left["pairs"]),
                confidence=confidence,
                how="paired bootstrap of identities, thresholds fixed",
                distinguishable=not interval[0] <= 0 <= interval[1],
            )
        )
    return out
