"""One image of one person: the layers from back to front."""

from __future__ import annotations

import numpy as np

from facezoo.data.drawing import camera, extras, features, head
from facezoo.data.drawing.canvas import Canvas
from facezoo.data.drawing.person import Person
from facezoo.data.drawing.shot import Shot


def draw(person: Person, shot: Shot, rng: np.random.Generator, size: int = 112) -> np.ndarray:
    """Draw a face, aligned to the 112 x 112 template.

    Args:
        person: who.
        shot: how.
        rng: the camera's noise.
        size: side in pixels.

    Returns:
        uint8 RGB (size, size, 3).
    """
    canvas = Canvas(size, shot, frontal_landmarks(person))
    head.background(canvas, shot)
    skull = head.skull_distance(canvas, person)
    head.back_hair(canvas, person, skull)
    head.body(canvas, person, shot)
    head.head(canvas, person, skull)
    head.skin(canvas, person)
    features.eyes(canvas, person, shot)
    features.brows(canvas, person, shot)
    features.nose(canvas, person, shot)
    head.beard(canvas, person, skull)
    features.mouth(canvas, person, shot)
    head.hair(canvas, person, skull)
    camera.light(canvas, person, shot)
    extras.glasses(canvas, person, shot)
    extras.occlude(canvas, person, shot, skull)
    return camera.develop(canvas, shot, rng)


def frontal_landmarks(person: Person) -> np.ndarray:
    """(x, y) of eyes, nose tip and mouth corners before the head turns, (5, 2), template pixels."""
    mouth = head.mouth_line(person)
    return np.array(
        [
            (56 - person.eye_gap, head.EYE_LINE),
            (56 + person.eye_gap, head.EYE_LINE),
            (56, head.EYE_LINE + person.nose[0]),
            (56 - person.mouth[0], mouth),
            (56 + person.mouth[0], mouth),
        ]
    )


def landmarks(person: Person, shot: Shot, size: int = 112) -> np.ndarray:
    """(column, row) of the five landmarks in the image, float64 (5, 2); 0.5 is the centre of the first pixel."""
    frontal = frontal_landmarks(person)
    canvas = Canvas(size, shot, frontal)
    raised = (0, 0, 10, 2, 2)
    return np.array([canvas.to_pixels(*canvas.turn(x, y, r)) for (x, y), r in zip(frontal, raised, strict=True)])
