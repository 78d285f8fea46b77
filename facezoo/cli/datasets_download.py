"""``facezoo datasets download``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options

logger = logging.getLogger(__name__)


def command(
    name: options.DatasetName,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder for the files. Default: the cache folder.")
    ] = None,
    file: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this file; repeatable.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also the optional files.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Accept the terms, which are shown first.")] = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Download the files of a data set.

    Downloads resume and are checked by their hash. Files that must be fetched by hand are listed; the exit code is
    then 2.
    """
    from facezoo.cli.ask import accept_terms
    from facezoo.cli.show import print_json, say
    from facezoo.datasets import get, obtain
    from facezoo.datasets.obtain import chosen_files, default_folder, in_browser
    from facezoo.io.progress import BYTES, progress_bar

    entry = get(name)
    folder = out or default_folder(entry.name)
    files = chosen_files(entry, file or [], everything)
    by_hand = in_browser(files, folder)
    if by_hand:
        names = ", ".join(file.name for file in by_hand)
        logger.warning("%d of %d files need a browser and are not downloaded: %s", len(by_hand), len(files), names)
    accept_terms(entry.name, entry.terms, yes=yes)
    with progress_bar(f"downloading {entry.name}", BYTES, quiet=quiet) as on_progress:
        got = obtain(entry, folder, files, on_progress=on_progress)
    if as_json:
        print_json({"folder": str(folder), "present": [str(p) for p in got.present], "by_hand": got.missing})
    else:
        for path in got.present:
            say(path)
        for line in got.missing:
            say(f"by hand: {line}")
        if got.missing:
            say(f"{entry.obtained}: {entry.how}")
        elif entry.importer != "none":
            say(f"next: facezoo datasets import {folder} --dataset {entry.name} --out DIR")
    if got.missing:
        raise typer.Exit(2)
