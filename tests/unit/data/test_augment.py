"""Augmentation: repeatable, in range, and each change as documented."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image

from facezoo.data.transforms.augment import AUGMENTATIONS, Augmentation, create_augmentation
from facezoo.data.transforms.colour import GREY, ColourChange
from facezoo.errors import ConfigError, UnknownNameError
from facezoo.rng import generator

ONE = (1.0, 1.0)
STILL = Augmentation(flip=0.0, colour=0.0)


def picture(height=112, width=112):
    rows, columns = np.mgrid[0:height, 0:width]
    channels = [60 + rows * 0.8, 90 + columns * 0.7, 120 + (rows + columns) * 0.3]
    return np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name != "none"])
@pytest.mark.parametrize("shape", [(112, 112), (109, 89)])
def test_recipes_repeat_and_keep_shape_and_input(name, shape):
    image, recipe = picture(*shape), AUGMENTATIONS[name]
    before = image.copy()
    first = [recipe(image, generator(1, "augment", 0, index)) for index in range(20)]
    again = [recipe(image, generator(1, "augment", 0, index)) for index in range(20)]
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(image, before)
    assert {(out.shape, out.dtype) for out in first} == {((*shape, 3), np.dtype(np.uint8))}
    assert len({out.tobytes() for out in first}) > (1 if name == "flip" else 18)
    assert all(out.flags.writeable for out in first)


def test_nothing_switched_on_changes_nothing():
    image = picture()
    np.testing.assert_array_equal(STILL(image, generator(0)), image)


def test_flip_mirrors_half_of_the_images():
    image = picture()
    flips = 0
    for index in range(400):
        out = AUGMENTATIONS["flip"](image, generator(0, "augment", index))
        flips += np.array_equal(out, image[:, ::-1])
        assert np.array_equal(out, image) or np.array_equal(out, image[:, ::-1])
    assert 160 < flips < 240


@pytest.mark.parametrize("factor", [0.6, 1.0, 1.4])
def test_colour_factors_against_the_definitions(factor):
    image = picture(40, 40)
    mean = image.reshape(-1, 3).mean(axis=0)
    grey = (image @ GREY)[..., None]
    expected = {
        "brightness": image * factor,
        "contrast": mean @ GREY + factor * (image - mean @ GREY),
        "saturation": grey + factor * (image - grey),
    }
    for name, values in expected.items():
        change = ColourChange(mean)
        getattr(change, name)(factor)
        out = np.asarray(change.apply(Image.fromarray(image)), dtype=float)
        np.testing.assert_allclose(out, values.clip(0, 255), atol=0.51, err_msg=name)


def test_hue_turns_colours_and_keeps_luminance():
    change = ColourChange(np.zeros(3))
    change.hue(1.4)
    grey = np.array([80.0, 80.0, 80.0])
    np.testing.assert_allclose(change.matrix @ grey, grey, atol=0.2)
    red = np.array([150.0, 90.0, 90.0])
    assert GREY @ change.matrix @ red == pytest.approx(GREY @ red)
    assert np.abs(change.matrix @ red - red).max() > 20
    change.hue(0.6)  # and back
    np.testing.assert_allclose(change.matrix @ red, red, atol=1e-9)


def test_steps_compose_in_order():
    mean = np.array([100.0, 120.0, 140.0])
    both = ColourChange(mean)
    both.brightness(1.3)
    both.contrast(0.5)
    value = np.array([10.0, 20.0, 30.0])
    grey = GREY @ (mean * 1.3)
    np.testing.assert_allclose(both.matrix @ value + both.offset, grey + 0.5 * (value * 1.3 - grey))


def test_pca_noise_has_the_stated_spread():
    rng = np.random.default_rng(0)
    offsets = []
    for _ in range(4000):
        change = ColourChange(np.zeros(3))
        change.pca_noise(rng.normal(0.0, 0.1, 3))
        offsets.append(change.offset)
    sizes = np.linalg.svd(np.array(offsets) / 4000**0.5, compute_uv=False)
    np.testing.assert_allclose(sizes, [5.546, 0.4794, 0.1148], rtol=0.06)


def test_grayscale_leaves_no_colour():
    out = dataclasses.replace(STILL, grayscale=1.0)(picture(), generator(0)).astype(int)
    assert np.abs(out - out[..., :1]).max() <= 1


def test_crop_keeps_within_the_image_and_enlarges():
    rows = np.repeat(np.arange(112, dtype=np.uint8)[:, None], 112, axis=1)
    image = np.stack([rows, rows.T, rows], axis=-1)
    recipe = dataclasses.replace(STILL, crop=1.0, crop_scale=(0.25, 0.25), crop_ratio=ONE)
    for index in range(20):
        out = recipe(image, generator(0, index)).astype(int)
        assert 53 <= out[-1, 0, 0] - out[0, 0, 0] <= 57
        assert 53 <= out[0, -1, 1] - out[0, 0, 1] <= 57


def test_jitter_shifts_and_repeats_edges():
    image = picture()
    recipe = dataclasses.replace(STILL, jitter=1.0, jitter_scale=(0.8, 0.8), jitter_shift=0.0)
    out = recipe(image, generator(0))
    np.testing.assert_array_equal(out[0], out[5])
    assert np.abs(out[56, 56].astype(int) - image[56, 56]).max() <= 1


def test_erase_touches_one_rectangle_of_the_stated_area():
    image = np.full((112, 112, 3), 77, dtype=np.uint8)
    recipe = dataclasses.replace(STILL, erase=1.0, erase_area=(0.1, 0.1))
    for index in range(20):
        rows, columns = np.nonzero((recipe(image, generator(0, index)) != 77).any(axis=-1))
        area = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        assert area == pytest.approx(0.1 * 112 * 112, rel=0.1)
        assert len(rows) > 0.99 * area


@pytest.mark.parametrize("setting", ["low_resolution", "blur"])
def test_fine_detail_is_lost(setting):
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    out = dataclasses.replace(STILL, **{setting: 1.0})(image, generator(0))
    assert np.abs(np.diff(out.astype(int), axis=0)).mean() < 0.8 * np.abs(np.diff(image.astype(int), axis=0)).mean()


def test_recipes_by_name_and_settings():
    assert create_augmentation("none") is None
    assert create_augmentation("paper") == Augmentation()
    assert create_augmentation("light", erase=0.0, crop_scale=[0.5, 0.9]).crop_scale == (0.5, 0.9)
    with pytest.raises(UnknownNameError, match="did you mean 'light'"):
        create_augmentation("ligth")
    with pytest.raises(UnknownNameError, match="did you mean 'brightness'"):
        create_augmentation("paper", brightnes=(1, 1))
    with pytest.raises(ConfigError, match="takes no settings"):
        create_augmentation("none", flip=0.5)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"flip": 1.5}, "flip is 1.5"),
        ({"pca_noise": -1}, "pca_noise is -1"),
        ({"hue": (1.4, 0.6)}, r"hue is \(1.4, 0.6\)"),
        ({"contrast": 0.4}, "contrast is 0.4; expected two numbers"),
        ({"crop_scale": (0.0, 1.0)}, "crop_scale"),
        ({"erase_area": (0.5, 1.5)}, "erase_area"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ConfigError, match=message):
        Augmentation(**settings)
