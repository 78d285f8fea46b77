"""``facezoo datasets download``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    name: Annotated[str, typer.Argument(help="A name out of `facezoo datasets list`.")],
    out: Annotated[Path | None, typer.Option(help="Where to put the files; default: the cache folder.")] = None,
    file: Annotated[list[str] | None, typer.Option(help="Only this file; may be given several times.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="The optional files too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Accept the terms, which are shown first.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Fetch a data set's files, resumed and checked; say what has to be fetched by hand."""
    from facezoo.cli.ask import accept_terms
    from facezoo.cli.show import print_json
    from facezoo.datasets import get, obtain
    from facezoo.datasets.obtain import chosen_files, default_folder
    from facezoo.download.progress import bar

    entry = get(name)
    folder = out or default_folder(entry.name)
    files = chosen_files(entry, file or [], everything)
    accept_terms(entry.name, entry.terms, yes=yes)
    got = obtain(entry, folder, files, bar=lambda title: bar(title, quiet=quiet))
    if as_json:
        print_json({"folder": str(folder), "present": [str(p) for p in got.present], "by_hand": got.missing})
    else:
        for path in got.present:
            print(path)
        for line in got.missing:
            print(f"by hand: {line}")
        if got.missing:
            print(f"{entry.obtained}: {entry.how}")
        elif entry.importer != "none":
            print(f"next: facezoo datasets import {folder} --dataset {entry.name} --out DIR")
    if got.missing:
        raise typer.Exit(2)
