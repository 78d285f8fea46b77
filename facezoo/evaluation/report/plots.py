"""Plots of a report: ROC, DET, score histograms, CMC and error-versus-reject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from facezoo.evaluation.protocols.result import TaskResult
from facezoo.io.colours import SERIES
from facezoo.io.html import Picture
from facezoo.io.plots import MUTED, TEXT, Axis, Series, plot, plot_series

Tasks = Mapping[str, TaskResult]


def _corners(task: TaskResult) -> tuple[np.ndarray, np.ndarray, float]:
    """FMR and TAR of the curve, reduced to the points that a plot can show, and 1 / number of impostor pairs."""
    assert task.roc is not None  # the callers pass only tasks that have one
    fmr, tar = task.roc.points()
    floor = 1.0 / task.roc.impostor
    if len(fmr) > 1500:
        at = np.unique(np.searchsorted(fmr, np.geomspace(floor / 2, 1, 700)).clip(0, len(fmr) - 1))
        at = np.unique(np.concatenate([[0], at, np.linspace(0, len(fmr) - 1, 700).astype(int)]))
        fmr, tar = fmr[at], tar[at]
    return fmr, tar, floor


def wilson_band(share: np.ndarray, trials: int, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of each share of a curve.

    Args:
        share: float (n,), 0..1.
        trials: independent trials behind each share, 1 or more.
        confidence: in (0, 1).
    """
    from scipy.special import ndtri

    z = float(ndtri((1 + confidence) / 2))
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2)) / (1 + z * z / trials)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def plot_roc(tasks: Tasks, confidence: float) -> Picture:
    """TAR over FMR, FMR logarithmic, with a band of independent genuine pairs."""
    series, lowest = [], 1.0
    for name, task in tasks.items():
        fmr, tar, floor = _corners(task)
        low, high = wilson_band(tar, task.roc.genuine if task.roc else 1, confidence)
        series.append(Series(name, np.maximum(fmr, floor / 2), tar, low, high))
        lowest = min(lowest, floor)
    x = Axis("false match rate", logarithmic=True, limits=(lowest / 2, 1))
    return plot_series(series, x, Axis("true accept rate", limits=(-0.02, 1.02)), title="ROC", steps=True)


def plot_det(tasks: Tasks, confidence: float) -> Picture:
    """FNMR over FMR, both logarithmic, with a band of independent genuine pairs."""
    series, low_x, low_y = [], 0.5, 0.5
    for name, task in tasks.items():
        fmr, tar, floor = _corners(task)
        genuine = task.roc.genuine if task.roc else 1
        low, high = wilson_band(1 - tar, genuine, confidence)
        least = 0.5 / genuine
        series.append(
            Series(
                name, np.maximum(fmr, floor / 2), np.maximum(1 - tar, least), np.maximum(low, least),
                np.maximum(high, least),
            )
        )  # fmt: skip
        low_x, low_y = min(low_x, floor), min(low_y, 2 * least)
    x = Axis("false match rate", logarithmic=True, limits=(low_x / 2, 1))
    y = Axis("false non-match rate", logarithmic=True, limits=(low_y / 2, 1))
    return plot_series(series, x, y, title="DET", steps=True)


def plot_histogram(task: TaskResult, threshold: float | None = None) -> Picture:
    """Share of genuine and impostor pairs by score."""
    assert task.histogram is not None  # the callers pass only tasks that have one
    edges, genuine, impostor = task.histogram
    shown = threshold is not None and bool(np.isfinite(threshold))

    def draw(axes: Any) -> None:
        used = np.flatnonzero(genuine + impostor)
        width = float(edges[1] - edges[0])
        right = np.append(edges, edges[-1] + width)
        for counts, name, colour in ((impostor, "impostor", SERIES[1][0]), (genuine, "genuine", SERIES[0][0])):
            axes.stairs(counts / max(1, counts.sum()), right, fill=True, alpha=0.5, label=name, color=colour)
        axes.set(xlim=(float(edges[used[0]]) - width, float(edges[used[-1]]) + 2 * width))
        axes.set(xlabel="score", ylabel="share of pairs", title=f"Scores: {task.name}")
        if shown:
            axes.axvline(threshold, color=MUTED, linewidth=0.9, linestyle="--", label=f"threshold {threshold:.3f}")
        axes.legend(fontsize=8, frameon=False, labelcolor=TEXT)

    means = [
        f"{name} pairs {counts.sum():,}, mean score {counts @ edges / max(1, counts.sum()):.2f}"
        for name, counts in (("genuine", genuine), ("impostor", impostor))
    ]
    limit = f"; threshold {threshold:.3f}" if shown else ""
    title = f"scores of {task.name}"
    return Picture(title, plot(draw), f"{title}, as a histogram: {'; '.join(means)}{limit}")


def plot_cmc(tasks: Tasks, confidence: float) -> Picture:
    """Share of probes found up to each rank."""
    series = []
    for name, task in tasks.items():
        if task.cmc is None:
            continue
        mated = task.detail.get("mated")
        low, high = wilson_band(task.cmc, int(mated), confidence) if mated else (None, None)
        series.append(Series(name, np.arange(1, len(task.cmc) + 1), task.cmc, low, high))
    return plot_series(series, Axis("rank", logarithmic=True), Axis("share of probes found"), title="CMC", steps=True)


def plot_reject(tasks: Tasks) -> Picture:
    """FNMR of the remaining pairs over the share of rejected pairs."""
    series = [Series(name, task.detail["reject"], task.detail["fnmr"]) for name, task in tasks.items()]
    highest = max((max(item.y, default=0.0) for item in series), default=0.0)
    y = Axis("FNMR of the others", limits=(0, 1.05 * highest) if highest else None)
    return plot_series(series, Axis("share of genuine pairs rejected"), y, title="Error versus reject")
