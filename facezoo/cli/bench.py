"""``facezoo bench``: how fast networks train and embed on this machine."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from facezoo.cli import options


def command(
    backbone: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A backbone; repeatable. Default: IR50.")
    ] = None,
    head: Annotated[str, typer.Option(metavar="NAME", help="The loss head to train with.")] = "ArcFace",
    backend: options.AnyBackend = None,
    precision: Annotated[
        str, options.one_of("precision", ("float32", "bfloat16"), "Numeric type of the computation.")
    ] = "float32",
    batch_size: Annotated[int, typer.Option(metavar="N", help="Images per step, 2 or more.")] = 16,
    rounds: Annotated[int, typer.Option(metavar="N", help="Steps to measure; the median is shown.")] = 5,
    threads: Annotated[int, typer.Option(metavar="N", help="Threads; 0: the framework's own choice.")] = 0,
    device: options.Device = "auto",
    embed_only: Annotated[bool, typer.Option("--embed-only", help="Do not measure training.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Measure images/s in training and embedding, on random images in memory: the upper limit for a run."""
    from facezoo import backends
    from facezoo.cli.show import print_json, print_table
    from facezoo.errors import BackendUnavailableError, ConfigError
    from facezoo.training.speed import Speed, measure_speed
    from facezoo.zoo import catalog

    if batch_size < 2 or rounds < 1:
        raise ConfigError(f"--batch-size is {batch_size} and --rounds {rounds}; expected 2 or more and 1 or more")
    names = [backend] if backend else backends.available()
    if not names:
        raise BackendUnavailableError("bench needs torch or paddle; neither is installed")
    specs = [catalog.backbone_spec(name) for name in backbone or ["IR50"]]
    loss = None if embed_only else catalog.head_margin(head).name
    rows: list[Speed] = [
        measure_speed(
            spec, name, head=loss, precision=precision, batch_size=batch_size, rounds=rounds, threads=threads,
            device=device,
        )
        for spec in specs for name in names
    ]  # fmt: skip
    if as_json:
        print_json([dataclasses.asdict(row) for row in rows])
        return
    print_table(
        ["backbone", "backend", "precision", "batch", "train images/s", "embed images/s"],
        [
            [row.backbone, row.backend, row.precision, row.batch_size,
             "-" if row.train is None else f"{row.train:.1f}", f"{row.embed:.1f}"]
            for row in rows
        ],
        right=range(3, 6),
    )  # fmt: skip
