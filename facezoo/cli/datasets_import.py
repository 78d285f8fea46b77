"""``facezoo datasets import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options


def command(
    archive: Annotated[
        Path, typer.Argument(metavar="ARCHIVE", help="The archive, or the folder of downloads or of a pack.")
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The new folder.")],
    dataset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name from `facezoo datasets list`. Default: recognised by the files."),
    ] = None,
    identities: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CelebA's identity_CelebA.txt. Default: the one beside the archive."),
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Accept fewer images than the data set has.")] = False,
    person_folder: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Folder that names the person: 1 the image's own, 2 the one above it, 0 the first that differs.",
        ),
    ] = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Unpack an archive into a folder for training or evaluation.

    The result is complete and checked; after an error nothing is left.
    """
    import dataclasses

    from facezoo.cli.show import count, print_json, say
    from facezoo.datasets import import_archive
    from facezoo.io.progress import progress_bar

    with progress_bar(f"unpacking {archive.name}", "files", quiet=quiet) as on_progress:
        done = import_archive(
            archive,
            out,
            dataset=dataset,
            identities=identities,
            partial=partial,
            person_folder=person_folder,
            on_progress=on_progress,
        )
    if as_json:
        print_json({"folder": str(out), **dataclasses.asdict(done)})
        return
    what = done.dataset or "no data set of the index"
    say(f"{out}: {count(done.images)} images, {count(done.identities)} identities ({what}, {done.kind} layout)")
    for key, value in done.details.items():
        say(f"  {key}: {value}")
