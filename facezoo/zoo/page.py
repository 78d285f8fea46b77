"""The zoo as one page: backbones and heads in tables that can be sorted and filtered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facezoo.io.html import write_html
from facezoo.zoo.catalog import BACKBONES, HEADS
from facezoo.zoo.cost import cost


def write_zoo_page(path: str | Path) -> None:
    """Write the page; one file without references to others, which appears complete or not at all.

    Raises:
        BackendUnavailableError: jinja2 is not installed.
    """
    write_html(
        path,
        Path(__file__).with_name("page_of_zoo.html.j2"),
        title="Zoo of facezoo",
        subtitle=f"{len(BACKBONES)} backbones and {len(HEADS)} loss heads, each native on PyTorch and PaddlePaddle",
        plots=[],
        tables=[
            {
                "id": "backbones",
                "name": "Backbones",
                "note": "Parameters and multiply-adds of one image, with the default options; size of a float32 file.",
                "columns": _columns("Name", "Parameters", "Multiply-adds", "MB", "Embedding", "Input", "Paper"),
                "rows": [_backbone(spec) for spec in BACKBONES.values()],
            },
            {
                "id": "heads",
                "name": "Loss heads",
                "note": "Hyper-parameters with their defaults.",
                "columns": _columns("Name", "Kind", "Hyper-parameters", "Paper"),
                "rows": [_head(name, margin) for name, margin in HEADS.items()],
            },
        ],
    )


def _columns(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "number": name not in ("Name", "Kind", "Hyper-parameters", "Paper")} for name in names]


def _cell(text: str, key: float | str | None = None) -> dict[str, Any]:
    """A cell: what is shown, and what the table is sorted by."""
    return {"text": text, "key": text.lower() if key is None else key}


def _number(value: int | None, factor: float, digits: int, unit: str = "") -> dict[str, Any]:
    return _cell("-", -1) if value is None else _cell(f"{value * factor:,.{digits}f}{unit}", value)


def _backbone(spec: Any) -> list[dict[str, Any]]:
    found = cost(spec)
    parameters = found.parameters if found else spec.parameters
    height, width = spec.input_size
    return [
        _cell(spec.name), _number(parameters, 1e-6, 2, " M"),
        _number(found.multiply_adds if found else None, 1e-6, 0, " M"), _number(parameters, 4e-6, 1),
        _cell(str(spec.embedding_size), spec.embedding_size), _cell(f"{height} x {width}", height), _cell(spec.paper),
    ]  # fmt: skip


def _head(name: str, margin: Any) -> list[dict[str, Any]]:
    hyper = ", ".join(f"{key}={value}" for key, value in margin().hyper().items() if key != "variant")
    return [_cell(name), _cell(margin.family), _cell(hyper), _cell(margin.paper)]
