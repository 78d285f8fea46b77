"""Write the pages of the zoo from specs and margins: ``python docs/generate.py``.

Multiply-adds and parameters are in ``docs/zoo/figures.json``; ``--measure`` counts them again on torch's meta device.
``--check`` writes nothing and fails if a page is out of date.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from facezoo.margins.base import Margin
from facezoo.specs.base import BackboneSpec
from facezoo.zoo.catalog import BACKBONES, HEAD_ALIASES, HEADS

ZOO = Path(__file__).resolve().parent / "zoo"
FIGURES = ZOO / "figures.json"
LATENCY = ZOO / "latency.json"  # CPU time of one image on one thread: benchmarks/zoo_latency.py
MADE = "<!-- made by docs/generate.py -->"
COMMON = {  # options that every backbone takes
    "embedding_size": "E, size of the embedding",
    "input_size": "(H, W) of the image; one integer: square",
    "neck": "layers from the last feature map to the embedding",
    "dropout": "probability in the neck",
    "checkpointing": "recompute activations in the backward pass instead of keeping them",
    "init": "rule of the random initial weights",
    "bn_eps": "added to the variance",
    "bn_momentum": "weight of the new value in running statistics",
}

Figures = dict[str, dict[str, int]]


def measure(names: Sequence[str] | None = None) -> Figures:
    """Parameters and multiply-adds of the backbones with their default options."""
    import torch

    from facezoo import backends
    from facezoo.canonical.state import parameter_count

    backends.load("torch")
    from facezoo.backends.torch.cost import multiply_adds

    found = {}
    for name in names or BACKBONES:
        with torch.device("meta"):
            module = backends.load("torch").build_backbone(BACKBONES[name])
        found[name] = {"parameters": parameter_count(module), "multiply_adds": multiply_adds(BACKBONES[name])}
    return found


def pages(figures: Figures) -> dict[str, str]:
    """The path below ``docs/zoo`` and the text of every page."""
    made = {"backbones/index.md": _backbone_index(figures), "heads/index.md": _head_index()}
    for family, specs in _families().items():
        made[f"backbones/{family}.md"] = _family_page(family, specs, figures)
    for name in HEADS:
        made[f"heads/{name.lower()}.md"] = _head_page(name, HEADS[name])
    return {name: f"{text}\n{MADE}\n" for name, text in made.items()}


def stale(figures: Figures) -> list[str]:
    """Pages that are missing, out of date, or no longer needed."""
    wanted = pages(figures)
    there = {path.relative_to(ZOO).as_posix() for path in ZOO.rglob("*.md")}
    differ = [name for name in wanted if name in there and _read(ZOO / name) != wanted[name]]
    return sorted({*differ, *(set(wanted) ^ there)})


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _families() -> dict[str, list[BackboneSpec]]:
    grouped: dict[str, list[BackboneSpec]] = {}
    for spec in BACKBONES.values():
        grouped.setdefault(type(spec).__module__.rpartition(".")[2], []).append(spec)
    return grouped


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    def cells(row: Sequence[object]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |"

    return "\n".join([cells(head), "|" + "---|" * len(head), *map(cells, rows)])


def _million(value: int) -> str:
    return f"{value / 1e6:,.2f} M"


def _cost(value: int) -> str:
    return f"{value / 1e9:,.2f} G" if value >= 1e9 else f"{value / 1e6:,.0f} M"


def _prose(text: str | None) -> str:
    """A docstring without its sections and roles, as Markdown."""
    text = re.split(r"\n\s*(?:Attributes|Args|Raises|Returns):\n", inspect.cleandoc(text or ""))[0]
    text = re.split(r"\n>>> ", text)[0]
    text = re.sub(r":[a-z]+:`~?([^`]+)`", r"`\1`", text)
    return text.replace("``", "`").strip()


def _attributes(cls: type) -> dict[str, str]:
    """Name -> meaning from the Attributes sections of a class and its bases."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        section = re.search(r"\nAttributes:\n(.*)", inspect.cleandoc(base.__doc__ or ""), re.DOTALL)
        for name, meaning in re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section[1] if section else "", re.MULTILINE):
            found[name] = " ".join(meaning.split()).replace("``", "`")
    return found


