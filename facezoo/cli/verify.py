"""``facezoo verify``: whether two photos show the same person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options


def command(
    a: Annotated[Path, typer.Argument(metavar="A", help="A photo.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another photo.")],
    weights: options.Weights,
    backend: options.Backend = "torch",
    threshold: options.Threshold = None,
    calibration: options.Calibration = None,
    fmr: options.Fmr = None,
    face: options.Face = "largest",
    aligned: options.Aligned = False,
    device: options.Device = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Compare the faces in two photos: score, threshold and the meaning of the threshold."""
    from facezoo.cli.show import print_facts, print_json
    from facezoo.evaluation.statistics.threshold import find_threshold
    from facezoo.inference.photo_embedder import photo_embedder
    from facezoo.weights.pretrained import model_path

    weights = model_path(weights)
    limit = find_threshold(
        weights, threshold=threshold, calibration=calibration, fmr=fmr, aligner="aligned" if aligned else "mtcnn"
    )
    embedder = photo_embedder(weights, backend=backend, aligned=aligned, face=face, device=device)
    score = float(embedder.embed_one(a) @ embedder.embed_one(b))
    result = {"a": str(a), "b": str(b), "weights": str(weights), **limit.as_dict(score)}
    if as_json:
        print_json(result)
        return
    words = {True: "the same person", False: "different persons", None: "undecided"}
    facts: dict[str, object] = {"score": f"{score:.4f} (cosine similarity, -1..1)"}
    if limit.value is not None:
        facts["threshold"] = f"{limit.value:.4f}"
    facts["meaning"] = limit.meaning
    if result["probability"] is not None:
        facts["probability"] = f"{result['probability']:.3f} that it is the same person{limit.condition}"
    if limit.notes:
        facts["note"] = "; ".join(limit.notes)
    facts["decision"] = words[limit.decide(score)]
    print_facts(facts)
