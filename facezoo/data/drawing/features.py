"""Eyes, brows, nose and mouth."""

from __future__ import annotations

import numpy as np

from facezoo.data.drawing.canvas import Canvas
from facezoo.data.drawing.head import EYE_LINE, mouth_line
from facezoo.data.drawing.person import Person
from facezoo.data.drawing.shot import Shot

_WHITE = np.array([228, 222, 216], np.float32)
_BLACK = np.array([14, 12, 12], np.float32)
_TEETH = np.array([226, 220, 206], np.float32)
_THROAT = np.array([52, 18, 20], np.float32)


def eyes(canvas: Canvas, person: Person, shot: Shot) -> None:
    """Whites, irises, lids and lashes."""
    for side in (-1, 1):
        near = 56 + side * person.eye_gap
        x, y = canvas.turn(near, EYE_LINE)
        rx = person.eye[0] * canvas.narrowing(near)
        ry = person.eye[1] * shot.open_eyes
        slope = -side * person.eye_tilt
        window = canvas.window(x, y, rx + 3, ry + rx * abs(slope) + 4)
        dx = canvas.x[window] - np.float32(x)
        dy = canvas.y[window] - np.float32(y) - dx * np.float32(slope)
        u2 = (dx / np.float32(rx)) ** 2
        arch = np.float32(ry) * (1 - u2)  # half height of the almond at this column
        lid = np.float32(1 - 0.55 * person.lid)
        opening = canvas.edge(np.maximum(-dy - arch * lid, dy - arch * np.float32(0.85)))
        canvas.paint(window, opening, _WHITE)
        gaze = dx - np.float32(shot.gaze[0] * 2.2)
        drop = dy - np.float32(shot.gaze[1] * 1.2)
        radius = np.sqrt(gaze * gaze + drop * drop)
        canvas.paint(window, opening * canvas.edge(radius - np.float32(person.iris_size)), person.iris)
        canvas.paint(window, opening * canvas.edge(radius - np.float32(person.iris_size * 0.42)), _BLACK)
        glint = (gaze + 1) ** 2 + (drop + 1) ** 2
        canvas.paint(window, opening * np.maximum(1 - glint, 0), np.float32(1.1) * _WHITE)
        inside = u2 < np.float32(1.15)
        lash = canvas.edge(np.abs(dy + arch * lid) - np.float32(0.7)) * inside
        canvas.paint(window, lash * np.float32(0.85), person.brows * np.float32(0.5))
        crease = canvas.edge(np.abs(dy + arch * lid + np.float32(2.2)) - np.float32(0.5), 1.5) * inside
        canvas.paint(window, crease * np.float32(0.45), person.skin * np.float32(0.5))
        below = canvas.edge(np.abs(dy - arch * np.float32(0.85)) - np.float32(0.3), 1.2) * inside
        canvas.paint(window, below * np.float32(0.4), person.skin * np.float32(0.45))


def brows(canvas: Canvas, person: Person, shot: Shot) -> None:
    """Two arcs, thick near the nose and thin at the outer end."""
    height, half, thick, arch, slope = person.brow
    for side in (-1, 1):
        near = 56 + side * (person.eye_gap + 1)
        x, y = canvas.turn(near, EYE_LINE - height - shot.brow_raise, 2)
        rx = half * canvas.narrowing(near)
        window = canvas.window(x, y, rx + 2, thick + abs(arch) + rx * abs(slope) + 3)
        u = (canvas.x[window] - np.float32(x)) * np.float32(side) / np.float32(rx)  # -1 inside, 1 outside
        dy = canvas.y[window] - np.float32(y) + np.float32(arch) * (1 - u * u) - np.float32(slope * 6) * u
        width = np.float32(thick) * (1 - np.float32(0.3) * u) * (1 - np.maximum(np.abs(u) - np.float32(0.7), 0) * 2)
        area = canvas.edge(np.abs(dy) - width, 1.6) * (np.abs(u) < 1)
        canvas.paint(window, area * np.float32(0.85), person.brows)


