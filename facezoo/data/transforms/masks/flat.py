"""Masks as flat templates: a drawing stretched piecewise to the five landmarks, shaded like the face below it."""

from __future__ import annotations

import numpy as np

from facezoo.data.transforms.masks.compose import highlights, lay_over, luma_of, tone
from facezoo.data.transforms.masks.fabric import draw_mask, to_pixels
from facezoo.data.transforms.masks.raster import grid_triangles, rasterise, sample

# A net of control points: u and y in the frame of the texture, and how far each column stands in front of the eyes,
# by which it moves sideways when the head turns; all in pixels of the template of 112.
_U = np.array([-54.0, -36.0, -18.0, 0.0, 18.0, 36.0, 54.0])
_Y = np.array([40.0, 58.0, 72.0, 92.0, 108.0, 128.0])
_X = np.array([-45.0, -35.0, -18.0, 0.0, 18.0, 35.0, 45.0])  # of the columns in a frontal face, which bends away
_SIDE = np.array([-46.0, -25.0, -5.0, 0.0, -5.0, -25.0, -46.0])
_MIDDLE = np.array([0.0, 4.0, 17.0, 8.0, 5.0, -4.0])
_NET = np.stack(np.meshgrid(_U, _Y), axis=-1).reshape(-1, 2)
_FRONT = np.where(_U == 0.0, _MIDDLE[:, None], _SIDE).ravel()
_TRIANGLES = grid_triangles(len(_Y), len(_U))
_EYES, _NOSE, _EYE_TO_MOUTH = 35.24, 17.0, 40.7  # distances in a frontal face


def flat_mask(image: np.ndarray, landmarks: np.ndarray, kind: str, worn: str, rng: np.random.Generator) -> np.ndarray:
    """The image with a flat mask, a new array.

    Args:
        image: uint8 RGB (H, W, 3).
        landmarks: (5, 2) in pixels, in the order of the template.
        kind: of the mask.
        worn: where.
        rng: of everything that differs between two masks of a kind.
    """
    points, scale = _placed(landmarks)
    factor = 1.5 if scale < 1.3 else 3.0
    texture = draw_mask(kind, worn, rng, factor)
    place, at = rasterise(points, np.zeros(len(points)), to_pixels(_NET, factor), _TRIANGLES, image.shape[:2])
    luma = luma_of(image, 5 * scale)
    bright = highlights(luma, landmarks)
    colour = sample(texture, at)
    # the face's own light and dark, without its features, which the blur has removed
    shade = np.clip(luma.ravel()[place] / bright, 0.6, 1.12) ** 0.8
    colour[:, :3] *= shade[:, None] * tone(image, bright)
    return lay_over(image, place, colour, scale, rng)


def _placed(landmarks: np.ndarray) -> tuple[np.ndarray, float]:
    """The net's points (V, 2) in the image, and pixels per pixel of the template."""
    left, right, nose, left_mouth, right_mouth = np.asarray(landmarks, float)
    eyes, mouth = (left + right) / 2, (left_mouth + right_mouth) / 2
    across = (right - left) + (right_mouth - left_mouth)
    across = across / max(1e-6, float(np.hypot(*across)))
    down = np.array([-across[1], across[0]])
    width = max(1.0, float((right - left) @ across))
    middle = eyes + (mouth - eyes) * 0.5
    tangent = np.clip(float((nose - middle) @ across) / width * _EYES / _NOSE, -1.5, 1.5)
    turn = np.arctan(tangent)
    wide = width / (_EYES * max(0.55, np.cos(turn)))
    long = max(0.5 * wide, float((mouth - eyes) @ down) / _EYE_TO_MOUTH)
    lean = (mouth - eyes) / max(1e-6, float((mouth - eyes) @ down))  # along the middle line, for one step down
    x = wide * (np.tile(_X, len(_Y)) * np.cos(turn) + _FRONT * np.sin(turn))
    y = long * (_NET[:, 1] - 51.6)
    return eyes + x[:, None] * across + y[:, None] * lean, float(wide + long) / 2
