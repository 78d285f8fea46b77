"""The kinds of masks: outline, straps, folds and how far each stands off the face.

Outlines are in the frame of the mask's texture: u across, 0 in the middle of the face, and y down, both in pixels of
the 112 x 112 template of a frontal face (eyes at y = 52, nose at 72, mouth at 92, chin near 116).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shape:
    """One kind of mask.

    Attributes:
        name: of the kind.
        outline: the right half, (n, 2) u and y, from the top of the middle line to its bottom.
        straps: lines from the mask to the ear, each (u, y) to (u, y), right side.
        heights: heights y of ``stand_off``.
        stand_off: distance of the middle line from the face without a nose, at those heights.
        spread: standard deviation in u with which the stand-off ends towards the cheeks.
        folds: "pleats", "seam", "crease", "cup", "panels" or "none".
        patterned: whether the cloth may have any colour and a pattern.
    """

    name: str
    outline: tuple[tuple[float, float], ...]
    straps: tuple[tuple[tuple[float, float], tuple[float, float]], ...]
    heights: tuple[float, ...]
    stand_off: tuple[float, ...]
    spread: float
    folds: str
    patterned: bool = False


_LOOPS = (((36.0, 71.5), (50.0, 57.0)), ((34.0, 98.0), (50.0, 82.0)))
_CLOTH = ((0, 58), (9, 61), (20, 67), (35, 70.5), (37, 82), (31, 101), (18, 114), (0, 120))
_TENT = ((56, 62, 71, 80, 92, 104, 114, 120, 128), (3, 8, 14.5, 13, 9, 6, 4, 3, 2))

SHAPES = {
    shape.name: shape
    for shape in (
        Shape(
            "surgical", ((0, 60.5), (12, 62.5), (25, 67), (36, 71), (37, 84), (34, 99), (26, 110), (12, 118), (0, 120)),
            _LOOPS, *_TENT, 16.0, "pleats",
        ),
        Shape("cloth", _CLOTH, _LOOPS, *_TENT, 13.0, "seam"),
        Shape("patterned", _CLOTH, _LOOPS, *_TENT, 13.0, "seam", patterned=True),
        Shape(
            "n95", ((0, 56.5), (9, 59), (19, 66), (28, 77), (30, 91), (24, 106), (13, 115), (0, 118)),
            (((26.0, 75.0), (50.0, 50.0)), ((28.0, 97.0), (50.0, 90.0))),
            (56, 62, 71, 82, 94, 106, 114, 120, 128), (3, 9, 17, 19, 16, 11, 6, 3, 2), 17.0, "cup",
        ),
        Shape(
            "folded", ((0, 57), (8, 60), (20, 66), (35, 71.5), (36, 79), (28, 101), (15, 115), (0, 119.5)),
            _LOOPS, (56, 62, 71, 82, 94, 106, 114, 120, 128), (3, 9, 17, 18, 15, 11, 7, 4, 2), 12.0, "crease",
        ),
        Shape(
            "panels", ((0, 57.5), (10, 60), (23, 67), (36, 75), (38, 82), (30, 101), (17, 114), (0, 119)),
            _LOOPS, (56, 62, 71, 82, 94, 106, 114, 120, 128), (3, 9, 16, 17, 15, 10, 6, 3, 2), 18.0, "panels",
        ),
        Shape(
            "gaiter", ((0, 60), (15, 63), (34, 68), (44, 71), (46, 90), (43, 108), (36, 128), (0, 128)),
            (), *_TENT, 12.0, "none", patterned=True,
        ),
    )
}  # fmt: skip
KINDS = tuple(SHAPES)
WORN = ("over the nose", "under the nose", "at the chin")


def placed(points: np.ndarray, worn: str) -> np.ndarray:
    """Points (..., 2) of an outline moved to where the mask is worn."""
    if worn == "over the nose":
        return points
    top, squeeze = (79.0, 0.72) if worn == "under the nose" else (100.0, 0.42)
    moved = points.copy()
    moved[..., 1] = top + (points[..., 1] - 58.0) * squeeze
    return moved


def closed_outline(shape: Shape, wide: float, long: float) -> np.ndarray:
    """The whole outline (m, 2), its corners rounded (Chaikin 1974).

    Args:
        shape: the kind.
        wide: factor on u.
        long: factor on the distance from the top.
    """
    half = np.array(shape.outline, float)
    half = np.column_stack([half[:, 0] * wide, half[0, 1] + (half[:, 1] - half[0, 1]) * long])
    points = np.concatenate([half, half[-2:0:-1] * [-1, 1]])
    for _ in range(2):
        following = np.roll(points, -1, axis=0)
        points = np.stack([0.78 * points + 0.22 * following, 0.22 * points + 0.78 * following], axis=1).reshape(-1, 2)
    return points


def stand_off(shape: Shape, u: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Distance of the mask from the face without a nose, in units, at points of its frame."""
    across = np.abs(u) / shape.spread
    fall = np.exp(-across) if shape.folds == "crease" else np.exp(-(across**2))
    return 1.0 + np.interp(y, shape.heights, shape.stand_off) * fall