def nose(canvas: Canvas, person: Person, shot: Shot) -> None:
    """Shadow beside the bridge, tip, wings and nostrils."""
    length, half, bridge, darkness = person.nose
    dark, bright = person.skin * np.float32(0.5), np.minimum(person.skin * np.float32(1.25) + 8, 255)
    tip_x, tip_y = canvas.turn(56, EYE_LINE + length, 10)
    top_x, top_y = canvas.turn(56, EYE_LINE - 4, 3)
    long = max(tip_y - top_y, 4.0)
    window = canvas.window((tip_x + top_x) / 2, (tip_y + top_y) / 2, half + 8, long / 2 + 4)
    t = np.clip((canvas.y[window] - np.float32(top_y)) / np.float32(long), 0, 1)
    middle = np.float32(top_x) + t * np.float32(tip_x - top_x)
    width = np.float32(bridge) + (t * t) * np.float32(half * 0.6 - bridge * 0.4)
    off = canvas.x[window] - middle
    along = np.minimum(t * 6, 1) * np.minimum((1 - t) * 5, 1)
    towards = np.float32(0.55) - np.float32(0.8 * shot.light[0]) * np.sign(off)  # the side away from the light
    flank = np.maximum(1 - np.abs(np.abs(off) - width - 1) / np.float32(3.0), 0) * along
    canvas.paint(window, flank * np.clip(towards, 0.1, 1) * np.float32(0.6 * darkness), dark)
    ridge = np.maximum(1 - np.abs(off) / width, 0) * along
    canvas.paint(window, ridge * np.float32(0.45), bright)
    canvas.glow(tip_x, tip_y + 3.5, half * 1.25, 5.0, dark, 0.55)
    canvas.glow(tip_x, tip_y - 1, half * 0.7, 4.5, bright, 0.6)
    for side in (-1, 1):
        x, y = canvas.turn(56 + side * half * 0.8, EYE_LINE + length + 1.2, 5)
        canvas.ellipse(x, y - 1, 2.2, 2.8, person.skin * np.float32(0.78), soft=2.0, alpha=0.7)
        x, y = canvas.turn(56 + side * half * 0.45, EYE_LINE + length + 2.2, 8)
        canvas.ellipse(x, y, half * 0.24, 1.0, dark * np.float32(0.45), slope=side * 0.25, soft=1.2, alpha=0.85)


def mouth(canvas: Canvas, person: Person, shot: Shot) -> None:
    """Lips along a curve bent by the smile, with teeth or a dark gap between them."""
    half, upper, lower, _, slope = person.mouth
    x, y = canvas.turn(56, mouth_line(person), 2)
    rx = half * canvas.narrowing(56) * (1 + 0.16 * max(0.0, shot.smile))
    gap = shot.open_mouth
    bend = 4.2 * shot.smile + 6 * slope
    window = canvas.window(x, y, rx + 3, upper + lower + gap + abs(bend) + 5)
    u = (canvas.x[window] - np.float32(x)) / np.float32(rx)
    u2 = np.minimum(u * u, 1)
    line = np.float32(y) + np.float32(bend * 0.5) - np.float32(bend) * u2  # corners up in a smile
    dy = canvas.y[window] - line
    full = 1 - u2
    bow = 1 - np.float32(0.3) * np.maximum(1 - np.abs(u) * 5, 0)  # the dip of the upper lip
    inside = np.abs(u) < 1
    half_gap = np.float32(gap / 2) * full
    top = np.float32(upper) * np.sqrt(full) * bow + half_gap
    low = np.float32(lower) * np.sqrt(full) + half_gap
    lips = canvas.edge(np.maximum(-dy - top, dy - low), 1.2) * inside
    canvas.paint(window, lips, person.lips)
    canvas.paint(window, lips * (dy < 0) * np.float32(0.35), person.lips * np.float32(0.5))
    shine = np.maximum(1 - np.abs(dy - half_gap - np.float32(lower * 0.45)) / np.float32(1.2), 0) * full * lips
    canvas.paint(window, shine * np.float32(0.3), np.minimum(person.lips * np.float32(1.5), 255))
    slit = canvas.edge(np.abs(dy) - half_gap - np.float32(0.35), 1.0) * inside
    canvas.paint(window, slit * np.float32(0.85), _THROAT)
    if gap > 1.5:
        teeth = canvas.edge(np.maximum(-dy - half_gap + np.float32(0.4), dy - half_gap * np.float32(0.1)), 1.0)
        canvas.paint(window, teeth * inside * (np.abs(u) < 0.85), _TEETH)
