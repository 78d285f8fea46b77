"""Masks in three dimensions: a texture on a mesh over a fitted mean face, with occlusion and the photo's light."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from facezoo.data.transforms.masks.compose import highlights, lay_over, luma_of, tone
from facezoo.data.transforms.masks.fabric import draw_mask, placed_back, to_pixels
from facezoo.data.transforms.masks.face_mesh import fit_face, nose, surface
from facezoo.data.transforms.masks.raster import grid_triangles, rasterise, sample
from facezoo.data.transforms.masks.shapes import SHAPES, stand_off

_PER_RADIAN = 33.5  # of the angle around the head, in the texture's u
_COLUMNS, _ROWS = 17, 14
_RIDGE = 0.02  # of the light's direction


@dataclass(frozen=True)
class Mesh:
    """The surface of a kind of mask over the mean face.

    Attributes:
        points: (V, 3).
        normals: (V, 3), of length 1, away from the face.
        frame: (V, 2), u and y in the frame of the texture.
    """

    points: np.ndarray
    normals: np.ndarray
    frame: np.ndarray


_TRIANGLES = grid_triangles(_ROWS, _COLUMNS)


@lru_cache(maxsize=32)
def mask_mesh(kind: str, worn: str) -> Mesh:
    """The mesh of a kind of mask, worn in one of the ways of ``WORN``."""
    u, y = np.meshgrid(np.linspace(-52, 52, _COLUMNS), np.linspace(42, 127, _ROWS))
    return _mesh(u, y, kind, worn)


def _mesh(u: np.ndarray, y: np.ndarray, kind: str, worn: str) -> Mesh:
    def shape(u: np.ndarray, y: np.ndarray) -> np.ndarray:
        angle = np.clip(u / _PER_RADIAN, -1.56, 1.56)
        face = surface(angle, y)
        height = stand_off(SHAPES[kind], u, placed_back(y, worn)) * (1.0 if worn == "over the nose" else 0.5)
        bare = face[..., 2] - nose(face[..., 0], y)
        outer = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=-1)
        lifted = np.stack([face[..., 0], y, bare], axis=-1) + height[..., None] * outer
        lifted[..., 2] = np.maximum(lifted[..., 2], face[..., 2] + 0.5)  # the nose where there is no mask
        return lifted

    points, small = shape(u, y), 0.5
    along, down = shape(u + small, y) - shape(u - small, y), shape(u, y + small) - shape(u, y - small)
    normals = np.cross(along, down)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)
    return Mesh(*(item.reshape(u.size, -1) for item in (points, normals, np.stack([u, y], axis=-1))))


@lru_cache(maxsize=1)
def _skin() -> Mesh:
    """Points of cheeks, nose and chin at which the light is measured."""
    u, y = np.meshgrid(np.linspace(-34, 34, 11), np.array([60.0, 66, 72, 78, 84, 102, 108]))
    return _mesh(u, y, "cloth", "over the nose")


def mesh_mask(image: np.ndarray, landmarks: np.ndarray, kind: str, worn: str, rng: np.random.Generator) -> np.ndarray:
    """The image with a mask in three dimensions, a new array; arguments as for ``flat_mask``."""
    face, mesh = fit_face(landmarks), mask_mesh(kind, worn)
    factor = 1.5 if face.scale < 1.3 else 3.0
    texture = draw_mask(kind, worn, rng, factor)
    luma = luma_of(image, 2.5 * face.scale)
    bright = highlights(luma, landmarks)
    light = _light(luma, face.project(_skin().points)[0], _skin().normals @ face.rotation.T) / bright
    normals = mesh.normals @ face.rotation.T
    shade = np.clip(light[0] + normals @ light[1:], 0.5, 1.12)
    points, depth = face.project(mesh.points)
    values = np.column_stack([to_pixels(mesh.frame, factor), shade])
    place, at = rasterise(points, depth, values, _TRIANGLES, image.shape[:2])
    colour = sample(texture, at[:, :2])
    colour[:, :3] *= at[:, 2:].astype(np.float32) * tone(image, bright)
    return lay_over(image, place, colour, face.scale, rng)


def _light(luma: np.ndarray, at: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Ambient light and a direction (4,), by which the luma of the skin is explained best.

    Args:
        luma: blurred (H, W).
        at: (n, 2) pixels of the skin.
        normals: (n, 3), as the viewer sees them.
    """
    height, width = luma.shape
    seen = (normals[:, 2] > 0.2) & (at >= 0).all(axis=1) & (at < [width - 1, height - 1]).all(axis=1)
    if seen.sum() < 8:
        return np.array([float(np.median(luma)), 0.0, 0.0, 0.0])
    x, y = np.round(at[seen]).astype(int).T
    system = np.column_stack([np.ones(int(seen.sum())), normals[seen]])
    ridge = len(system) * np.diag([1e-4, _RIDGE, _RIDGE, _RIDGE])
    return np.asarray(np.linalg.solve(system.T @ system + ridge, system.T @ luma[y, x]))
