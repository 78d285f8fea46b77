"""``facezoo weights prune``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    keep: Annotated[
        str | None, typer.Option(help="Delete least recently used files until this much is left, such as 5GB.")
    ] = None,
    name: Annotated[list[str] | None, typer.Option(help="Delete all files of this model.")] = None,
    out: Annotated[Path | None, typer.Option(help="Cache folder instead of the usual one.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Make room in the cache; files put there by hand are never deleted by --keep."""
    import shutil

    from facezoo.cli.show import count, print_json
    from facezoo.download import cache
    from facezoo.weights import folder_of, get

    root = (out or cache.root()) / "weights"
    limit = cache.parse_size(keep) if keep is not None else None
    folders = [folder_of(get(word).name, out) for word in name or []]
    doomed = [entry for folder in folders for entry in cache.entries(folder)]
    for folder in [] if dry_run else folders:
        shutil.rmtree(folder, ignore_errors=True)
    doomed += [entry for entry in cache.prune(root, keep_bytes=limit, dry_run=dry_run) if entry not in doomed]
    left = sum(entry.size for entry in cache.entries(root))
    if as_json:
        print_json({"deleted": [str(entry.path) for entry in doomed], "left_bytes": left, "dry_run": dry_run})
        return
    for entry in doomed:
        print(f"{'would delete' if dry_run else 'deleted'} {entry.path} ({count(entry.size)} bytes)")
    print(f"{count(left)} bytes in {root}")