def _backbone_index(figures: Figures) -> str:
    latency: dict[str, dict[str, float]] = json.loads(_read(LATENCY))
    rows = [
        (
            f"[{name}]({type(spec).__module__.rpartition('.')[2]}.md)",
            f"{spec.in_channels}x{spec.input_size[0]}x{spec.input_size[1]}",
            spec.embedding_size,
            _million(figures[name]["parameters"]),
            _cost(figures[name]["multiply_adds"]),
            *(f"{latency[name][backend]:.1f}" if name in latency else "" for backend in ("torch", "paddle")),
            spec.neck,
        )
        for name, spec in BACKBONES.items()
    ]
    head = ("name", "input", "embedding", "parameters", "multiply-adds", "ms, torch", "ms, paddle", "neck")
    lead = (
        f"{len(rows)} networks with their default options. Parameters are all trainable values; multiply-adds are "
        "those of\nconvolutions, linear layers and attention for one image, counted from the shapes. Milliseconds: CPU "
        "time of one image\nin float32 on one thread of an AMD EPYC with AVX-512, torch 2.13.0 and paddlepaddle 3.3.1, "
        "by\n`OMP_NUM_THREADS=1 python benchmarks/zoo_latency.py --out docs/zoo/latency.json`."
    )
    return f"# Backbones\n\n{lead}\n\n{_table(head, rows)}\n"


