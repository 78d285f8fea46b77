"""Synthetic faces: the same on every platform; identities differ more than the images of one."""

from __future__ import annotations

import dataclasses
import hashlib
import pickle

import numpy as np
import pytest

from facezoo.data.drawing import draw, random_person
from facezoo.data.drawing.face import landmarks
from facezoo.data.drawing.shot import OCCLUSIONS, shot_of
from facezoo.data.loading.loader import Loader
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.data.tools.draw_pairs import draw_pairs
from facezoo.errors import ConfigError
from facezoo.rng import generator

PINNED = "ab9cc7e63b68f556c1bd55f769db513dfe59c9f5a0dba348287c8eabb4651a69"
PLAIN = {
    "occlusion": "none", "blur": 0, "coarse": 1.0, "noise": 0.0, "yaw": 0.0, "pitch": 0.0, "roll": 0.0,
    "scale": 1.0, "shift": (0.0, 0.0), "wears_glasses": False, "exposure": 1.0, "ambient": 0.9,
    "tint": np.ones(3, np.float32), "open_mouth": 0.0, "open_eyes": 1.0, "smile": 0.0, "gaze": (0.0, 0.0),
}  # fmt: skip


def plain(**changes):
    return dataclasses.replace(shot_of(0, 0, 0), **{**PLAIN, **changes})


def drawn(person, shot, size=112):
    return draw(person, shot, generator(0), size).astype(int)


def test_content_is_pinned():
    faces = SyntheticFaces(6, 5, seed=0)
    digest = hashlib.sha256(b"".join(faces.image(index).tobytes() for index in range(len(faces)))).hexdigest()
    assert digest == PINNED, "synthetic faces changed: runs on them are no longer comparable with earlier ones"


def test_shape_labels_names_and_keys():
    faces = SyntheticFaces(3, 4, seed=2, size=64, first_identity=70)
    assert len(faces) == 12
    assert faces.num_classes == 3
    assert faces.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert faces.class_names == ["drawn-000070", "drawn-000071", "drawn-000072"]
    assert faces.key(5) == "synthetic-2/drawn-000071/0001"
    image = faces.image(11)
    assert (image.shape, image.dtype, image.flags.c_contiguous) == ((64, 64, 3), np.uint8, True)
    with pytest.raises(IndexError, match="image 12 of 12"):
        faces.image(12)


def test_an_image_depends_on_its_identity_and_number_only():
    small, large = SyntheticFaces(4, 3), SyntheticFaces(9, 7)
    np.testing.assert_array_equal(small.image(2 * 3 + 1), large.image(2 * 7 + 1))
    np.testing.assert_array_equal(small.image(7), SyntheticFaces(1, 3, first_identity=2).image(1))
    np.testing.assert_array_equal(small.image(7), pickle.loads(pickle.dumps(small)).image(7))
    assert (small.image(7) != SyntheticFaces(4, 3, seed=1).image(7)).any()
    assert (small.image(7) != small.image(8)).any()


def test_other_sizes_show_the_same_face():
    large = SyntheticFaces(2, 2, size=224).image(1).astype(float)
    reduced = large.reshape(112, 2, 112, 2, 3).mean(axis=(1, 3))
    assert np.abs(reduced - SyntheticFaces(2, 2).image(1)).mean() < 4


def test_skin_and_eyes_are_at_the_landmarks():
    faces = SyntheticFaces(30, 2)
    for index in range(0, 60, 2):
        person, number = faces.person(index), index // 2
        shot = plain(yaw=0.3 * (-1) ** number, roll=0.1, scale=0.95, shift=(2.0, -1.0))
        image = drawn(dataclasses.replace(person, beard=0, moustache=0, hairline=30.0, length=0.0), shot)
        (left_x, left_y), (right_x, right_y) = landmarks(person, shot)[:2]
        for x, y in ((left_x, left_y), (right_x, right_y)):
            around = image[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4].sum(axis=-1)
            assert around.min() < 90, "the pupil is dark"
        middle = image[int((left_y + right_y) / 2), int((left_x + right_x) / 2)]
        assert np.abs(middle - person.skin).max() < 110


