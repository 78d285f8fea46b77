"""``facezoo datasets check``: decode every image and report what is broken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facezoo.cli import options

if TYPE_CHECKING:
    from facezoo.data.tools.check import CheckReport

_SHOWN = 20  # entries of a list that the table prints; --json has all


def command(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Identity folders, a list, a .rec, tar shards or a .bin.")
    ],
    min_images: Annotated[int, typer.Option(metavar="N", help="List the identities with fewer readable images.")] = 2,
    workers: options.Workers = 0,
    engine: options.Engine = "local",
    ray_address: options.RayAddress = None,
    keep_parts: options.KeepParts = None,
    list_broken: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the list of broken images to this file.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Decode every image of a data set. The exit code is 1 if some cannot be read.

    Also reports identities with few images, duplicate images, and images that contradict the index files.
    """
    from facezoo.cli.show import print_json
    from facezoo.data.tools.check import check_data
    from facezoo.io.files import atomic_write
    from facezoo.io.progress import progress_bar

    where = options.bulk_engine(engine, ray_address, workers)
    with progress_bar(f"checking {data.name}", "images") as on_progress:
        report = check_data(data, min_images=min_images, engine=where, keep_parts=keep_parts, on_progress=on_progress)
    if list_broken is not None:
        with atomic_write(list_broken) as part:
            part.write_text("".join(f"{key}\t{reason}\n" for key, reason in report.broken), encoding="utf-8")
    print_json(report.as_dict()) if as_json else print(_table(report, min_images))
    if report.broken:
        raise typer.Exit(1)


def _table(report: CheckReport, min_images: int) -> str:
    size = f"{report.pairs} pairs" if report.kind == "bin" else f"{report.identities} identities"
    lines = [f"{report.path} ({report.kind}): {report.images} images, {size}"]
    lines.append("sizes: " + (_some([f"{size} ({n})" for size, n in report.sizes.items()], ", ") or "none"))
    lines.append(f"broken: {len(report.broken)}")
    lines.append(_some([f"  {reason if key in reason else f'{key}: {reason}'}" for key, reason in report.broken]))
    if report.kind != "bin":
        lines.append(f"identities with fewer than {min_images} readable images: {len(report.small)}")
        lines.append(_some([f"  {name} ({n})" for name, n in report.small.items()]))
    lines.append(f"equal images: {len(report.duplicates)} groups, {len(report.mislabelled)} across identities")
    lines.append(_some(["  " + " = ".join(keys) for keys in report.mislabelled or report.duplicates]))
    lines += [f"note: {note}" for note in report.notes]
    return "\n".join(line for line in lines if line)


def _some(entries: list[str], between: str = "\n") -> str:
    more = [f"  ... and {len(entries) - _SHOWN} more (--json shows all)"] if len(entries) > _SHOWN else []
    return between.join([*entries[:_SHOWN], *more])
