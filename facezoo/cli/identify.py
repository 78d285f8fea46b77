"""``facezoo identify``: which person of a gallery a photo shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facezoo.cli import options

if TYPE_CHECKING:
    from facezoo.evaluation.statistics.threshold import Threshold


def command(
    photo: options.Photo,
    gallery: Annotated[
        Path,
        typer.Option(
            metavar="PATH",
            help="A gallery of `facezoo gallery`, a folder with one folder or photo per person, or a file of `facezoo "
            "embed`.",
        ),
    ],
    weights: options.WeightsOrDefault = None,
    backend: options.InferenceBackend = options.DEFAULT_BACKEND,
    top: Annotated[int, typer.Option(metavar="N", help="Number of candidates to show.")] = 5,
    threshold: options.Threshold = None,
    calibration: options.Calibration = None,
    fmr: options.Fmr = None,
    face: options.Faces = "largest",
    cached: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Keep the embeddings of a folder of photos in the cache folder.")
    ] = True,
    exact: Annotated[bool, typer.Option("--exact", help="Do not use the index of a gallery.")] = False,
    aligned: options.Aligned = False,
    device: options.Device = "auto",
    runtime: options.Runtime = "native",
    as_json: options.AsJson = False,
) -> None:
    """Rank the persons of a gallery by similarity to the face in a photo.

    The first is named if the similarity reaches the threshold. The false match rate of a threshold holds for one
    comparison: with P persons in the gallery, a stranger gets a name up to P times as often.
    """
    from facezoo.cli.decision import add_threshold, decision_words
    from facezoo.cli.faces import add_left_out, box_of, box_text, left_out
    from facezoo.cli.model import chosen_weights
    from facezoo.cli.persons import open_persons
    from facezoo.cli.show import print_facts, print_json, print_table
    from facezoo.errors import ConfigError
    from facezoo.evaluation.statistics.threshold import find_threshold
    from facezoo.inference.photo_embedder import photo_embedder

    if top < 1:
        raise ConfigError(f"--top is {top}; expected 1 or more")
    weights = chosen_weights(weights, backend)
    limit = find_threshold(
        weights, threshold=threshold, calibration=calibration, fmr=fmr, aligner="aligned" if aligned else "mtcnn"
    )
    embedder = photo_embedder(weights, backend=backend, aligned=aligned, face=face, device=device, runtime=runtime)
    search = open_persons(gallery, weights, embedder, exact=exact, keep=cached)
    shown = embedder.embed_photo(photo)
    found = search(shown.embeddings, top)
    if as_json:
        answers = [_answer(ranked, limit, box_of(shown, row)) for row, ranked in enumerate(found)]
        more = {"faces": answers} if face == "all" else {}
        print_json({"photo": str(photo), **answers[0], "left_out": left_out(shown), **more})
        return
    for row, ranked in enumerate(found):
        name, score = ranked[0]
        if face == "all":
            print(f"face {row + 1} of {len(found)}, box {box_text(shown, row)}")
        print_table(["person", "score"], [[name, f"{score:.4f}"] for name, score in ranked], right=(1,))
        facts: dict[str, object] = {}
        add_threshold(facts, limit)
        add_left_out(facts, [shown], face)
        facts["decision"] = decision_words(limit.decide(score), name, "nobody in the gallery", weights)
        print_facts(facts)


def _answer(ranked: list[tuple[str, float]], limit: Threshold, box: list[int] | None) -> dict[str, Any]:
    """The candidates of one face and the decision on the first, as plain JSON types."""
    name, score = ranked[0]
    decision = limit.as_dict(score)
    candidates = [{"name": name, "score": round(score, 6)} for name, score in ranked]
    return {"box": box, "identity": name if decision["same"] else None, "candidates": candidates, **decision}
