"""Results as tables: one result on the terminal, or several models and protocols in Markdown or LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from facezoo.errors import ProtocolError, UnknownNameError
from facezoo.evaluation.protocols.result import ProtocolResult
from facezoo.io.printable import printable

FORMATS = ("markdown", "latex")


def print_result(result: ProtocolResult) -> None:
    """The figures of a result as a table on standard output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    title = Text(printable(f"{result.title}: {result.model}"))  # not markup: names may hold brackets
    table = Table(title=title, title_justify="left")
    several = len(result.tasks) > 1
    for column in [*(["task"] if several else []), "figure", f"value ({100 * result.confidence:g} % interval)"]:
        table.add_column(column)
    for task in result.tasks:
        for number, figure in enumerate(task.figures):
            first = [task.name if number == 0 else ""] if several else []
            table.add_row(*(Text(printable(cell)) for cell in (*first, figure.name, figure.text())))
    if result.ranking is not None:
        table.add_row(*(["ranking"] if several else []), "ranking figure", f"{100 * result.ranking:.2f} %")
    console.print(table)
    for task in result.tasks:
        for note in task.notes:
            console.print(Text(printable(f"{task.name + ': ' if several else ''}{note}")), style="yellow")
    console.print(Text(printable(f"protocol {result.protocol} {result.protocol_sha256[:16]}")), style="dim")


def _headline(task: dict[str, Any]) -> dict[str, Any]:
    return task["figures"][0]


def _cell(figure: dict[str, Any], intervals: bool, dash: str) -> str:
    if figure["value"] is None:
        return "n/a"
    factor, digits = (100, 2) if figure["percent"] else (1, 4)
    text = f"{figure['value'] * factor:.{digits}f}"
    if intervals and figure["low"] is not None:
        text += f" ({figure['low'] * factor:.{digits}f}{dash}{figure['high'] * factor:.{digits}f})"
    return text


def combine(results: Sequence[dict[str, Any]], form: str = "markdown", *, intervals: bool = True) -> str:
    """One table with a row per model and a column per task: the headline figure of each task, in percent.

    Args:
        results: stored results, see :func:`facezoo.evaluation.protocols.result.load_result`.
        form: "markdown" or "latex" (booktabs).
        intervals: also print the intervals.

    Raises:
        ProtocolError: there are no results, two results of a model for a task, or two versions of a protocol.
    """
    if form not in FORMATS:
        raise UnknownNameError("table format", form, FORMATS)
    if not results:
        raise ProtocolError("no results to put in a table; expected files written by --out")
    cells: dict[str, dict[str, str]] = {}
    columns: dict[str, str] = {}
    hashes: dict[str, str] = {}
    for result in results:
        known = hashes.setdefault(result["protocol"], result["protocol_sha256"])
        if known != result["protocol_sha256"]:
            raise ProtocolError(f"protocol {result['protocol']} differs between results, which cannot be compared")
        row = cells.setdefault(result["model"], {})
        for task in result["tasks"]:
            figure = _headline(task)
            name = task["name"] if task["name"] == result["protocol"] else f"{result['protocol']} {task['name']}"
            columns[name] = f"{name}: {figure['name']}"
            if name in row:
                raise ProtocolError(f"two results are of model {result['model']!r} and task {name}")
            row[name] = _cell(figure, intervals, "–" if form == "markdown" else "--")
        if result.get("ranking") is not None:
            name = f"{result['protocol']} ranking"
            columns[name] = name
            row[name] = f"{100 * result['ranking']:.2f}"
    lines = [[printable(model), *(row.get(name, "") for name in columns)] for model, row in cells.items()]
    header = ["model", *columns.values()]
    return _markdown(header, lines) if form == "markdown" else _latex(header, lines)


def _markdown(header: list[str], lines: list[list[str]]) -> str:
    rows = [header, ["---", *["---:"] * (len(header) - 1)], *([cell.replace("|", "\\|") for cell in r] for r in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _latex(header: list[str], lines: list[list[str]]) -> str:
    special = {mark: "\\" + mark for mark in "&%$#_{}"} | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}"}

    def safe(cell: str) -> str:
        return "".join(special.get(letter, letter) for letter in cell)

    rows = [" & ".join(map(safe, row)) + r" \\" for row in [header, *lines]]
    columns = "l" + "r" * (len(header) - 1)
    return "\n".join(
        [
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            rows[0],
            r"\midrule",
            *rows[1:],
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )
