"""``facezoo verify``: whether two photos show one person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    a: Annotated[Path, typer.Argument(help="A photo.")],
    b: Annotated[Path, typer.Argument(help="Another photo.")],
    weights: Annotated[Path, typer.Option(help="The weight file, or a name of the index of weights.")],
    backend: Annotated[str, typer.Option(help="torch or paddle.")] = "torch",
    threshold: Annotated[float | None, typer.Option(help="Cosine similarity, by hand.")] = None,
    calibration: Annotated[Path | None, typer.Option(help="Default: the one beside the weights.")] = None,
    fmr: Annotated[float | None, typer.Option(help="Which calibrated false match rate; default the lowest.")] = None,
    face: Annotated[str, typer.Option(help="Of several faces: largest or central.")] = "largest",
    aligned: Annotated[bool, typer.Option("--aligned", help="The photos are aligned crops already.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, gpu or gpu:N.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Compare the faces in two photos: score, threshold and what the threshold means."""
    from facezoo.cli.show import print_facts, print_json
    from facezoo.evaluation.statistics.threshold import find_threshold
    from facezoo.inference.photo_embedder import photo_embedder
    from facezoo.weights.pretrained import model_path

    weights = model_path(weights)
    limit = find_threshold(weights, threshold=threshold, calibration=calibration, fmr=fmr)
    embedder = photo_embedder(weights, backend=backend, aligned=aligned, face=face, device=device)
    score = float(embedder.embed_one(a) @ embedder.embed_one(b))
    result = {"a": str(a), "b": str(b), "weights": str(weights), **limit.as_dict(score)}
    if json:
        print_json(result)
        return
    words = {True: "the same person", False: "different persons", None: "undecided"}
    facts: dict[str, object] = {"score": f"{score:.4f} (cosine similarity, -1..1)"}
    if limit.value is not None:
        facts["threshold"] = f"{limit.value:.4f}"
    facts["meaning"] = limit.meaning
    if result["probability"] is not None:
        facts["probability"] = f"{result['probability']:.3f} that it is one person"
    facts["decision"] = words[limit.decide(score)]
    print_facts(facts)
