"""``facezoo weights download``."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from facezoo.cli import options

logger = logging.getLogger(__name__)


def command(
    name: Annotated[list[str], typer.Argument(metavar="NAME", help="Names from `facezoo weights list`.")],
    out: options.CacheFolder = None,
    yes: Annotated[bool, typer.Option("--yes", help="Accept an unknown licence or hash.")] = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Download models and print their paths.

    Downloads resume and are checked by their hash.
    """
    from facezoo.cli.ask import confirmed
    from facezoo.cli.show import print_json, say
    from facezoo.download import terms
    from facezoo.io.progress import BYTES, progress_bar
    from facezoo.weights import fetch, get

    entries = [get(text) for text in name]  # an unknown name fails before the first download
    found = {}
    for entry in entries:
        doubts = entry.doubts()
        logger.warning("%s: licence of the weights: %s", entry.name, entry.licence.weights)
        for doubt in doubts:
            logger.warning("%s: %s", entry.name, doubt)
        sure = yes
        if doubts and not yes and not terms.accepted(f"weights {entry.name}", "; ".join(doubts)):
            sure = confirmed("Use it anyway?")
        with progress_bar(f"downloading {entry.name}", BYTES, quiet=quiet) as on_progress:
            found[entry.name] = fetch(entry.name, cache_dir=out, yes=sure, on_progress=on_progress)
    if as_json:
        print_json({key: str(path) for key, path in found.items()})
        return
    for path in found.values():
        say(path)
