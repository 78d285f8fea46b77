"""``facezoo gallery remove``."""

from __future__ import annotations

from typing import Annotated

import typer

from facezoo.cli import options


def command(
    gallery: options.GalleryFolder,
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="The persons.")],
    as_json: options.AsJson = False,
) -> None:
    """Remove persons from a gallery. Their embeddings are overwritten."""
    from facezoo.cli.show import print_json, say
    from facezoo.inference.stored_gallery import StoredGallery

    stored = StoredGallery(gallery)
    removed = stored.remove(names)
    left = len(stored)
    if as_json:
        print_json({"gallery": str(gallery), "removed": removed, "persons": left})
        return
    say(f"{gallery}: {removed} persons removed, {left} left")
