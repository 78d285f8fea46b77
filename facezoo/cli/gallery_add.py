"""``facezoo gallery add``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options

logger = logging.getLogger(__name__)


def command(
    gallery: options.GalleryFolder,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PHOTOS", help="Photos, folders of photos, or one file of `facezoo embed`.")
    ],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="All photos show this person.")] = None,
    weights: options.WeightsOrDefault = None,
    backend: options.InferenceBackend = options.DEFAULT_BACKEND,
    face: options.Face = "largest",
    aligned: options.Aligned = False,
    device: options.Device = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Add persons to a gallery, or photos to its persons.

    Persons are named as in `facezoo gallery create`. Nothing that is in the gallery is computed again.
    """
    from facezoo.cli.enrol import read_enrolled
    from facezoo.cli.show import print_json, say
    from facezoo.inference.stored_gallery import StoredGallery

    stored = StoredGallery(gallery)
    found = read_enrolled(paths, weights, backend=backend, face=face, aligned=aligned, device=device)
    if found.model is not None:
        warning = stored.check_model(found.model)
        if warning is not None:
            logger.warning("%s: %s", gallery, warning)
    names = found.names if name is None else [name] * len(found.names)
    new, known = stored.enrol(names, found.embeddings)
    if as_json:
        result = {"gallery": str(gallery), "new": new, "known": known, "photos": len(names), "skipped": found.skipped}
        print_json(result)
        return
    say(f"{gallery}: {new} new persons, more photos of {known} others; {len(found.skipped)} photos skipped")
