"""A self-contained HTML page of a result: figures, curves, pictures of the worst pairs, and hashes."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.errors import FacezooError
from facezoo.evaluation.protocols.result import Figure, ProtocolResult, TaskResult, versions
from facezoo.evaluation.report import plots
from facezoo.evaluation.report.worst import WrongPair, worst_listed
from facezoo.evaluation.scores.checks import allowed
from facezoo.io.html import Picture, jpeg_picture, write_html
from facezoo.io.printable import printable

Crop = Callable[[str], np.ndarray]
Galleries = list[tuple[str, list[WrongPair]]]


def write_page(
    result: ProtocolResult, path: str | Path, *, crop: Crop | None = None, galleries: Galleries | None = None
) -> None:
    """Write the page. It is one file without references to others, and appears complete or not at all.

    Args:
        result: the result to show.
        path: of the page.
        crop: returns the crop of an image by its name, uint8 RGB; without it the worst pairs are shown by name.
        galleries: more lists of pairs with titles; the worst pairs of listed-pair tasks are always shown.

    Raises:
        BackendUnavailableError: jinja2 or matplotlib is not installed.
    """
    shown = [*_listed_galleries(result), *(galleries or [])]
    write_html(
        path,
        Path(__file__).with_name("report.html.j2"),
        title=result.title,
        subtitle=f"{printable(result.model)} \N{MIDDLE DOT} intervals of {100 * result.confidence:g} %",
        confidence=f"{100 * result.confidence:g} %",
        result=result,
        tasks=[_task(task) for task in result.tasks],
        plots=_plots(result.tasks, result.confidence),
        galleries=[{"title": title, "pairs": [_pair(pair, crop) for pair in pairs]} for title, pairs in shown],
        facts=_facts(result),
    )


def _row(task: TaskResult, figure: Figure) -> dict[str, str]:
    factor, unit, digits = (100, " %", 2) if figure.percent else (1, "", 4)

    def shown(value: float) -> str:
        return "" if math.isnan(value) else f"{value * factor:.{digits}f}{unit}"

    limit = threshold_of(task, figure.name)
    return {
        "name": figure.name,
        "value": shown(figure.value) or "not given",
        "interval": f"{shown(figure.low).removesuffix(unit)} to {shown(figure.high)}" if shown(figure.low) else "",
        "threshold": "" if limit is None or not math.isfinite(limit) else f"{limit:.4f}",
    }


def threshold_of(task: TaskResult, figure: str) -> float | None:
    """The score from which a pair, or a search, counts as accepted in a figure; None where it has no threshold."""
    if figure == "accuracy" and task.pairs is not None:
        return float(np.median(task.pairs.threshold))
    if figure.startswith("TAR at FAR ") and task.roc is not None:
        roc, rate = task.roc, float(figure.rpartition(" ")[2])
        at = int(np.searchsorted(roc.false, allowed(rate, roc.impostor), side="right"))
        return float(roc.thresholds[at - 1]) if at and roc.supports(rate) else None
    if figure.startswith("TPIR at FPIR "):
        value = task.detail.get("threshold", {}).get(f"{float(figure.rpartition(' ')[2]):g}")
        return None if value is None else float(value)
    return None


def counts_of(task: TaskResult) -> str:
    """How many pairs or searches the figures of a task stand on; "" where the task does not say."""
    detail = task.detail
    if task.roc is not None:
        return f"{task.roc.genuine:,} genuine and {task.roc.impostor:,} impostor pairs"
    if "mated" in detail:
        return (
            f"{detail['mated']:,} searches with and {detail['non_mated']:,} without a mate among "
            f"{detail['subjects']:,} people"
        )
    searches = [value for value in detail.values() if isinstance(value, dict) and "mated" in value]
    if searches:
        shown = " and ".join(f"{value['subjects']:,}" for value in searches)
        return f"{sum(value['mated'] for value in searches):,} searches with a mate, in galleries of {shown} people"
    return ""


def _task(task: TaskResult) -> dict[str, Any]:
    rows = [_row(task, figure) for figure in task.figures]
    limits = any(row["threshold"] for row in rows)
    return {"name": task.name, "rows": rows, "notes": task.notes, "counts": counts_of(task), "thresholds": limits}


def _plots(tasks: list[TaskResult], confidence: float) -> list[Picture]:
    curves = {task.name: task for task in tasks if task.roc is not None}
    searches = {task.name: task for task in tasks if task.cmc is not None}
    rejects = {task.name: task for task in tasks if task.kind == "reject"}
    out = []
    if curves:
        out += [plots.plot_roc(curves, confidence), plots.plot_det(curves, confidence)]
    for task in tasks:
        if task.histogram is not None:
            out.append(plots.plot_histogram(task, threshold_of(task, "accuracy")))
    if searches:
        out.append(plots.plot_cmc(searches, confidence))
    if rejects:
        out.append(plots.plot_reject(rejects))
    return out


def _listed_galleries(result: ProtocolResult) -> Galleries:
    found: Galleries = []
    for task in result.tasks:
        if task.pairs is not None:
            matches, misses = worst_listed(task.pairs)
            found.append((f"Worst false matches: {task.name}", matches))
            found.append((f"Worst false non-matches: {task.name}", misses))
    return found


def _picture(name: str, crop: Crop | None) -> Picture | None:
    if crop is None:
        return None
    try:
        return jpeg_picture(crop(name), name, f"face {printable(name)}")
    except FacezooError:
        return None


def _pair(pair: WrongPair, crop: Crop | None) -> dict[str, Any]:
    names = {"first": printable(pair.first), "second": printable(pair.second)}
    return {**vars(pair), **names, "pictures": [_picture(name, crop) for name in (pair.first, pair.second)]}


def _facts(result: ProtocolResult) -> list[tuple[str, str]]:
    facts = [(name.replace("_", " "), printable(value)) for name, value in result.inputs.items()]
    facts += [(f"list {name}", digest) for task in result.tasks for name, digest in task.lists.items()]
    return facts + [(f"version of {name}", value) for name, value in versions().items()]