def _family_page(family: str, specs: list[BackboneSpec], figures: Figures) -> str:
    first = specs[0]
    text = _prose(sys.modules[type(first).__module__].__doc__)
    title, _, rest = text.partition("\n")
    parts = [f"# {' '.join(spec.name for spec in specs[:4])}{' ...' if len(specs) > 4 else ''}"]
    parts += [title, rest.strip(), "## Members", _members(specs, figures)]
    papers = dict.fromkeys(spec.paper for spec in specs)
    parts += ["## Papers", "\n".join(f"* {paper}" for paper in papers)]
    parts += ["## Stages", *_stages(specs)]
    notes = {spec.name: spec.notes for spec in specs if spec.notes}
    if notes:
        parts += ["## Notes", "\n".join(f"* {name}: {note}" for name, note in notes.items())]
    parts += ["## Options", _options(specs), "## Use", _use_backbone(first)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _members(specs: list[BackboneSpec], figures: Figures) -> str:
    rows = []
    for spec in specs:
        found = figures[spec.name]
        published = "unknown" if spec.parameters is None else f"{spec.parameters:,}"
        size = f"{spec.in_channels}x{spec.input_size[0]}x{spec.input_size[1]}"
        rows.append(
            (spec.name, size, spec.embedding_size, f"{found['parameters']:,}", published, _cost(found["multiply_adds"]))
        )
    return _table(("name", "input", "embedding", "parameters", "expected", "multiply-adds"), rows)


def _stages(specs: list[BackboneSpec]) -> Iterator[str]:
    """One table: what differs between the members, and what they share."""
    meanings = _attributes(type(specs[0]))
    tables = [dict(spec.stage_table()) for spec in specs]
    keys = list(dict.fromkeys(key for table in tables for key in table))
    shared = [key for key in keys if len({table.get(key) for table in tables}) == 1]
    own = [key for key in keys if key not in shared]
    if shared:
        rows = [(f"`{key}`", f"`{tables[0][key]}`", meanings.get(key, "")) for key in shared]
        yield _table(("for all", "value", "meaning"), rows)
    if own:
        rows = [
            (spec.name, *(f"`{table.get(key, '')}`" for key in own)) for spec, table in zip(specs, tables, strict=True)
        ]
        yield _table(("name", *(f"`{key}`" for key in own)), rows)
        yield "\n".join(f"* `{key}`: {meanings[key]}" for key in own if key in meanings)


def _options(specs: list[BackboneSpec]) -> str:
    first = specs[0]
    meanings = {**_attributes(type(first)), **COMMON}
    rows = []
    for key in (*first.OPTIONS, *first.COMMON):
        values = list(dict.fromkeys(str(getattr(spec, key)) for spec in specs))
        default = values[0] if len(values) == 1 else "depends on the member"
        meaning = f"{meanings[key]}: {', '.join(first.necks())}" if key == "neck" else meanings.get(key, "")
        rows.append((f"`{key}`", f"`{default}`", meaning))
    return _table(("option", "default", "meaning"), rows)


def _use_backbone(spec: BackboneSpec) -> str:
    module = f"{spec.family} import {spec.network}"
    return f"""```python
import facezoo
from facezoo.zoo.catalog import backbone_spec

module = facezoo.create_backbone("{spec.name}", backend="torch")  # or "paddle"

# the class itself, built with backbone_spec("{spec.name}")
from facezoo.backends.torch.backbones.{module}  # a torch.nn.Module
from facezoo.backends.paddle.backbones.{module}  # a paddle.nn.Layer
```"""


def _head_index() -> str:
    rows = []
    for name, margin in HEADS.items():
        also = ", ".join(alias for alias, (target, _) in HEAD_ALIASES.items() if target == name)
        rows.append((f"[{name}]({name.lower()}.md)", also, margin.family, margin.paper))
    lead = (
        f"{len(rows)} heads. Family: `margin` works on the cosines of all classes, `linear` on inner products, "
        "`metric` and\n`regulariser` on the batch or the class weights; the last two can also be added to a "
        "classification head."
    )
    return f"# Heads\n\n{lead}\n\n{_table(('name', 'also called', 'family', 'paper'), rows)}\n"


def _head_page(name: str, margin: type[Margin]) -> str:
    title, _, rest = _prose(margin.__doc__).partition("\n")
    parts = [f"# {name}", title, rest.strip(), "## Equation", f"```\n{margin.equation}\n```"]
    parts += ["## Paper", margin.paper, "## Hyper-parameters", _hyper(margin)]
    if len(margin.variants) > 1:
        rows = [
            (f"`{variant}`", ", ".join(f"{key} {value}" for key, value in changed.items()) or "see above")
            for variant, changed in margin.variants.items()
        ]
        parts += ["## Variants", _table(("variant", "defaults"), rows)]
    aliases = {alias: hyper for alias, (target, hyper) in HEAD_ALIASES.items() if target == name}
    if aliases:
        rows = [
            (alias, ", ".join(f"{key} {value}" for key, value in hyper.items())) for alias, hyper in aliases.items()
        ]
        parts += ["## Aliases", _table(("name", "means"), rows)]
    parts += ["## Use", _use_head(name, margin)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _hyper(margin: type[Margin]) -> str:
    meanings = _attributes(margin)
    rows: list[tuple[Any, ...]] = []
    for entry in fields(margin):
        if not entry.init:
            continue
        words = margin.variants if entry.name == "variant" else margin.choices.get(entry.name)
        low_high = margin.ranges.get(entry.name)
        valid = ", ".join(words) if words else f"{low_high[0]:g} to {low_high[1]:g}" if low_high else ""
        rows.append((f"`{entry.name}`", f"`{entry.default}`", valid, meanings.get(entry.name, "")))
    if margin.family in ("margin", "linear") and margin.criteria:
        rows.append(("`criterion`", f"`{margin.criteria[0]}`", ", ".join(margin.criteria), "loss of the logits"))
        rows.append(("`label_smoothing`", "`0.0`", "0 to below 1", "share of the target distributed over all classes"))
        rows.append(("`focal_gamma`", "`2.0`", "0 or more", "exponent of the focal criterion"))
    return _table(("name", "default", "range", "meaning"), rows)


def _use_head(name: str, margin: type[Margin]) -> str:
    return f"""```python
import facezoo

head = facezoo.create_head("{name}", backend="torch", embedding_size=512, num_classes=1000)

from facezoo.backends.torch.heads.{margin.module} import {name}  # a torch.nn.Module
from facezoo.backends.paddle.heads.{margin.module} import {name}  # a paddle.nn.Layer
```"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--measure", action="store_true", help="count parameters and multiply-adds again")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is out of date")
    asked = parser.parse_args(argv)
    figures: Figures = measure() if asked.measure else json.loads(_read(FIGURES))
    if asked.check:
        for name in stale(figures):
            print(f"out of date: docs/zoo/{name}")
        return 1 if stale(figures) else 0
    wanted = pages(figures)
    for path in [path for path in ZOO.rglob("*.md") if path.relative_to(ZOO).as_posix() not in wanted]:
        path.unlink()
    for name, text in wanted.items():
        (ZOO / name).parent.mkdir(parents=True, exist_ok=True)
        (ZOO / name).write_text(text, encoding="utf-8")
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(f"{len(wanted)} pages in {ZOO}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
