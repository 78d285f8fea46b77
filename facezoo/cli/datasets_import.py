"""``facezoo datasets import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    archive: Annotated[Path, typer.Argument(help="The archive, or the folder of downloads or of a pack.")],
    out: Annotated[Path, typer.Option(help="The new folder.")],
    dataset: Annotated[
        str | None, typer.Option(help="Its name in `facezoo datasets list`, if it cannot be told from the files.")
    ] = None,
    identities: Annotated[
        Path | None, typer.Option(help="CelebA's identity_CelebA.txt, if not beside the archive.")
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Accept fewer images than the data set has.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Bring an archive to a form that trains or evaluates: all of it, checked, or nothing."""
    import dataclasses

    from facezoo.cli.show import count, print_json
    from facezoo.datasets import import_archive
    from facezoo.download.progress import counter

    with counter(f"unpacking {archive.name}", "files", quiet=quiet) as seen:
        done = import_archive(archive, out, dataset=dataset, identities=identities, partial=partial, seen=seen)
    if as_json:
        print_json({"folder": str(out), **dataclasses.asdict(done)})
        return
    what = done.dataset or "no data set of the index"
    print(f"{out}: {count(done.images)} images, {count(done.identities)} identities ({what}, {done.kind} layout)")
    for key, value in done.details.items():
        print(f"  {key}: {value}")