def test_landmarks_average_to_the_template():
    template = np.array([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]])
    faces = SyntheticFaces(100, 3)
    mean = np.mean([faces.landmarks(index) for index in range(300)], axis=0)
    np.testing.assert_allclose(mean, template, atol=3.0)
    np.testing.assert_allclose(SyntheticFaces(1, 1, size=56).landmarks(0) * 2, faces.landmarks(0), atol=1e-9)


def test_each_part_of_a_shot_is_visible():
    person = dataclasses.replace(random_person(0, 1), glasses=7.0)
    base = drawn(person, plain())
    changes = [{"occlusion": name} for name in OCCLUSIONS[1:]] + [
        {"yaw": 0.4}, {"pitch": 0.2}, {"roll": 0.15}, {"scale": 1.1}, {"shift": (3.0, 0.0)}, {"smile": 1.0},
        {"open_mouth": 6.0}, {"open_eyes": 0.3}, {"gaze": (0.8, 0.0)}, {"wears_glasses": True}, {"blur": 3},
        {"coarse": 3.0}, {"noise": 6.0}, {"exposure": 0.7}, {"ambient": 0.3}, {"brow_raise": 3.0},
    ]  # fmt: skip
    for change in changes:
        assert np.abs(drawn(person, plain(**change)) - base).max() > 12, change


def test_each_trait_of_a_person_is_visible():
    person = dataclasses.replace(
        random_person(0, 1), marks=np.zeros((0, 4)), length=0.0, hairline=28.0, ears=3.0, lines=0.0
    )
    base = drawn(person, plain())
    changes = {
        "skin": person.skin * 0.6, "hair": person.hair * 0.3 + 100, "iris": person.iris + 90, "lips": person.lips * 0.5,
        "brows": person.brows + 60, "width": 34.0, "top": 38.0, "chin": 30.0, "taper": 0.9, "square": 1.0,
        "ears": 6.0, "eye_gap": 20.0, "eye": (9.0, 5.0), "eye_tilt": 0.3, "iris_size": 1.5, "lid": 1.0,
        "brow": (12.0, 11.0, 3.0, 3.0, 0.2), "nose": (25.0, 10.0, 4.0, 0.9), "mouth": (17.0, 4.0, 5.0, 20.0, 0.1),
        "cheeks": 1.0, "bags": 1.0, "hairline": 60.0, "parting": 20.0, "fringe": 0.02, "volume": 12.0, "length": 120.0,
        "beard": 1.0, "moustache": 1.0, "lines": 1.0, "marks": np.array([[10.0, 70.0, 2.0, 0.8]]),
    }  # fmt: skip
    for name, value in changes.items():
        assert np.abs(drawn(dataclasses.replace(person, **{name: value}), plain()) - base).max() > 8, name


def test_images_of_a_person_are_similar_but_not_equal():
    """Correlation of downscaled images verifies above chance, and far from well."""
    faces = SyntheticFaces(40, 6)
    with Loader(faces, batch_size=240, size=16, sampler="sequential") as loader:
        pixels = next(loader.epoch(0)).images.reshape(240, -1).astype(float)
    pixels -= pixels.mean(axis=0)
    pixels /= np.linalg.norm(pixels, axis=1, keepdims=True)
    pairs, same = draw_pairs(faces.labels, 400)
    scores = (pixels[pairs[:, 0]] * pixels[pairs[:, 1]]).sum(axis=1)
    accuracy = max(((scores >= threshold) == same).mean() for threshold in scores)
    assert 0.6 < accuracy < 0.85


@pytest.mark.parametrize(
    "options, message",
    [({"identities": 0}, "identities is 0"), ({"images_per_identity": 0}, "images_per_identity is 0"),
     ({"size": 8}, "size is 8; expected 16..512"), ({"seed": -1}, "seed is -1"),
     ({"first_identity": -5}, "first_identity is -5")],
)  # fmt: skip
def test_bad_numbers(options, message):
    with pytest.raises(ConfigError, match=message):
        SyntheticFaces(**options)
