"""Blur, pose and the choice of faces."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from facezoo.align.choose import choose
from facezoo.align.quality import _MODEL, pose, sharpness
from facezoo.align.templates import ARCFACE
from facezoo.errors import UnknownNameError
from facezoo.interfaces.detector import Face


def turned(yaw, pitch, roll):
    """The mean face rotated about its axes (x right, y down, z toward the camera), in parallel projection."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = [[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]]
    about_x = [[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]]
    about_z = [[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]]
    return (_MODEL @ (np.array(about_z) @ about_y @ about_x).T)[:, :2]


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, 0, 0), (0, -20, 0), (0, 0, 45), (-40, 10, -60), (25, -15, 100)])
def test_pose_recovers_the_angles(angles):
    np.testing.assert_allclose(pose(3 * turned(*angles) + 200), angles, atol=1e-6)


def test_the_template_has_a_frontal_pose():
    np.testing.assert_allclose(pose(ARCFACE), 0, atol=1e-9)


def test_a_nose_to_the_right_is_a_turn_to_the_right():
    moved = ARCFACE.copy()
    moved[2, 0] += 8
    assert pose(moved)[0] > 10


def test_pose_of_one_point():
    assert pose(np.ones((5, 2))) == (0.0, 0.0, 0.0)


def test_sharpness_falls_with_blur():
    sharp = Image.fromarray(np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8))
    values = [sharpness(np.asarray(sharp.filter(ImageFilter.GaussianBlur(radius)))) for radius in (0, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 100 * values[-1]


def face(x1, y1, x2, y2, score=0.9):
    return Face(np.float32([x1, y1, x2, y2]), np.zeros((5, 2), np.float32), score)


def test_choice_of_face():
    small, large, middle = face(0, 0, 10, 10, 0.99), face(60, 0, 100, 40), face(40, 40, 60, 60)
    faces = [small, large, middle]
    assert choose(faces, "largest", 100, 100) == [large]
    assert choose(faces, "central", 100, 100) == [middle]
    assert choose(faces, "all", 100, 100) == [large, middle, small]
    assert choose([], "largest", 100, 100) == []
    for found in (faces, []):
        with pytest.raises(UnknownNameError, match="did you mean 'central'"):
            choose(found, "centre", 100, 100)
