"""Masks drawn on faces: where they are, that they repeat, and what they leave alone."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo.align.templates import get_template
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.data.transforms.augment import create_augmentation
from facezoo.data.transforms.masks.face_mesh import LANDMARKS, FittedFace, fit_face
from facezoo.data.transforms.masks.raster import grid_triangles, rasterise, sample
from facezoo.data.transforms.masks.shapes import KINDS, WORN
from facezoo.data.transforms.masks.wear import GENERATORS, WornMask, choose_mask
from facezoo.errors import ConfigError, UnknownNameError
from facezoo.rng import generator
from facezoo.specs.template_points import ARCFACE, points_in

FACE = SyntheticFaces(identities=2, images_per_identity=1, size=112).image(0)
GREY = np.full((112, 112, 3), 150, np.uint8)


def changed(image: np.ndarray, masked: np.ndarray) -> np.ndarray:
    """Pixels that differ clearly, bool (H, W)."""
    return np.abs(masked.astype(int) - image).max(axis=2) > 12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", GENERATORS)
def test_a_mask_covers_nose_and_mouth_and_leaves_the_eyes(name, kind):
    masked = WornMask(name, kind, WORN[0]).draw(FACE, generator(0, kind))
    assert masked.dtype == np.uint8
    assert masked.shape == FACE.shape
    over = changed(FACE, masked)
    assert over[78:100, 46:66].mean() > 0.9  # mouth and the tip of the nose
    assert over[40:53].mean() < 0.03  # eyes
    assert 0.12 < over.mean() < 0.5


@pytest.mark.parametrize("name", GENERATORS)
def test_masks_worn_low_leave_the_nose(name):
    tops = []
    for worn in WORN:
        over = changed(GREY, WornMask(name, "patterned", worn).draw(GREY, generator(3)))
        tops.append(int(np.flatnonzero(over[:, 56])[0]))
    assert 50 <= tops[0] < 68 < 76 <= tops[1] < 90 < 96 <= tops[2] < 112


@pytest.mark.parametrize("name", GENERATORS)
def test_equal_generators_give_equal_masks_and_others_differ(name):
    draws = [WornMask(name, "patterned", WORN[0]).draw(FACE, generator(seed, "mask", 1, 2)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert changed(draws[0], draws[2]).mean() > 0.05


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("size", [(64, 64), (112, 96), (224, 224), (250, 180)])
def test_other_sizes(name, size):
    image = np.full((*size, 3), 120, np.uint8)
    over = changed(image, WornMask(name, "surgical", WORN[0]).draw(image, generator(0)))
    rows, columns = np.nonzero(over)
    nose, mouth = points_in(size)[2], points_in(size)[3:].mean(axis=0)
    assert abs(columns.mean() - nose[0]) < 0.04 * max(size)
    assert nose[1] < rows.mean() < mouth[1] + 0.06 * max(size)


@pytest.mark.parametrize("name", GENERATORS)
def test_the_mask_follows_a_turned_face(name):
    """A head turned to the right of the image hides its right cheek: there is less mask right of the nose."""
    for degrees, wider in ((30, "left"), (-30, "right")):
        angle = np.radians(degrees)
        turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
        points, _ = FittedFace(1.0, turn, np.array([56.0, 72.0]), np.zeros(3)).project(LANDMARKS)
        over = changed(GREY, WornMask(name, "cloth", WORN[0]).draw(GREY, generator(0), points))
        columns = np.flatnonzero(over[round(points[2, 1]) + 10])
        left, right = points[2, 0] - columns[0], columns[-1] - points[2, 0]
        assert (left > 1.3 * right) if wider == "left" else (right > 1.3 * left)


def test_the_mean_face_fits_its_own_landmarks_in_any_pose():
    front = fit_face(ARCFACE)
    np.testing.assert_allclose(front.rotation, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(front.project(LANDMARKS)[0], ARCFACE, atol=1e-6)
    rng = np.random.default_rng(0)
    for yaw, roll in rng.uniform(-0.6, 0.6, (10, 2)):
        around = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        rolled = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        true = FittedFace(1.4, rolled @ around, np.array([80.0, 90.0]), np.zeros(3))
        found = fit_face(true.project(LANDMARKS)[0])
        assert np.degrees(np.arccos(np.clip((np.trace(found.rotation @ true.rotation.T) - 1) / 2, -1, 1))) < 6
        assert found.scale == pytest.approx(1.4, rel=0.05)


def test_the_landmarks_of_a_narrow_crop_are_those_of_its_template():
    np.testing.assert_allclose(points_in((112, 96)), get_template("sphereface96x112").points)
    np.testing.assert_allclose(points_in((160, 160)), get_template("arcface160").points)


def test_a_grey_photo_gets_a_grey_mask():
    masked = WornMask("flat", "patterned", WORN[0]).draw(GREY, generator(5))
    assert np.ptp(masked, axis=2).max() <= 3


def test_rasterise_interpolates_and_shows_the_nearest():
    points = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0], [8.0, 8.0]])
    triangles = grid_triangles(2, 2)
    place, values = rasterise(points, np.zeros(4), points, triangles, (9, 9))
    assert len(place) == 81
    np.testing.assert_allclose(values, np.stack([place % 9, place // 9], axis=1), atol=1e-9)
    both = np.concatenate([points, points])
    depth, shade = np.repeat([1.0, 2.0], 4), np.repeat([[0.0], [1.0]], 4, axis=0)
    _, values = rasterise(both, depth, shade, np.concatenate([triangles, triangles + 4]), (9, 9))
    assert (values == 1).all()
    place, _ = rasterise(points, np.zeros(4), points, triangles[:, ::-1], (9, 9))
    assert len(place) == 0  # seen from behind
    assert len(rasterise(points + 100, np.zeros(4), points, triangles, (9, 9))[0]) == 0


def test_sample_is_bilinear():
    texture = np.arange(12, dtype=np.float32).reshape(3, 4, 1)
    np.testing.assert_allclose(
        sample(texture, np.array([[0.5, 0.0], [1.0, 1.5], [-9.0, 9.0]])).ravel(), [0.5, 7, 8], atol=0.02
    )


def test_the_mixture_is_as_asked():
    rng = np.random.default_rng(1)
    masks = [choose_mask(rng, mesh_share=0.25, low_share=0.5, kinds=("cloth", "n95")) for _ in range(2000)]
    assert {mask.kind for mask in masks} == {"cloth", "n95"}
    assert np.mean([mask.generator == "mesh" for mask in masks]) == pytest.approx(0.25, abs=0.05)
    assert np.mean([mask.worn == WORN[0] for mask in masks]) == pytest.approx(0.5, abs=0.05)


def test_wrong_settings():
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match=r"mesh_share is 1.5; expected 0..1"):
        choose_mask(rng, mesh_share=1.5)
    with pytest.raises(UnknownNameError, match="did you mean 'surgical'"):
        choose_mask(rng, kinds=("surgica",))
    with pytest.raises(ConfigError, match=r"expected five points, \(5, 2\)"):
        WornMask("flat", "cloth", WORN[0]).draw(FACE, rng, np.zeros((4, 2)))


def test_augmentation_masks_a_share_and_leaves_recipes_as_they_were():
    recipe = create_augmentation("flip", flip=0.0, mask=0.3)
    masked = [changed(FACE, recipe(FACE, generator(0, "augment", 0, index))).any() for index in range(200)]
    assert np.mean(masked) == pytest.approx(0.3, abs=0.1)
    first, second = (create_augmentation("masked", mask=1.0)(FACE, generator(0, "augment", 1, 2)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    none = create_augmentation("light")(FACE, generator(0, "augment", 1, 2))
    np.testing.assert_array_equal(
        none, create_augmentation("light", mask_mesh=1.0)(FACE, generator(0, "augment", 1, 2))
    )
