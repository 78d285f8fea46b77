"""Thresholds and decisions of ``verify`` and ``identify`` in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facezoo.checkpoints.graphs.read import is_onnx
from facezoo.evaluation.statistics.threshold import Threshold


def add_threshold(facts: dict[str, Any], limit: Threshold) -> None:
    """Enter the threshold, its meaning, its source and its notes."""
    if limit.value is not None:
        facts["threshold"] = f"{limit.value:.4f}"
    facts["meaning"] = limit.meaning
    if limit.source:
        facts["measured by"] = limit.source
    if limit.notes:
        facts["note"] = "; ".join(limit.notes)


def decision_words(same: bool | None, yes: str, no: str, weights: Path) -> str:
    """The decision; without a threshold, how to get one.

    Args:
        same: the decision, or None without a threshold.
        yes: the words for True.
        no: the words for False.
        weights: the model, for the command that measures a threshold.
    """
    if same is None:
        by = " --backend onnx" if is_onnx(weights) else ""
        return (
            "undecided without a threshold; set one with --threshold, or measure one on LFW: facezoo evaluate "
            f"--weights {weights}{by} --protocol lfw --data LFW --detector mtcnn --calibrate 0.001"
        )
    return yes if same else no
