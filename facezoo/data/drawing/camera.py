"""Light on the head, and the effects of a camera on the image."""

from __future__ import annotations

import numpy as np

from facezoo.data.drawing.canvas import Canvas
from facezoo.data.drawing.head import CHEEKS
from facezoo.data.drawing.person import Person
from facezoo.data.drawing.shot import Shot


def light(canvas: Canvas, person: Person, shot: Shot) -> None:
    """Shade the head as a lit ellipsoid; the background keeps its brightness."""
    x, y = canvas.head(CHEEKS + 4)
    u = (canvas.x - np.float32(x)) / np.float32(person.width * 1.12)
    v = (canvas.y - np.float32(y)) / np.float32(62.0)
    z = np.sqrt(np.maximum(1 - u * u - v * v, np.float32(0.02)))
    lambert = np.maximum(
        u * np.float32(shot.light[0]) + v * np.float32(shot.light[1]) + z * np.float32(shot.light[2]), 0
    )
    factor = np.float32(shot.ambient) + np.float32(1.35 * (1 - shot.ambient)) * lambert
    canvas.shade(canvas.everywhere(), 1 + canvas.solid * (factor - 1))


def develop(canvas: Canvas, shot: Shot, rng: np.random.Generator) -> np.ndarray:
    """Exposure, tint, blur, low resolution and noise; uint8 (size, size, 3)."""
    pixels = canvas.pixels * (shot.tint * np.float32(shot.exposure))[:, None, None]
    for _ in range(shot.blur):
        pixels = _smooth(_smooth(pixels, 1), 2)
    if shot.coarse > 1:
        for _ in range(round(shot.coarse)):
            pixels = _smooth(_smooth(pixels, 1), 2)
        pixels = _coarse(pixels, shot.coarse)
    grain = rng.random(pixels.shape, dtype=np.float32) + rng.random(pixels.shape, dtype=np.float32) - 1
    pixels += grain * np.float32(shot.noise * 2.45)  # the sum of two uniform numbers has standard deviation 1 / 2.45
    levels = np.clip(pixels + np.float32(0.5), 0, 255).astype(np.uint8)  # (3, size, size)
    return np.ascontiguousarray(levels.transpose(1, 2, 0))


def _smooth(pixels: np.ndarray, axis: int) -> np.ndarray:
    """1/4, 1/2, 1/4 along an axis, edges repeated."""
    out = pixels * np.float32(0.5)
    here, there = [slice(None)] * 3, [slice(None)] * 3
    here[axis], there[axis] = slice(1, None), slice(None, -1)
    quarter = pixels * np.float32(0.25)
    out[tuple(here)] += quarter[tuple(there)]
    out[tuple(there)] += quarter[tuple(here)]
    first, last = [slice(None)] * 3, [slice(None)] * 3
    first[axis], last[axis] = slice(0, 1), slice(-1, None)
    out[tuple(first)] += quarter[tuple(first)]
    out[tuple(last)] += quarter[tuple(last)]
    return out


def _coarse(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Keep every ``factor``-th sample and interpolate linearly between them."""
    size = pixels.shape[1]
    few = max(2, int(size / factor))
    place = np.arange(size, dtype=np.float32) * np.float32((few - 1) / (size - 1))
    low = np.minimum(place.astype(np.intp), few - 2)
    share = place - low.astype(np.float32)
    kept = (np.arange(few) * ((size - 1) / (few - 1)) + 0.5).astype(np.intp)
    small = pixels[:, kept][:, :, kept]
    rows = small[:, low] * (1 - share)[:, None] + small[:, low + 1] * share[:, None]
    return rows[:, :, low] * (1 - share) + rows[:, :, low + 1] * share
