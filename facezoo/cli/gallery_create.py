"""``facezoo gallery create``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options


def command(
    gallery: Annotated[Path, typer.Argument(metavar="GALLERY", help="The folder to make.")],
    paths: Annotated[
        list[Path], typer.Argument(metavar="PHOTOS", help="Photos, folders of photos, or one file of `facezoo embed`.")
    ],
    weights: options.WeightsOrDefault = None,
    backend: options.InferenceBackend = options.DEFAULT_BACKEND,
    face: options.Face = "largest",
    aligned: options.Aligned = False,
    device: options.Device = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Make a gallery of the persons in photos.

    A person is named by the first folder below the given one, or by the name of a photo. The embedding of a person is
    the mean of those of the photos.
    """
    from facezoo.cli.enrol import read_enrolled
    from facezoo.cli.show import print_json, say
    from facezoo.errors import ConfigError
    from facezoo.inference.stored_gallery import StoredGallery

    if gallery.exists() and (not gallery.is_dir() or any(gallery.iterdir())):
        raise ConfigError(
            f"{gallery} exists and is not an empty folder; to add persons to a gallery: facezoo gallery add {gallery} "
            "PHOTOS"
        )
    found = read_enrolled(paths, weights, backend=backend, face=face, aligned=aligned, device=device)
    made = StoredGallery.create(gallery, found.embeddings.shape[1], found.model)
    new, _ = made.enrol(found.names, found.embeddings)
    if as_json:
        print_json({"gallery": str(gallery), "persons": new, "photos": len(found.names), "skipped": found.skipped})
        return
    say(f"{gallery}: {new} persons from {len(found.names)} photos; {len(found.skipped)} photos skipped")
    say(f"next: facezoo identify PHOTO --gallery {gallery}")
