"""``facezoo embed``: embeddings of photos into one file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options

logger = logging.getLogger(__name__)


def command(
    paths: Annotated[list[Path], typer.Argument(metavar="PHOTOS", help="Photos, or folders of photos.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The .npz file to write.")],
    weights: options.WeightsOrDefault = None,
    backend: options.Backend = options.DEFAULT_BACKEND,
    face: options.Face = "largest",
    aligned: options.Aligned = False,
    device: options.Device = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Write the normalised embeddings of photos to a .npz file.

    Its arrays: embeddings, paths, labels, boxes, landmarks, scores. Photos that cannot be read or show no face are
    left out and listed.
    """
    from facezoo.cli.model import chosen_weights
    from facezoo.cli.show import print_json, say
    from facezoo.cli.writable import check_output
    from facezoo.errors import ConfigError, DataError
    from facezoo.inference.gallery import ModelRecord, photos_below, write_embeddings
    from facezoo.inference.photo_embedder import photo_embedder
    from facezoo.io.progress import progress_bar

    if out.suffix != ".npz":
        raise ConfigError(f"--out is {str(out)!r}; its name must end in .npz")
    check_output("--out", out)
    weights = chosen_weights(weights)
    photos = photos_below(paths)
    embedder = photo_embedder(weights, backend=backend, aligned=aligned, face=face, device=device)
    with progress_bar("embedding", "photos", len(photos)) as on_progress:
        result = embedder.embed(photos, on_progress)
    for path, reason in result.skipped.items():
        logger.warning("skipped %s", reason if path in reason else f"{path}: {reason}")
    if not result.paths:
        raise DataError(f"none of {len(photos)} photos gave an embedding; the first: {next(iter(result.skipped))}")
    labels = [photos[Path(path)] for path in result.paths]
    write_embeddings(out, result, labels, ModelRecord.of(weights, embedder.embedder))
    count, width = result.embeddings.shape
    several = sum(found > 1 for found in result.found)
    if as_json:
        print_json(
            {"out": str(out), "embeddings": count, "size": width, "skipped": result.skipped, "several_faces": several}
        )
        return
    say(f"{count} embeddings of {width} values in {out}; {len(result.skipped)} photos skipped")
    if several:
        print(f"{several} photos show several faces; the {face} was embedded")
