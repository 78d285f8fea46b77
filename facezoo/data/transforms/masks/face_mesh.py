"""A mean face as a formula, fitted to five landmarks: weak perspective pose, then shape, both by least squares.

The unit is a pixel of the 112 x 112 template, in which the eyes are 35 units (about 63 mm) apart. x points to the
right of the image, y down, z to the viewer; x is 0 in the middle of the face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facezoo.specs.template_points import ARCFACE

# Half the width of a face, and the depth of its middle line in front of the ears, without the nose, at heights y.
# Read off the proportions of anthropometric tables (Farkas, Anthropometry of the Head and Face, 1994).
HEIGHTS = np.array([44.0, 60, 75, 92, 100, 108, 114, 119, 124])
HALF_WIDTH = np.array([41.0, 41, 39.5, 35.5, 32, 27, 21.5, 15, 8])
DEPTH = np.array([50.0, 50, 51, 54, 53, 51, 47, 40, 28])
NOSE_HEIGHTS = np.array([44.0, 52, 62, 71, 75, 79, 124])
NOSE = np.array([0.0, 2, 7.5, 13, 9, 0, 0])  # in front of the face
NOSE_WIDTH = 7.0  # standard deviation
LANDMARK_DEPTH = np.array([46.0, 46.0, 64.0, 50.0, 50.0])
LANDMARKS = np.column_stack([ARCFACE[:, 0] - 56.03, ARCFACE[:, 1], LANDMARK_DEPTH])  # (5, 3)
_CENTRE = np.array([0.0, 72.0, 50.0])  # about which the pose turns
_RIDGE = 15.0  # of the depth's column, in squared units: five landmarks say little about it
_SHAPE_RIDGE = 300.0


def surface(angle: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Points (..., 3) of the mean face.

    Args:
        angle: around the head, -pi/2 to pi/2, 0 in the middle.
        y: height, 44 (eyebrows) to 124 (below the chin); the same shape.
    """
    x = np.interp(y, HEIGHTS, HALF_WIDTH) * np.sin(angle)
    z = np.interp(y, HEIGHTS, DEPTH) * np.cos(angle) ** 0.75
    return np.stack([x, y, z + nose(x, y)], axis=-1)


def nose(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How far the nose of the mean face stands out at x and y."""
    return np.interp(y, NOSE_HEIGHTS, NOSE) * np.exp(-((x / NOSE_WIDTH) ** 2))


def shape_basis(points: np.ndarray) -> np.ndarray:
    """How points (..., 3) move with each of three coefficients, (3, ..., 3): width, length of the lower face, nose."""
    x, y = points[..., 0], points[..., 1]
    nothing = np.zeros_like(x)
    return np.stack(
        [
            np.stack([x, nothing, nothing], axis=-1),
            np.stack([nothing, np.maximum(y - 60, 0), nothing], axis=-1),
            np.stack([nothing, nothing, nose(x, y)], axis=-1),
        ]
    )


@dataclass(frozen=True)
class FittedFace:
    """A face in an image.

    Attributes:
        scale: pixels per unit.
        rotation: (3, 3), from the mean face to the viewer; its rows are the image's x, y and depth.
        shift: (2,), the image position of the point about which the face turns.
        shape: (3,), coefficients of :func:`shape_basis`.
    """

    scale: float
    rotation: np.ndarray
    shift: np.ndarray
    shape: np.ndarray

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Image positions (..., 2) and depths (...) of points of the mean face (..., 3)."""
        moved = points + np.tensordot(self.shape, shape_basis(points), axes=1) - _CENTRE
        turned = moved @ self.rotation.T
        return self.scale * turned[..., :2] + self.shift, self.scale * turned[..., 2]


def fit_face(landmarks: np.ndarray) -> FittedFace:
    """The pose and the shape whose landmarks come nearest to those of an image.

    The pose is a scaled rotation and a shift (DeMenthon and Davis 1995, first step), with a ridge on depth; then the
    shape coefficients are a ridge regression of what remains; both twice.

    Args:
        landmarks: (5, 2) in pixels, in the order of the template.
    """
    shape = np.zeros(3)
    basis = shape_basis(LANDMARKS)  # (3, 5, 3)
    target = np.asarray(landmarks, float)
    for _ in range(2):
        points = LANDMARKS + np.tensordot(shape, basis, axes=1) - _CENTRE
        scale, rotation, shift = _pose(points, target)
        left = target - (scale * points @ rotation[:2].T + shift)  # (5, 2)
        moves = scale * basis @ rotation[:2].T  # (3, 5, 2)
        system = moves.reshape(3, -1) @ moves.reshape(3, -1).T
        step = np.linalg.solve(system + _SHAPE_RIDGE * scale**2 * np.eye(3), moves.reshape(3, -1) @ left.ravel())
        shape = np.clip(shape + step, -0.15, 0.15)
    return FittedFace(scale, rotation, shift, shape)


def _pose(points: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    centre, middle = points.mean(axis=0), target.mean(axis=0)
    p, q = points - centre, target - middle
    system = p.T @ p + np.diag([0.0, 0.0, _RIDGE])
    affine = np.linalg.solve(system, p.T @ q).T  # (2, 3)
    u, sizes, vt = np.linalg.svd(affine, full_matrices=False)
    rows = u @ vt
    rotation = np.vstack([rows, np.cross(rows[0], rows[1])])
    scale = float(sizes.mean())
    return scale, rotation, middle - scale * rows @ centre
