"""Occlusions of a face: glasses, masks, hands, caps."""

from __future__ import annotations

import numpy as np

from facezoo.data.drawing.canvas import Canvas
from facezoo.data.drawing.head import EYE_LINE, hair_distance, mouth_line
from facezoo.data.drawing.person import Person
from facezoo.data.drawing.shot import Shot

_FRAME = np.array([30, 28, 30], np.float32)


def glasses(canvas: Canvas, person: Person, shot: Shot) -> None:
    """The person's own glasses, when they are worn."""
    if person.glasses > 0 and shot.wears_glasses and shot.occlusion != "sunglasses":
        _lenses(canvas, person, person.glasses, person.brows * np.float32(0.6), 0.06)


def _lenses(canvas: Canvas, person: Person, half: float, colour: np.ndarray, dark: float) -> None:
    """Two lenses, their frame and the bridge."""
    for side in (-1, 1):
        near = 56 + side * person.eye_gap
        x, y = canvas.turn(near, EYE_LINE + 1.5, 6)
        rx, ry = half * 1.3 * canvas.narrowing(near), half
        window = canvas.window(x, y, rx + 2, ry + 2)
        u, v = (canvas.x[window] - np.float32(x)) / np.float32(rx), (canvas.y[window] - np.float32(y)) / np.float32(ry)
        u, v = u * u, v * v  # not pow(): its last digit differs between platforms
        distance = (np.sqrt(np.sqrt(u * u + v * v)) - 1) * np.float32(half)
        canvas.paint(window, canvas.edge(distance) * np.float32(dark), colour)
        canvas.paint(window, canvas.edge(np.abs(distance) - np.float32(0.8)), colour)
    x, y = canvas.turn(56, EYE_LINE, 9)
    canvas.ellipse(x, y, max(1.0, person.eye_gap - half * 1.2), 1.0, colour)


def occlude(canvas: Canvas, person: Person, shot: Shot, skull: np.ndarray) -> None:
    """The shot's occlusion, if any; ``skull`` is its signed distance."""
    colour, (a, b, c) = shot.occluder[:3], shot.occluder[3:].tolist()
    if shot.occlusion == "sunglasses":
        _lenses(canvas, person, 7.5 + 3 * a, _FRAME, 0.93)
    elif shot.occlusion == "mask":
        _, top = canvas.turn(56, EYE_LINE + person.nose[0] * (0.4 + 0.5 * a), 8)
        edge = np.float32(top) + (canvas.x - np.float32(56)) ** 2 * np.float32(0.003) - canvas.y
        canvas.paint(canvas.everywhere(), canvas.edge(np.maximum(edge, skull - 1)), colour)
    elif shot.occlusion == "hand":
        x, y = canvas.turn(56 + (a - 0.5) * 60, mouth_line(person) + (b - 0.5) * 30)
        for finger in range(4):
            shift = (finger - 1.5) * 6.5
            canvas.ellipse(x + shift, y + 8 + abs(shift), 3.4, 17, person.skin * np.float32(0.9), slope=c - 0.5)
            canvas.ellipse(x + shift + 3.4, y + 8 + abs(shift), 0.7, 14, person.skin * np.float32(0.55), soft=1.5)
    elif shot.occlusion == "cap":
        _, brim = canvas.turn(56, EYE_LINE - person.brow[0] - 6 - 10 * a)
        grown = hair_distance(canvas, person, skull, 2.5)
        canvas.paint(canvas.everywhere(), canvas.edge(np.maximum(grown, canvas.y - np.float32(brim))), colour)
        x, _ = canvas.turn(56, EYE_LINE - person.brow[0] - 10, 8)
        canvas.ellipse(x, brim, person.width * 0.95, 4.5, colour * np.float32(0.6))
    elif shot.occlusion == "bar":
        x, y = canvas.turn(56 + (a - 0.5) * 70, 66 + (b - 0.5) * 70)
        window = canvas.window(x, y, 8 + 14 * c, 6 + 12 * a)
        canvas.paint(window, np.ones_like(canvas.x[window]), colour)
