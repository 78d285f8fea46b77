"""A self-contained HTML page of a result: figures, curves, pictures of the worst pairs, and hashes."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.errors import FacezooError
from facezoo.evaluation.protocols.result import Figure, ProtocolResult, TaskResult, versions
from facezoo.evaluation.report import plots
from facezoo.evaluation.report.worst import WrongPair, worst_listed
from facezoo.io.html import data_address, write_html
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
        result=result,
        tasks=[_task(task) for task in result.tasks],
        plots=_plots(result.tasks),
        galleries=[{"title": title, "pairs": [_pair(pair, crop) for pair in pairs]} for title, pairs in shown],
        facts=_facts(result),
    )


def _row(figure: Figure) -> dict[str, str]:
    factor, unit, digits = (100, " %", 2) if figure.percent else (1, "", 4)

    def shown(value: float) -> str:
        return "" if math.isnan(value) else f"{value * factor:.{digits}f}{unit}"

    return {
        "name": figure.name,
        "value": shown(figure.value) or "not given",
        "low": shown(figure.low),
        "high": shown(figure.high),
    }


def _task(task: TaskResult) -> dict[str, Any]:
    return {"name": task.name, "rows": [_row(figure) for figure in task.figures], "notes": task.notes}


def _plots(tasks: list[TaskResult]) -> list[dict[str, str]]:
    curves = {task.name: task for task in tasks if task.roc is not None}
    searches = {task.name: task for task in tasks if task.cmc is not None}
    rejects = {task.name: task for task in tasks if task.kind == "reject"}
    out = []
    if curves:
        out.append({"name": "ROC", "address": plots.plot_roc(curves)})
        out.append({"name": "DET", "address": plots.plot_det(curves)})
    for task in tasks:
        if task.histogram is not None:
            limit = None if task.pairs is None else float(np.median(task.pairs.threshold))
            out.append({"name": f"scores of {task.name}", "address": plots.plot_histogram(task, limit)})
    if searches:
        out.append({"name": "CMC", "address": plots.plot_cmc(searches)})
    if rejects:
        out.append({"name": "error versus reject", "address": plots.plot_reject(rejects)})
    return out


def _listed_galleries(result: ProtocolResult) -> Galleries:
    found: Galleries = []
    for task in result.tasks:
        if task.pairs is not None:
            matches, misses = worst_listed(task.pairs)
            found.append((f"Worst false matches: {task.name}", matches))
            found.append((f"Worst false non-matches: {task.name}", misses))
    return found


_NOTHING = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def _picture(name: str, crop: Crop | None) -> str:
    from PIL import Image

    if crop is None:
        return _NOTHING
    try:
        image = Image.fromarray(crop(name))
    except FacezooError:
        return _NOTHING
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=88)
    return data_address(buffer.getvalue(), "image/jpeg")


def _pair(pair: WrongPair, crop: Crop | None) -> dict[str, Any]:
    names = {"first": printable(pair.first), "second": printable(pair.second)}
    return {**vars(pair), **names, "left": _picture(pair.first, crop), "right": _picture(pair.second, crop)}


def _facts(result: ProtocolResult) -> list[tuple[str, str]]:
    facts = [(name.replace("_", " "), printable(value)) for name, value in result.inputs.items()]
    facts += [(f"list {name}", digest) for task in result.tasks for name, digest in task.lists.items()]
    return facts + [(f"version of {name}", value) for name, value in versions().items()]
