"""``facezoo weights download``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    name: Annotated[list[str], typer.Argument(help="Names out of `facezoo weights list`.")],
    out: Annotated[Path | None, typer.Option(help="Cache folder to use instead of the usual one.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Use it although a licence or a hash is unknown.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the paths.")] = False,
) -> None:
    """Fetch models, resumed and checked against their hashes; prints where each stands."""
    import sys

    from facezoo.cli.ask import confirmed
    from facezoo.cli.show import print_json
    from facezoo.download import terms
    from facezoo.download.progress import bar
    from facezoo.weights import fetch, get

    entries = [get(word) for word in name]  # all names hold before the first byte is fetched
    found = {}
    for entry in entries:
        doubts = entry.doubts()
        print(f"{entry.name}: licence of the weights: {entry.licence.weights}", file=sys.stderr)
        for doubt in doubts:
            print(f"{entry.name}: {doubt}", file=sys.stderr)
        sure = yes
        if doubts and not yes and not terms.accepted(f"weights {entry.name}", "; ".join(doubts)):
            sure = confirmed("Use it all the same?")
        with bar(entry.name, quiet=quiet) as meter:
            found[entry.name] = fetch(entry.name, cache_dir=out, yes=sure, meter=meter)
    if as_json:
        print_json({key: str(path) for key, path in found.items()})
        return
    for path in found.values():
        print(path)
