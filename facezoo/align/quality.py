"""Quality measures of a crop and its landmarks: blur and head pose, both approximate and fast."""

from __future__ import annotations

import numpy as np

from facezoo.align.templates import ARCFACE
from facezoo.specs.preprocess import LUMA

# A mean face for the pose: the frontal landmarks of the template, with depths toward the camera in the same unit (the
# eyes are 35 units apart).
_DEPTH = np.array([0.0, 0.0, 17.0, 4.0, 4.0])
_MODEL = np.column_stack([ARCFACE, _DEPTH]) - np.append(ARCFACE.mean(0), _DEPTH.mean())  # (5, 3)
_FIT = np.linalg.pinv(_MODEL)  # (3, 5)


def sharpness(crop: np.ndarray) -> float:
    """Variance of the Laplacian of the luma, 0..255 squared: small if the crop is blurred.

    Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", 2000. It depends on the crop's size and
    on the lighting; compare crops of one template only.

    Args:
        crop: uint8 RGB (H, W, 3), each side at least 3.

    >>> sharpness(np.full((112, 112, 3), 90, np.uint8))
    0.0
    """
    luma = crop.astype(np.float32) @ np.array(LUMA, np.float32)  # (H, W)
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    return float(np.var(around - 4 * luma[1:-1, 1:-1], dtype=np.float64))


def pose(landmarks: np.ndarray) -> tuple[float, float, float]:
    """Head pose from five landmarks by scaled orthographic projection of a mean face.

    The two rows of the scaled rotation are found by least squares (DeMenthon and Davis, "Model-based object pose in 25
    lines of code", 1995, without the iterations). Individual faces differ from the mean one by several degrees.

    Args:
        landmarks: (5, 2) in pixels.

    Returns:
        yaw, pitch, roll in degrees: yaw is positive when the face turns to the right of the image, pitch when it
        looks down, roll when the head leans to the right of the image. All 0 for the template's landmarks.
    """
    points = np.asarray(landmarks, np.float64)
    rows = (_FIT @ (points - points.mean(0))).T  # (2, 3): x and y axes, scaled
    scale = np.sqrt(np.linalg.norm(rows[0]) * np.linalg.norm(rows[1]))
    if not np.isfinite(scale) or scale < 1e-9:
        return 0.0, 0.0, 0.0
    left, _, right = np.linalg.svd(rows)
    x_axis, y_axis = left @ right[:2]  # the nearest rotation
    forward = np.cross(x_axis, y_axis)  # third row
    roll = np.degrees(np.arctan2(y_axis[0], x_axis[0]))
    # the projection of the model's third axis, which points to the camera: its x is yaw, its y is pitch
    turn = np.radians(-roll)
    toward = np.array([x_axis[2], y_axis[2]])
    across = np.cos(turn) * toward[0] - np.sin(turn) * toward[1]
    down = np.sin(turn) * toward[0] + np.cos(turn) * toward[1]
    yaw, pitch = np.degrees(np.arctan2(across, forward[2])), np.degrees(np.arcsin(np.clip(down, -1, 1)))
    return float(yaw), float(pitch), float(roll)
