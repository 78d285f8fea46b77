"""Background, body, skull, skin and hair."""

from __future__ import annotations

import numpy as np

from facezoo.data.drawing.canvas import MIDDLE, SIDE, Canvas
from facezoo.data.drawing.person import Person
from facezoo.data.drawing.shot import Shot

EYE_LINE = 51.7  # template y of the eyes
CHEEKS = 62.0  # where the head is widest


def mouth_line(person: Person) -> float:
    """Template y of the mouth of a frontal face."""
    return EYE_LINE + person.nose[0] + person.mouth[3]


def background(canvas: Canvas, shot: Shot) -> None:
    """A gradient between the two background colours; its direction comes from two random numbers of the shot."""
    a, b = float(shot.occluder[3]) - 0.5, float(shot.occluder[4]) - 0.5
    ramp = (canvas.x - MIDDLE[0]) * np.float32(a / SIDE) + (canvas.y - MIDDLE[1]) * np.float32(b / SIDE)
    ramp = np.clip(ramp * 2 + np.float32(0.5), 0, 1)
    first, second = shot.background[:, :, None, None]
    canvas.pixels[:] = first + ramp * (second - first)


def body(canvas: Canvas, person: Person, shot: Shot) -> None:
    """Shoulders and neck."""
    x, chin = canvas.head(mouth_line(person) + person.chin)
    canvas.ellipse(x, chin + 46, 70, 36, shot.clothes)
    window = canvas.everywhere()
    neck = np.abs(canvas.x - np.float32(x)) - np.float32(person.width * 0.58)
    low = np.float32(chin - 16) - canvas.y
    canvas.paint(window, canvas.edge(np.maximum(neck, low)) * (canvas.y < chin + 14), person.skin * np.float32(0.72))


def skull_distance(canvas: Canvas, person: Person) -> np.ndarray:
    """Signed distance to the outline of the head, approximately in template pixels, (size, size)."""
    x, y = canvas.head(CHEEKS)
    dx, dy = canvas.x - np.float32(x), canvas.y - np.float32(y)
    up = np.float32(CHEEKS - EYE_LINE + person.top)
    down = np.float32(mouth_line(person) + person.chin - CHEEKS)
    lower = dy > 0
    t2 = np.where(lower, dy / down, dy / up) ** 2
    square = np.float32(person.square * 0.8)
    height = np.where(lower, t2 + square * (t2 * t2 - t2), t2)
    width = np.float32(person.width) * np.where(lower, 1 - np.float32(person.taper) * np.minimum(t2, 1), 1)
    u = dx / width
    return (np.sqrt(u * u + height) - 1) * np.float32(person.width * 0.9)


def hair_distance(canvas: Canvas, person: Person, skull: np.ndarray, more: float = 0.0) -> np.ndarray:
    """The distance of the skull, enlarged by the volume of the hair: fully at the crown, little beside the eyes."""
    _, y = canvas.head(EYE_LINE + 8)
    high = np.clip((np.float32(y) - canvas.y) / 40, np.float32(0.15), 1)
    return skull - np.float32(person.volume) * high - np.float32(more)


def back_hair(canvas: Canvas, person: Person, skull: np.ndarray) -> None:
    """Long hair behind neck and shoulders."""
    if person.length <= 0:
        return
    x, y = canvas.head(CHEEKS)
    dx, dy = canvas.x - np.float32(x), canvas.y - np.float32(y)
    side = np.abs(dx) - np.float32(person.width + person.volume) - dy * np.float32(0.06)
    outline = np.where(dy < 0, skull - np.float32(person.volume), side)
    ends = canvas.y - np.float32(person.length) + dx * dx * np.float32(0.006)
    canvas.cover(np.maximum(outline, ends), _strands(canvas, person, x, 0.75))


def head(canvas: Canvas, person: Person, skull: np.ndarray) -> None:
    """Ears, and the skull with the person's own skin pattern."""
    for side in (-1, 1):
        x, y = canvas.head(58)
        if person.ears > 0:
            x += side * (person.width + person.ears * 0.5 - 1)
            canvas.ellipse(x, y, 2 + person.ears, 8.5, person.skin * np.float32(0.88))
            canvas.ellipse(x, y, 0.8 + person.ears * 0.5, 5.5, person.skin * np.float32(0.7), soft=3)
    uneven = 1 + np.float32(0.12) * (_pattern(canvas, person.pattern) - np.float32(0.5))
    canvas.cover(skull, person.skin[:, None, None] * uneven)


