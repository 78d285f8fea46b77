"""The published list and landmarks of LFW, where the data are available."""

import os
from pathlib import Path

import numpy as np
import pytest

from facezoo.evaluation.inputs.folder import read_landmarks
from facezoo.evaluation.inputs.pairs import read_lfw_pairs
from facezoo.evaluation.protocols.protocol import load_protocol

DATA = Path(os.environ.get("FACEZOO_TEST_DATA", "")) / "data/lfw"
pytestmark = pytest.mark.skipif(not os.environ.get("FACEZOO_TEST_DATA"), reason="FACEZOO_TEST_DATA is not set")


def test_view_two_is_what_the_protocol_names():
    pairs = read_lfw_pairs(DATA / "pairs.txt")
    assert pairs.sha256 == load_protocol("lfw").tasks[0].sha256
    assert len(pairs) == 6000
    assert np.bincount(pairs.folds).tolist() == [600] * 10
    assert [int(pairs.same[pairs.folds == fold].sum()) for fold in range(10)] == [300] * 10
    assert len(pairs.images()) == 7701
    first, second = pairs.identities()
    assert ((np.array(first) == np.array(second)) == pairs.same).all()


def test_view_one_lists():
    test = read_lfw_pairs(DATA / "pairsDevTest.txt")
    assert test.sha256 == load_protocol("lfw_dev").tasks[0].sha256
    assert (len(test), int(test.same.sum())) == (1000, 500)
    assert len(read_lfw_pairs(DATA / "pairsDevTrain.txt")) == 2200


def test_landmarks_of_all_but_one_image():
    points = read_landmarks(DATA / "landmarks.csv")
    assert len(points) == 13232
    wanted = read_lfw_pairs(DATA / "pairs.txt").images()
    assert [name for name in wanted if name not in points] == ["Marilyn_Monroe/Marilyn_Monroe_0001.jpg"]
    eyes = np.array([points[name][1, 0] - points[name][0, 0] for name in wanted if name in points])
    assert np.median(eyes) == pytest.approx(45, abs=5)
