"""``facezoo evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options
from facezoo.cli.evaluate_request import Request

TABLE_FORMATS = ("markdown", "latex")


@options.from_fields(Request)
def command(
    request: Request,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILES", help="With --compare, --table or --merge: stored results or parts."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Store the result as JSON (a part as .npz).")] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an HTML page.")] = None,
    calibrate: Annotated[
        list[float] | None,
        typer.Option(
            metavar="RATE", help="Store the threshold for this false match rate beside the weights; repeatable."
        ),
    ] = None,
    part: Annotated[
        str | None, typer.Option(metavar="K/N", help="Compute part K of N of an all-pairs protocol into --out.")
    ] = None,
    merge: Annotated[bool, typer.Option("--merge", help="Merge the parts FILES.")] = False,
    compare: Annotated[bool, typer.Option("--compare", help="Compare the two results FILES pair by pair.")] = False,
    table: Annotated[bool, typer.Option("--table", help="Print one table of the results FILES.")] = False,
    form: Annotated[str, options.one_of("table format", TABLE_FORMATS, "Format of --table.", "--format")] = "markdown",
    list_protocols: Annotated[bool, typer.Option("--list", help="List the protocols.")] = False,
    engine: options.Engine = "local",
    ray_address: options.RayAddress = None,
    keep_parts: options.KeepParts = None,
    as_json: options.AsJson = False,
) -> int:
    """Evaluate a model by a protocol, with confidence intervals.

    The model is a weight file (--weights with --data), stored embeddings (--embeddings) or scores (--scores).
    """
    from facezoo.cli import evaluate_modes as modes
    from facezoo.errors import ConfigError

    chosen = [name for name, on in (("--merge", merge), ("--compare", compare), ("--table", table)) if on]
    if len(chosen) > 1:
        raise ConfigError(f"{' and '.join(chosen)} exclude each other")
    if files and not chosen:
        raise ConfigError(f"got {str(files[0])!r}; files go with --compare, --table or --merge, models with --weights")
    request.check_confidence()
    if list_protocols:
        return modes.show_protocols(as_json)
    if merge:
        return modes.merge_parts(files or [], as_json)
    if compare:
        return modes.compare_files(files or [], request.confidence, as_json)
    if table:
        return modes.combine_files(files or [], form, as_json)
    request = request.with_model()
    if part is not None and engine != "local":
        raise ConfigError(f"--part {part} and --engine {engine} exclude each other: a cluster computes all parts")
    if keep_parts is not None and engine == "local":
        raise ConfigError(f"--keep-parts {keep_parts} goes with --engine ray; the engine is local")
    if part is not None:
        return modes.one_part(request, part, out)
    where = options.bulk_engine(engine, ray_address)
    return modes.evaluate(
        request, out=out, report=report, calibrate=calibrate or [], as_json=as_json, engine=where,
        keep_parts=keep_parts,
    )  # fmt: skip