def skin(canvas: Canvas, person: Person) -> None:
    """Cheeks, sockets, lines and marks."""
    red = person.skin * np.array([1.02, 0.68, 0.68], np.float32)
    dark = person.skin * np.float32(0.55)
    for side in (-1, 1):
        x, y = canvas.turn(56 + side * person.width * 0.55, 70)
        canvas.glow(x, y, 15, 13, red, person.cheeks)
        x, y = canvas.turn(56 + side * person.eye_gap, EYE_LINE)
        canvas.glow(x, y - 2, 14, 11, dark, 0.35)
        canvas.glow(x, y + person.eye[1] + 3, 9, 5, dark, 0.6 * person.bags)
        x, y = canvas.turn(56 + side * (person.nose[1] + 6), EYE_LINE + person.nose[0] + 6)
        canvas.ellipse(x, y, 1.2, 8, dark, slope=side * 0.1, soft=3, alpha=0.45 * person.lines)
    x, y = canvas.turn(56, mouth_line(person) + person.chin * 0.6)
    canvas.glow(x, y - 5, 10, 4, dark, 0.35)
    for mark_x, mark_y, radius, darkness in person.marks:
        x, y = canvas.turn(56 + mark_x, mark_y)
        canvas.ellipse(x, y, radius, radius, person.skin * np.float32(0.3), soft=1.0, alpha=darkness)


def beard(canvas: Canvas, person: Person, skull: np.ndarray) -> None:
    """Hair of the lower face; the mouth is drawn over it."""
    mouth = mouth_line(person)
    if person.beard > 0:
        x, y = canvas.turn(56, mouth)
        dx = (canvas.x - np.float32(x)) / np.float32(person.width)
        edge = np.float32(y - 1) - 22 * dx * dx * np.sqrt(np.abs(dx) + np.float32(0.01)) - canvas.y
        area = canvas.edge(np.maximum(edge, skull + 1), 4.0) * np.float32(0.85 * person.beard)
        canvas.paint(canvas.everywhere(), area, _strands(canvas, person, x, 0.75))
    if person.moustache > 0:
        x, y = canvas.turn(56, mouth - person.mouth[1] - 3.0, 6)
        wide = person.mouth[0] * 0.95
        canvas.ellipse(x, y, wide, 3.0, person.brows, soft=2.5, alpha=0.9 * person.moustache)


def hair(canvas: Canvas, person: Person, skull: np.ndarray) -> None:
    """Hair over the skull, down to the hairline."""
    if person.hairline > 50:
        return
    x, y = canvas.turn(56 + person.parting, EYE_LINE - person.hairline)
    dx = canvas.x - np.float32(x)
    edge = canvas.y - (np.float32(y) + np.float32(person.fringe) * dx * dx)
    middle, _ = canvas.head(CHEEKS)
    grown = hair_distance(canvas, person, skull)
    if person.length > 0:  # long hair at the sides of the face
        side = np.abs(canvas.x - np.float32(middle)) - np.float32(person.width * 0.9)
        edge = np.minimum(edge, np.where(canvas.y > y, -side, edge))
        grown = skull - np.float32(person.volume)
    canvas.cover(np.maximum(grown, edge), _strands(canvas, person, middle, 1.0))


def _strands(canvas: Canvas, person: Person, middle: float, factor: float) -> np.ndarray:
    """The colour of the hair with strands that spread from the crown, (3, size, size)."""
    contrast, width = person.texture
    dx, dy = canvas.x - np.float32(middle), canvas.y - np.float32(EYE_LINE - person.top)
    spread = dx / np.sqrt(1 + np.abs(dy) * np.float32(0.04)) + np.abs(dy) * np.float32(0.15)
    phase = (spread / np.float32(width) + 64) % 255
    at = phase.astype(np.intp)
    share = phase - at.astype(np.float32)
    strand = person.pattern.ravel()[at] * (1 - share) + person.pattern.ravel()[at + 1] * share  # 0..1
    crown = np.maximum(1 - np.abs(dy - np.float32(12)) / 14, 0) * np.float32(0.2)  # highlight
    shine = np.float32(1.0 - contrast * 0.5) + np.float32(contrast) * strand + crown
    return (person.hair * np.float32(factor))[:, None, None] * shine


def _pattern(canvas: Canvas, pattern: np.ndarray) -> np.ndarray:
    """The person's 16 x 16 pattern over the face, bilinear."""
    x0, y0 = canvas.turn(MIDDLE[0], MIDDLE[1])
    u = np.clip((canvas.x - np.float32(x0 - 45)) / 6, 0, np.float32(14.99))
    v = np.clip((canvas.y - np.float32(y0 - 55)) / 7, 0, np.float32(14.99))
    column, row = u.astype(np.intp), v.astype(np.intp)
    u, v, at = u - column.astype(np.float32), v - row.astype(np.float32), row * 16 + column
    flat = pattern.ravel()
    upper = flat[at] * (1 - u) + flat[at + 1] * u
    lower = flat[at + 16] * (1 - u) + flat[at + 17] * u
    return upper * (1 - v) + lower * v
