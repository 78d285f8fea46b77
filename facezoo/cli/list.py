"""``facezoo list``: the zoo as tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from facezoo.backends import INSTALL
from facezoo.cli import options

app = typer.Typer(add_completion=False, no_args_is_help=True, help="List the backbones or the loss heads of the zoo.")
Name = Annotated[
    str | None, typer.Argument(metavar="NAME", help="Only names that contain this string, in upper or lower case.")
]


@app.command()
def backbones(
    name: Name = None,
    max_params: Annotated[
        str | None, typer.Option(metavar="N", help="Largest number of parameters, such as 5M or 800k.")
    ] = None,
    max_flops: Annotated[
        str | None, typer.Option(metavar="N", help="Largest number of multiply-adds per image, such as 1G or 450M.")
    ] = None,
    bench: Annotated[bool, typer.Option("--bench", help="Also measure images/s on this machine.")] = False,
    backend: Annotated[
        str | None, options.one_of("backend", tuple(INSTALL), "With --bench. Default: the first installed one.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """List backbones with parameters, multiply-adds, size and paper."""
    from facezoo import backends
    from facezoo.cli.show import print_json, print_table
    from facezoo.errors import BackendUnavailableError
    from facezoo.zoo import catalog
    from facezoo.zoo.cost import cost, quantity

    if bench:
        from facezoo.training.speed import measure_speed
    limits = [None if text is None else quantity(text) for text in (max_params, max_flops)]
    if bench and not backends.available():
        raise BackendUnavailableError("--bench needs torch or paddle; neither is installed")
    records: list[dict[str, Any]] = []
    for spec in catalog.BACKBONES.values():
        found = cost(spec)
        sizes = (found.parameters, found.multiply_adds) if found else (spec.parameters, None)
        beyond = any(
            limit is not None and (size is None or size > limit) for size, limit in zip(sizes, limits, strict=True)
        )
        if beyond or not _matches(name, spec.name):
            continue
        record: dict[str, Any] = {
            "name": spec.name, "parameters": sizes[0], "multiply_adds": sizes[1], "megabytes": None,
            "embedding_size": spec.embedding_size, "input_size": list(spec.input_size), "neck": spec.neck,
            "paper": spec.paper,
        }  # fmt: skip
        if sizes[0] is not None:
            record["megabytes"] = round(sizes[0] * 4 / 1e6, 1)
        if bench:
            speed = measure_speed(spec, backend or backends.available()[0], head=None, batch_size=8, rounds=3)
            record["images_per_second"] = speed.embed
        records.append(record)
    if as_json:
        print_json(records)
        return
    head = ["name", "parameters", "multiply-adds", "MB", "images/s" if bench else "", "paper"]
    rows = [
        [record["name"], _count(record["parameters"]), _millions(record["multiply_adds"]), record["megabytes"],
         f"{record['images_per_second']:.1f}" if bench else "", _short(record["paper"])]
        for record in records
    ]  # fmt: skip
    keep = [at for at in range(len(head)) if at != 4 or bench]
    print_table([head[at] for at in keep], [[row[at] for at in keep] for row in rows], right=range(1, len(keep) - 1))


@app.command()
def heads(name: Name = None, as_json: options.AsJson = False) -> None:
    """List loss heads with kind, hyper-parameters and their defaults, and paper."""
    from facezoo.cli.show import print_json, print_table
    from facezoo.zoo import catalog

    records: list[dict[str, Any]] = [
        {"name": key, "family": margin.family, "hyper": margin().hyper(), "variants": list(margin.variants),
         "ranges": {hyper: list(bounds) for hyper, bounds in margin.ranges.items()},
         "equation": margin.equation, "paper": margin.paper}
        for key, margin in catalog.HEADS.items() if _matches(name, key)
    ]  # fmt: skip
    if as_json:
        print_json(records)
        return
    rows = [
        [record["name"], record["family"],
         ", ".join(f"{key}={value}" for key, value in record["hyper"].items() if key != "variant"),
         _short(record["paper"])]
        for record in records
    ]  # fmt: skip
    print_table(["name", "kind", "hyper-parameters", "paper"], rows)


@app.command()
def page(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="The page to write.")] = Path("zoo.html"),
) -> None:
    """Write backbones and heads as one HTML page with tables that can be sorted and filtered."""
    from facezoo.cli.show import say
    from facezoo.cli.writable import check_output
    from facezoo.zoo.page import write_zoo_page

    check_output("FILE", out)
    write_zoo_page(out)
    say(out)


def _matches(wanted: str | None, name: str) -> bool:
    return wanted is None or wanted.lower() in name.lower()


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _millions(value: int | None) -> str:
    return "-" if value is None else f"{value / 1e6:,.1f} M"


def _short(paper: str) -> str:
    return paper if len(paper) <= 60 else paper[:57] + "..."
