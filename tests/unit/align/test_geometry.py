"""Templates, the similarity transform and the warp."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import facezoo
from facezoo.align.crop import warp
from facezoo.align.templates import ARCFACE, get_template, list_templates
from facezoo.align.transform import apply, invert, scale_of, similarity
from facezoo.errors import ConfigError, ShapeError, UnknownNameError


def smooth(height, width, period=40.0):
    """An image without fine detail, so that any correct resampling agrees with the formula."""
    y, x = np.mgrid[:height, :width]
    return np.stack([pixel(x, y, channel, period) for channel in range(3)], axis=-1).round().astype(np.uint8)


def pixel(x, y, channel, period):
    return 128 + 60 * np.sin(2 * np.pi * x / period + channel) + 50 * np.cos(2 * np.pi * y / (1.3 * period))


def moved(scale, degrees, shift):
    turn = scale * np.exp(1j * np.radians(degrees))
    return np.array([[turn.real, -turn.imag, shift[0]], [turn.imag, turn.real, shift[1]]])


def test_the_template_is_the_published_one():
    assert get_template("arcface112").size == (112, 112)
    published = [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
    np.testing.assert_array_equal(get_template("arcface112").points, published)
    np.testing.assert_allclose(get_template("arcface224").points, 2 * np.array(published))
    narrow = get_template("sphereface96x112")
    assert narrow.size == (112, 96)
    np.testing.assert_allclose(narrow.points[0], [30.2946, 51.6963])


def test_every_listed_template_exists():
    for name in list_templates():
        assert get_template(name).name == name


@pytest.mark.parametrize("name", ["arcfaces112", "arcface", "arcface8", "arcface99999", "96x112"])
def test_an_unknown_template_names_a_known_one(name):
    with pytest.raises(UnknownNameError, match=r"did you mean '\w+face"):
        get_template(name)


def test_margin_and_size_keep_the_template_centred():
    wide = get_template("arcface112").resized((224, 224), margin=0.5)
    np.testing.assert_allclose(wide.points, (ARCFACE - 56) * 1 + 112)  # twice the size, half the share
    tall = get_template("arcface112").resized((160, 112))
    np.testing.assert_allclose(tall.points, ARCFACE + np.array([0, 24]))


@pytest.mark.parametrize(("size", "margin"), [((8, 112), 0), ((112, 112), -0.5), ((112, 112), float("nan"))])
def test_impossible_sizes_and_margins_are_rejected(size, margin):
    with pytest.raises(ConfigError):
        get_template("arcface112").resized(size, margin)


@pytest.mark.parametrize("seed", range(5))
def test_similarity_recovers_the_applied_transform(seed):
    rng = np.random.default_rng(seed)
    truth = moved(rng.uniform(0.2, 5), rng.uniform(-180, 180), rng.uniform(-50, 50, 2))
    points = rng.normal(size=(5, 2)) * 30
    np.testing.assert_allclose(similarity(points, apply(truth, points)), truth, atol=1e-9)
    np.testing.assert_allclose(apply(invert(truth), apply(truth, points)), points, atol=1e-9)
    assert scale_of(truth) == pytest.approx(np.hypot(*truth[:, 0]))


def test_similarity_is_the_least_squares_one():
    """Against Umeyama's method with singular values, on points that no similarity maps exactly."""
    rng = np.random.default_rng(7)
    source, target = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    a, b = source - source.mean(0), target - target.mean(0)
    u, s, v = np.linalg.svd(b.T @ a)
    sign = np.diag([1, np.sign(np.linalg.det(u @ v))])
    linear = (s * np.diag(sign)).sum() / (a**2).sum() * u @ sign @ v
    expected = np.column_stack([linear, target.mean(0) - linear @ source.mean(0)])
    np.testing.assert_allclose(similarity(source, target), expected, atol=1e-12)


def test_similarity_works_on_many_at_once():
    rng = np.random.default_rng(3)
    many = rng.normal(size=(4, 5, 2)) * 20
    np.testing.assert_allclose(similarity(many, ARCFACE), [similarity(one, ARCFACE) for one in many])


@pytest.mark.parametrize("bad", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.zeros((4, 2)), np.zeros(10)])
def test_landmarks_without_a_transform_are_rejected(bad):
    with pytest.raises(ShapeError):
        similarity(bad, ARCFACE)


@pytest.mark.parametrize("degrees", [0, 17, 90, -133])
@pytest.mark.parametrize("scale", [0.7, 1.0, 1.9])
def test_the_warp_follows_the_transform(scale, degrees):
    """Pixel centres are integers, in the photo and in the crop."""
    image = smooth(200, 240)
    matrix = np.vstack([moved(1 / scale, degrees, (0, 0)), [0, 0, 1]])
    matrix = matrix @ [[1, 0, -120], [0, 1, -100], [0, 0, 1]]
    matrix[:2, 2] += 24
    y, x = np.mgrid[:48, :48]
    where = apply(invert(matrix[:2]), np.stack([x, y], axis=-1))
    expected = np.stack([pixel(where[..., 0], where[..., 1], c, 40.0) for c in range(3)], axis=-1)
    assert np.abs(warp(image, matrix[:2], (48, 48)) - expected).max() < 2.0


def test_an_identity_copies():
    image = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    np.testing.assert_array_equal(warp(image, np.eye(3)[:2], (60, 50)), image)


def test_outside_the_image_is_black():
    crop = warp(np.full((20, 20, 3), 200, np.uint8), np.array([[1.0, 0, 30], [0, 1, 0]]), (20, 60))
    assert crop[:, :29].max() == 0
    assert crop[:, 51:].max() == 0
    assert crop[:, 31:49].min() == 200


def test_a_large_face_is_averaged_not_sampled():
    """Fine noise on grey must come out grey: sampling one pixel in sixteen would keep the noise."""
    noise = np.random.default_rng(1).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    crop = warp(noise, np.array([[1 / 16, 0, 0], [0, 1 / 16, 0]]), (50, 50))
    inner = crop[2:-2, 2:-2]  # the outermost pixels blend with the black outside
    assert inner.std() < 10
    assert abs(inner.mean() - 127.5) < 2


def test_the_crop_changes_little_when_the_scale_does():
    """Between pyramid levels a crop must change continuously, or two backends would differ there."""
    image = np.random.default_rng(2).integers(0, 256, (700, 700, 3), dtype=np.uint8)
    for scale in (2.0, 4.0, 8.0):
        low, high = (
            warp(image, np.array([[1 / s, 0, 3.3], [0, 1 / s, 1.7]]), (80, 80)) for s in (scale - 1e-6, scale + 1e-6)
        )
        assert np.abs(low.astype(int) - high).max() <= 1


def test_align_face_takes_any_image(tmp_path):
    image = smooth(250, 250)
    landmarks = ARCFACE + 60
    crop = facezoo.align_face(image, landmarks)
    assert crop.shape == (112, 112, 3)
    assert crop.dtype == np.uint8
    np.testing.assert_array_equal(crop, image[60:172, 60:172])
    Image.fromarray(image).save(tmp_path / "a.png")
    for other in (tmp_path / "a.png", str(tmp_path / "a.png"), Image.fromarray(image)):
        np.testing.assert_array_equal(facezoo.align_face(other, landmarks), crop)
    assert facezoo.align_face(image, landmarks, template="sphereface96x112").shape == (112, 96, 3)


def test_align_face_reports_bad_landmarks():
    with pytest.raises(ShapeError, match=r"\(4, 2\); expected \(5, 2\)"):
        facezoo.align_face(smooth(50, 50), np.zeros((4, 2)))
