"""What ``verify`` and ``identify`` say about photos with several faces."""

from __future__ import annotations

from typing import Any

from facezoo.inference.photo_embedder import PhotoEmbeddings


def box_of(result: PhotoEmbeddings, row: int) -> list[int] | None:
    """The box of an embedded face in whole pixels, x1 y1 x2 y2; None for an aligned crop."""
    face = result.faces[row]
    return None if face is None else [round(float(value)) for value in face.box]


def box_text(result: PhotoEmbeddings, row: int) -> str:
    """The box as text for a table."""
    box = box_of(result, row)
    return "crop" if box is None else " ".join(map(str, box))


def left_out(result: PhotoEmbeddings) -> int:
    """The number of faces in a photo that were found and not used."""
    return max(result.found, default=0) - len(result.paths)


def add_left_out(facts: dict[str, Any], results: list[PhotoEmbeddings], face: str) -> None:
    """Enter a line for each photo with faces that were not used."""
    lines = [
        f"{result.paths[0]} shows {result.found[0]} faces, the {face} was used"
        for result in results
        if left_out(result) > 0
    ]
    if lines:
        facts["left out"] = "; ".join(lines) + " (--face all answers for each)"
