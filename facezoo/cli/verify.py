"""``facezoo verify``: whether two photos show the same person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options


def command(
    a: Annotated[Path, typer.Argument(metavar="A", help="A photo.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another photo.")],
    weights: options.WeightsOrDefault = None,
    backend: options.InferenceBackend = options.DEFAULT_BACKEND,
    threshold: options.Threshold = None,
    calibration: options.Calibration = None,
    fmr: options.Fmr = None,
    face: options.Faces = "largest",
    aligned: options.Aligned = False,
    device: options.Device = "auto",
    runtime: options.Runtime = "native",
    as_json: options.AsJson = False,
) -> None:
    """Compare the faces in two photos: score, threshold and the meaning of the threshold."""
    from itertools import product

    from facezoo.cli.decision import add_threshold, decision_words
    from facezoo.cli.faces import add_left_out, box_of, box_text, left_out
    from facezoo.cli.model import chosen_weights
    from facezoo.cli.show import print_facts, print_json, print_table
    from facezoo.recognition.recognizer import Recognizer

    weights = chosen_weights(weights, backend)
    recognizer = Recognizer(
        weights, backend=backend, face=face, aligned=aligned, threshold=threshold, calibration=calibration, fmr=fmr,
        device=device, runtime=runtime,
    )  # fmt: skip
    found, limit = recognizer.compare(a, b), recognizer.threshold
    one, two, scores, score = found.a, found.b, found.scores, found.score
    pairs = list(product(range(len(one.paths)), range(len(two.paths))))
    result = {"a": str(a), "b": str(b), "weights": str(weights), **limit.as_dict(score)}
    if as_json:
        result["left_out"] = {"a": left_out(one), "b": left_out(two)}
        if face == "all":
            result["pairs"] = [
                {"a_box": box_of(one, row), "b_box": box_of(two, column), **limit.as_dict(float(scores[row, column]))}
                for row, column in pairs
            ]
        print_json(result)
        return
    words = {True: "the same person", False: "different persons", None: "undecided"}
    if face == "all":
        rows = [
            [box_text(one, row), box_text(two, column), f"{scores[row, column]:.4f}",
             words[limit.decide(float(scores[row, column]))]]
            for row, column in pairs
        ]  # fmt: skip
        print_table(["face of A x1 y1 x2 y2", "face of B x1 y1 x2 y2", "score", "decision"], rows, right=(2,))
    facts: dict[str, object] = {"score": f"{score:.4f} (cosine similarity, -1..1)"}
    add_threshold(facts, limit)
    if result["probability"] is not None:
        facts["probability"] = f"{result['probability']:.3f} that it is the same person{limit.condition}"
    add_left_out(facts, [one, two], face)
    more = " (the two most similar faces)" if len(pairs) > 1 else ""
    facts["decision"] = decision_words(found.same, "the same person", "different persons", weights) + more
    print_facts(facts)
