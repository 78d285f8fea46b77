"""Boxes, suppression, pyramid and crops of the detector."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo.align.boxes import clip, overlap, place_landmarks, regress, square, suppress
from facezoo.align.pyramid import AreaPyramid, cut, packed, scales


def boxes_of(rng, count):
    corner = rng.uniform(0, 80, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(5, 40, (count, 2))], axis=1)


def area_of_overlap(a, b):
    """Counted on a fine grid of points."""
    at = (np.arange(2400) + 0.5) / 20
    inside = [((at >= box[0]) & (at < box[2]), (at >= box[1]) & (at < box[3])) for box in (a, b)]
    columns, rows = (inside[0][axis] & inside[1][axis] for axis in (0, 1))
    return columns.sum() * rows.sum() / 400


@pytest.mark.parametrize("method", ["union", "min"])
def test_overlap_by_counting(method):
    rng = np.random.default_rng(0)
    a, b = boxes_of(rng, 4), boxes_of(rng, 5)
    found = overlap(a, b, method)
    assert found.shape == (4, 5)
    for i, j in np.ndindex(4, 5):
        areas = [np.prod(box[2:] - box[:2]) for box in (a[i], b[j])]
        common = area_of_overlap(a[i], b[j])
        whole = min(areas) if method == "min" else sum(areas) - common
        assert found[i, j] == pytest.approx(common / whole, abs=0.02)


def test_empty_boxes_overlap_nothing():
    point = np.array([[3.0, 3, 3, 3]])
    assert overlap(point, point).tolist() == [[0.0]]


@pytest.mark.parametrize("seed", range(3))
def test_suppression_by_its_definition(seed):
    rng = np.random.default_rng(seed)
    boxes, groups = boxes_of(rng, 60), rng.integers(0, 3, 60)
    iou = overlap(boxes, boxes)
    expected = [not any(groups[j] == groups[i] and iou[i, j] > 0.3 for j in range(i)) for i in range(60)]
    np.testing.assert_array_equal(suppress(boxes, 0.3, groups), expected)


def test_suppression_in_blocks(monkeypatch):
    boxes = boxes_of(np.random.default_rng(5), 90)
    whole = suppress(boxes, 0.2, np.zeros(90, int))
    monkeypatch.setattr("facezoo.align.boxes._BLOCK", 7)
    np.testing.assert_array_equal(suppress(boxes, 0.2, np.zeros(90, int)), whole)


def test_suppression_of_nothing():
    assert suppress(np.zeros((0, 4)), 0.5, np.zeros(0, int)).shape == (0,)


def test_square_regress_clip_and_landmarks():
    assert square(np.array([[0.0, 10, 20, 50]])).tolist() == [[-10, 10, 30, 50]]
    assert regress(np.array([[0.0, 0, 9, 19]]), np.array([[0.1, 0.2, 0, -0.1]])).tolist() == [[1, 4, 9, 17]]
    assert clip(np.array([[-3.0, 4, 99, 70]]), 60, 50).tolist() == [[0, 4, 49, 59]]
    placed = place_landmarks(np.array([[10.0, 20, 29, 39]]), np.full((1, 5, 2), 0.5))
    assert placed.tolist() == [[[19.0, 29.0]] * 5]


def test_scales_end_where_the_window_no_longer_fits():
    for side in (20, 21, 60, 250, 1999):
        found = scales(side, 3 * side, 20, 0.709)
        assert all(int(side * scale) >= 12 for scale in found)
        np.testing.assert_allclose(found[1:] / found[:-1], 0.709)
    assert len(scales(11, 11, 20, 0.709)) == 0
    assert scales(100, 100, 40, 0.709)[0] == pytest.approx(0.3)


def mean_over(image, top, bottom, left, right):
    """The mean of a piecewise constant image over a rectangle, cell by cell."""
    total = 0.0
    for row in range(int(top), min(int(np.ceil(bottom)), len(image))):
        for column in range(int(left), min(int(np.ceil(right)), image.shape[1])):
            height = min(row + 1, bottom) - max(row, top)
            width = min(column + 1, right) - max(column, left)
            total += height * width * image[row, column]
    return total / ((bottom - top) * (right - left))


@pytest.mark.parametrize("scale", [0.9, 0.6, 0.31, 1.3])
def test_the_pyramid_averages_exactly(scale):
    images = np.random.default_rng(0).integers(0, 256, (2, 23, 31, 3), dtype=np.uint8)
    level = AreaPyramid(images).level(scale)
    height, width = int(23 * scale), int(31 * scale)
    assert level.shape == (2, height, width, 3)
    for row, column in ((0, 0), (height // 2, width // 3), (height - 1, width - 1)):
        sides = (row * 23 / height, (row + 1) * 23 / height, column * 31 / width, (column + 1) * 31 / width)
        assert level[1, row, column, 2] == pytest.approx(mean_over(images[1, :, :, 2], *sides), abs=1e-3)


def test_cropping_one_box_at_a_time_gives_the_same():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (3, 50, 60, 3), dtype=np.uint8)
    owner, boxes = rng.integers(0, 3, 20), boxes_of(rng, 20) - 15
    together = cut(packed(images), owner, boxes, 24)
    assert together.shape == (20, 24, 24, 3)
    for index in range(20):
        alone = cut(packed(images[owner[index]][None]), np.zeros(1, int), boxes[index : index + 1], 24)
        np.testing.assert_array_equal(alone[0], together[index])


def test_cutting_interpolates_and_fills():
    y, x = np.mgrid[:40, :40]
    ramp = np.stack([x * 5, y * 5, 0 * x], axis=-1).astype(np.uint8)[None]
    found = cut(packed(ramp), np.zeros(1, int), np.array([[4.0, 8, 30, 34]]), 24)[0]
    shrink = 39 / 40
    np.testing.assert_allclose(found[0, :, 0], 5 * shrink * np.linspace(4, 30, 24), atol=1e-3)
    np.testing.assert_allclose(found[:, 0, 1], 5 * shrink * np.linspace(8, 34, 24), atol=1e-3)
    outside = cut(packed(ramp), np.zeros(1, int), np.array([[-40.0, -40, -10, -10]]), 24)
    assert (outside == 127.5).all()
