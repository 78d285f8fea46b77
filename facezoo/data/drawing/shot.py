"""What differs between two images of the same person: pose, light, expression, occlusion, camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from facezoo.rng import generator

OCCLUSIONS = ("none", "sunglasses", "mask", "hand", "cap", "bar")
_SHARES = np.cumsum([0.74, 0.06, 0.06, 0.05, 0.05, 0.04])


@dataclass(frozen=True)
class Shot:
    """One image.

    Attributes:
        roll: of the head in the image plane, radians.
        yaw: rotation to the side, radians.
        pitch: rotation up or down, radians.
        scale: of the head.
        shift: (x, y) in template pixels.
        light: direction to the light, a unit vector (x right, y down, z to the camera).
        ambient: share of ambient light, 0..1.
        exposure: factor on all values.
        tint: factors on red, green and blue, float32 (3,).
        smile: -0.5 (sad) .. 1.
        open_mouth: height of the gap between the lips, template pixels.
        open_eyes: factor on the eyes' height.
        gaze: (x, y) of the irises, -1..1.
        brow_raise: template pixels.
        wears_glasses: a person who has glasses wears them.
        occlusion: one of OCCLUSIONS.
        occluder: colour of the occlusion, and random numbers 0..1 for its position and shape, float32 (6,).
        background: two colours, float32 (2, 3).
        clothes: colour.
        blur: passes of a small blur.
        coarse: the image is taken at size / coarse and enlarged.
        noise: standard deviation of the camera's noise, on the scale 0..255.
    """

    roll: float
    yaw: float
    pitch: float
    scale: float
    shift: tuple[float, float]
    light: tuple[float, float, float]
    ambient: float
    exposure: float
    tint: np.ndarray
    smile: float
    open_mouth: float
    open_eyes: float
    gaze: tuple[float, float]
    brow_raise: float
    wears_glasses: bool
    occlusion: str
    occluder: np.ndarray
    background: np.ndarray
    clothes: np.ndarray
    blur: int
    coarse: float
    noise: float


def random_shot(rng: np.random.Generator) -> Shot:
    """A shot drawn from ``rng``."""

    def around(spread: float, middle: float = 0.0) -> float:
        return float(middle + spread * (rng.random() + rng.random() + rng.random() - 1.5) / 1.5)

    side, height = around(1.4), around(0.9, -0.35)
    length = math.sqrt(side * side + height * height + 1.0)
    blur = rng.random()
    return Shot(
        roll=around(0.16),
        yaw=around(0.62),
        pitch=around(0.36),
        scale=around(0.1, 1.0),
        shift=(around(4.0), around(4.0)),
        light=(side / length, height / length, 1.0 / length),
        ambient=around(0.3, 0.5),
        exposure=around(0.4, 1.05),
        tint=(1.0 + (rng.random(3) - 0.5) * 0.24).astype(np.float32),
        smile=around(0.9, 0.25),
        open_mouth=max(0.0, around(9.0, -1.0)),
        open_eyes=min(1.15, max(0.15, around(0.6, 0.95))),
        gaze=(around(1.0), around(0.5)),
        brow_raise=around(3.0),
        wears_glasses=bool(rng.random() < 0.85),
        occlusion=OCCLUSIONS[int(np.searchsorted(_SHARES, rng.random() * _SHARES[-1], side="right"))],
        occluder=np.concatenate([rng.random(3) * 200 + 20, rng.random(3)]).astype(np.float32),
        background=_muted(rng.random((2, 3)) * 235),
        clothes=_muted(rng.random(3) * 220),
        blur=0 if blur < 0.6 else 1 if blur < 0.85 else 3,
        coarse=1.0 if rng.random() < 0.75 else float(1.5 + 2.0 * rng.random()),
        noise=float(1.0 + 7.0 * rng.random() * rng.random()),
    )


def _muted(colours: np.ndarray) -> np.ndarray:
    """Half way to grey: backgrounds and clothes are rarely saturated."""
    return ((colours + colours.mean(axis=-1, keepdims=True)) / 2).astype(np.float32)


def shot_of(seed: int, person: int, number: int) -> Shot:
    """Shot ``number`` of a person of the population ``seed``."""
    return random_shot(generator(seed, "shot", person, number))
