"""``facezoo identify``: which person of a gallery a photo shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options


def command(
    photo: options.Photo,
    gallery: Annotated[
        Path,
        typer.Option(metavar="PATH", help="Folder with one folder or photo per person, or a file of `facezoo embed`."),
    ],
    weights: options.Weights,
    backend: options.Backend = "torch",
    top: Annotated[int, typer.Option(metavar="N", help="Number of candidates to show.")] = 5,
    threshold: options.Threshold = None,
    calibration: options.Calibration = None,
    fmr: options.Fmr = None,
    face: options.Face = "largest",
    aligned: options.Aligned = False,
    device: options.Device = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Rank the persons of a gallery by similarity to the face in a photo.

    The first is named if the similarity reaches the threshold. The false match rate of a threshold holds for one
    comparison: with P persons in the gallery, a stranger gets a name up to P times as often.
    """
    import sys

    from facezoo.cli.show import print_facts, print_json, print_table
    from facezoo.errors import ConfigError, DataError
    from facezoo.evaluation.statistics.threshold import find_threshold
    from facezoo.inference.gallery import Gallery, ModelRecord, photos_below
    from facezoo.inference.photo_embedder import photo_embedder
    from facezoo.weights.pretrained import model_path

    if top < 1:
        raise ConfigError(f"--top is {top}; expected 1 or more")
    weights = model_path(weights)
    limit = find_threshold(
        weights, threshold=threshold, calibration=calibration, fmr=fmr, aligner="aligned" if aligned else "mtcnn"
    )
    embedder = photo_embedder(weights, backend=backend, aligned=aligned, face=face, device=device)
    if gallery.is_file():
        persons = Gallery.load(gallery)
        warning = persons.check_model(ModelRecord.of(weights, embedder.embedder))
        if warning is not None:
            print(f"{gallery}: {warning}", file=sys.stderr)
    else:
        photos = photos_below([gallery])
        result = embedder.embed(photos)
        for path, reason in result.skipped.items():
            print(f"skipped {reason if path in reason else f'{path}: {reason}'}", file=sys.stderr)
        if not result.paths:
            raise DataError(f"{gallery}: no photo of the gallery shows a face")
        labels = [photos[Path(path)] for path in result.paths]
        persons = Gallery.from_embeddings(result.embeddings, labels)
    ranked = persons.search(embedder.embed_one(photo), top)
    name, score = ranked[0]
    decision = limit.as_dict(score)
    if as_json:
        candidates = [{"name": name, "score": round(score, 6)} for name, score in ranked]
        found = name if decision["same"] else None
        print_json({"photo": str(photo), "identity": found, "candidates": candidates, **decision})
        return
    print_table(["person", "score"], [[name, f"{score:.4f}"] for name, score in ranked], right=(1,))
    words = {True: name, False: "nobody in the gallery", None: f"undecided; most similar to {name}"}
    facts: dict[str, object] = {} if limit.value is None else {"threshold": f"{limit.value:.4f}"}
    if limit.notes:
        facts["note"] = "; ".join(limit.notes)
    print_facts({**facts, "meaning": limit.meaning, "decision": words[limit.decide(score)]})
