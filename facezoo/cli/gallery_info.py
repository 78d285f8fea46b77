"""``facezoo gallery info``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from facezoo.cli import options


def command(
    gallery: options.GalleryFolder,
    names: Annotated[bool, typer.Option("--names", help="Also list the persons.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Show the number of persons, the model and the index of a gallery."""
    from facezoo.cli.show import count, print_facts, print_json, say
    from facezoo.inference.stored_gallery import StoredGallery

    stored = StoredGallery(gallery)
    facts = stored.facts()
    listed = stored.names() if names else []
    if as_json:
        print_json({"gallery": str(gallery), **asdict(facts), **({"names": listed} if names else {})})
        return
    print_facts(
        {
            "persons": count(facts.persons),
            "photos": count(facts.photos),
            "embedding": f"{facts.size} values",
            "rows": f"{count(facts.rows)}, of which {count(facts.rows - facts.persons)} are no longer used",
            "index": f"covers {count(facts.indexed)} rows; later ones are searched exactly"
            if facts.indexed
            else "none; every search is exact",
            "model": "not recorded"
            if facts.model is None
            else f"weights SHA-256 {facts.model.weights_sha256[:16]}, flip {facts.model.flip}, template "
            f"{facts.model.template}",
        }
    )
    for name in listed:
        say(name)
