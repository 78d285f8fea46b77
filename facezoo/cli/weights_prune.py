"""``facezoo weights prune``."""

from __future__ import annotations

from typing import Annotated

import typer

from facezoo.cli import options


def command(
    keep: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Delete the least recently used files until this size is left: 5GB."),
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Delete all files of this model; repeatable.")
    ] = None,
    out: options.CacheFolder = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would be deleted, and stop.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Delete files from the cache.

    --keep does not delete files that were put there by hand.
    """
    import shutil

    from facezoo.cli.show import count, print_json, say
    from facezoo.download import cache
    from facezoo.weights import folder_of, get

    root = (out or cache.root()) / "weights"
    limit = cache.parse_size(keep) if keep is not None else None
    folders = [folder_of(get(text).name, out) for text in name or []]
    doomed = [entry for folder in folders for entry in cache.entries(folder)]
    for folder in [] if dry_run else folders:
        shutil.rmtree(folder, ignore_errors=True)
    doomed += [entry for entry in cache.prune(root, keep_bytes=limit, dry_run=dry_run) if entry not in doomed]
    left = sum(entry.size for entry in cache.entries(root))
    if as_json:
        print_json({"deleted": [str(entry.path) for entry in doomed], "left_bytes": left, "dry_run": dry_run})
        return
    for entry in doomed:
        say(f"{'would delete' if dry_run else 'deleted'} {entry.path} ({count(entry.size)} bytes)")
    say(f"{count(left)} bytes in {root}")
