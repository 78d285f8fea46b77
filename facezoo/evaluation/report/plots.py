"""Plots of a report: ROC, DET, score histograms, CMC and error-versus-reject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from facezoo.evaluation.protocols.result import TaskResult
from facezoo.io.html import plot


def _corners(task: TaskResult) -> tuple[np.ndarray, np.ndarray, float]:
    """FMR and TAR of the curve, reduced to the points that a plot can show, and 1 / number of impostor pairs."""
    assert task.roc is not None  # the callers pass only tasks that have one
    fmr, tar = task.roc.points()
    floor = 1.0 / task.roc.impostor
    if len(fmr) > 4000:
        at = np.unique(np.searchsorted(fmr, np.geomspace(floor / 2, 1, 2000)).clip(0, len(fmr) - 1))
        at = np.unique(np.concatenate([[0], at, np.linspace(0, len(fmr) - 1, 2000).astype(int)]))
        fmr, tar = fmr[at], tar[at]
    return fmr, tar, floor


def plot_roc(tasks: Mapping[str, TaskResult]) -> str:
    """TAR over FMR, FMR logarithmic."""

    def draw(axes: Any) -> None:
        lowest = 1.0
        for name, task in tasks.items():
            fmr, tar, floor = _corners(task)
            axes.step(np.maximum(fmr, floor / 2), tar, where="post", label=name)
            lowest = min(lowest, floor)
        axes.set(xscale="log", xlim=(lowest / 2, 1), ylim=(-0.02, 1.02), title="ROC")
        axes.set(xlabel="false match rate", ylabel="true accept rate")
        axes.legend(loc="lower right", fontsize=8, frameon=False)

    return plot(draw)


def plot_det(tasks: Mapping[str, TaskResult]) -> str:
    """FNMR over FMR, both logarithmic."""

    def draw(axes: Any) -> None:
        low_x = low_y = 0.5
        for name, task in tasks.items():
            fmr, tar, floor = _corners(task)
            rate = 1 / task.roc.genuine if task.roc else 1.0
            axes.step(np.maximum(fmr, floor / 2), np.maximum(1 - tar, rate / 2), where="post", label=name)
            low_x, low_y = min(low_x, floor), min(low_y, rate)
        axes.set(xscale="log", yscale="log", xlim=(low_x / 2, 1), ylim=(low_y / 2, 1), title="DET")
        axes.set(xlabel="false match rate", ylabel="false non-match rate")
        axes.legend(loc="lower left", fontsize=8, frameon=False)

    return plot(draw)


def plot_histogram(task: TaskResult, threshold: float | None = None) -> str:
    """Share of genuine and impostor pairs by score."""
    assert task.histogram is not None  # the callers pass only tasks that have one
    edges, genuine, impostor = task.histogram

    def draw(axes: Any) -> None:
        used = np.flatnonzero(genuine + impostor)
        width = float(edges[1] - edges[0])
        right = np.append(edges, edges[-1] + width)
        for counts, name, color in ((impostor, "impostor", "#c23b22"), (genuine, "genuine", "#1f5fa8")):
            axes.stairs(counts / max(1, counts.sum()), right, fill=True, alpha=0.45, label=name, color=color)
        axes.set(xlim=(float(edges[used[0]]) - width, float(edges[used[-1]]) + 2 * width))
        axes.set(xlabel="score", ylabel="share of pairs", title=f"Scores: {task.name}")
        if threshold is not None and np.isfinite(threshold):
            axes.axvline(threshold, color="#333333", linewidth=0.9, linestyle="--", label=f"threshold {threshold:.3f}")
        axes.legend(fontsize=8, frameon=False)

    return plot(draw)


def plot_cmc(tasks: Mapping[str, TaskResult]) -> str:
    """Share of probes found up to each rank."""

    def draw(axes: Any) -> None:
        for name, task in tasks.items():
            if task.cmc is not None:
                axes.step(np.arange(1, len(task.cmc) + 1), task.cmc, where="post", label=name)
        axes.set(xscale="log", xlabel="rank", ylabel="share of probes found", title="CMC")
        axes.legend(loc="lower right", fontsize=8, frameon=False)

    return plot(draw)


def plot_reject(tasks: Mapping[str, TaskResult]) -> str:
    """FNMR of the remaining pairs over the share of rejected pairs."""

    def draw(axes: Any) -> None:
        for name, task in tasks.items():
            axes.plot(task.detail["reject"], task.detail["fnmr"], label=name)
        axes.set(xlabel="share of genuine pairs rejected", ylabel="FNMR of the others", title="Error versus reject")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8, frameon=False)

    return plot(draw)
