"""The similarity transform from one set of landmarks to another."""

from __future__ import annotations

import numpy as np

from facezoo.errors import ShapeError


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Rotation, uniform scale and translation from ``source`` to ``target`` with the least squared error.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991, in two
    dimensions: with points as complex numbers the map without reflection is ``w = a z + b``, and the best ``a`` is
    ``sum(conj(z - mean z) (w - mean w)) / sum(|z - mean z|^2)``.

    Args:
        source: (..., K, 2), at least 2 points, not all the same.
        target: (K, 2) or (..., K, 2).

    Returns:
        (..., 2, 3) float64: ``target ~ matrix @ (x, y, 1)``.

    Raises:
        ShapeError: the shapes do not match, a value is not finite, or all source points are the same.

    >>> similarity(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 1.0], [1.0, 3.0]])).round().tolist()
    [[0.0, -2.0, 1.0], [2.0, 0.0, 1.0]]
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if source.shape[-1:] != (2,) or target.shape[-1:] != (2,) or source.shape[-2:] != target.shape[-2:]:
        raise ShapeError(f"landmarks have shape {source.shape} and the template {target.shape}; expected (5, 2) each")
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise ShapeError("landmarks hold a value that is not finite")
    z, w = source @ np.array([1, 1j]), target @ np.array([1, 1j])  # (..., K)
    z_mean, w_mean = z.mean(-1), w.mean(-1)
    z0, w0 = z - z_mean[..., None], w - w_mean[..., None]
    spread = (np.abs(z0) ** 2).sum(-1)
    if (spread < 1e-12).any():
        raise ShapeError(f"all {source.shape[-2]} landmarks are the same point; a transform needs two different points")
    a = (np.conj(z0) * w0).sum(-1) / spread
    b = w_mean - a * z_mean
    rows = [[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))  # (..., 2, 3)


def invert(matrix: np.ndarray) -> np.ndarray:
    """The inverse (2, 3) of an affine (2, 3)."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.concatenate([linear, -linear @ matrix[:, 2:]], axis=1)


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (..., 2) transformed by an affine (2, 3)."""
    return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]


def scale_of(matrix: np.ndarray) -> float:
    """The scale of a similarity (2, 3): target pixels per source pixel."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))
