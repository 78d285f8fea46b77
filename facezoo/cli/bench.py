"""``facezoo bench``: how fast networks train and embed on the user's own machine."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer


def command(
    backbone: Annotated[list[str] | None, typer.Option(help="A backbone; may be repeated. Default: IR50.")] = None,
    head: Annotated[str, typer.Option(help="The loss to train with.")] = "ArcFace",
    backend: Annotated[str | None, typer.Option(help="torch or paddle; default: each that is installed.")] = None,
    precision: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
    batch_size: Annotated[int, typer.Option(help="Images a step, 2 or more.")] = 16,
    rounds: Annotated[int, typer.Option(help="Steps measured; the median counts.")] = 5,
    threads: Annotated[int, typer.Option(help="Of the framework; 0 leaves its own choice.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, gpu or gpu:N.")] = "auto",
    embed_only: Annotated[bool, typer.Option("--embed-only", help="Leave training out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Images/s in training and in embedding, from random images in memory: what a run can reach at best."""
    from facezoo import backends
    from facezoo.cli.show import print_json, print_table
    from facezoo.errors import BackendUnavailableError, ConfigError, UnknownNameError
    from facezoo.training.speed import Speed, measure_speed
    from facezoo.zoo import catalog

    if batch_size < 2 or rounds < 1:
        raise ConfigError(f"--batch-size is {batch_size} and --rounds {rounds}; expected 2 or more and 1 or more")
    if precision not in ("float32", "bfloat16"):
        raise UnknownNameError("precision", precision, ("float32", "bfloat16"))
    if backend is not None and backend not in backends.INSTALL:
        raise UnknownNameError("backend", backend, backends.INSTALL)
    wanted = [backend] if backend else backends.available()
    if not wanted:
        raise BackendUnavailableError("bench needs torch or paddle; neither is installed")
    specs = [catalog.backbone_spec(name) for name in backbone or ["IR50"]]
    loss = None if embed_only else catalog.head_margin(head).name
    rows: list[Speed] = [
        measure_speed(
            spec, name, head=loss, precision=precision, batch_size=batch_size, rounds=rounds, threads=threads,
            device=device,
        )
        for spec in specs for name in wanted
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
