"""Faces of a run's first batch for its page: from folders and shards, and what is said where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.data.tools.pack import pack
from facezoo.training.config_file import build_config
from facezoo.training.sample_batch import sample_batch
from facezoo.training.sessions import Session, read_sessions, training_seconds


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("data") / "faces"
    faces = SyntheticFaces(identities=3, images_per_identity=4, size=64)
    for number in range(12):
        path = place / f"person{faces.labels[number]}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(faces.image(number)).save(path)
    return place


@pytest.mark.parametrize("layout", ["folder", "shards"])
def test_the_first_faces_of_the_first_batch(folder, tmp_path, layout):
    path = folder
    if layout == "shards":
        path = tmp_path / "shards"
        pack(folder, path, "shards", per_shard=6)
    config = build_config({"data": {"path": str(path), "cache": layout == "folder"}, "batch_size": 8})
    pictures, reason = sample_batch(config, 5)
    assert (len(pictures), reason) == (5, "")
    assert {picture.name for picture in pictures} <= {"person0", "person1", "person2"}
    assert sample_batch(config, 5)[0] == pictures


def test_data_that_are_not_here_are_a_sentence(tmp_path):
    pictures, reason = sample_batch(build_config({"data": {"path": str(tmp_path / "nowhere")}}), 5)
    assert pictures == []
    assert reason.startswith("the data cannot be opened here: ")
    assert "nowhere" in reason


def test_pauses_between_sessions_do_not_count(tmp_path):
    sessions = [Session(step, time, "torch", 1, {}, {}) for step, time in ((0, 100.0), (5, 1000.0))]
    records = [{"step": step, "time": time} for step, time in ((1, 110.0), (5, 130.0), (6, 1010.0), (7, 1020.5))]
    assert training_seconds(sessions, records) == 50.5
    assert training_seconds([], records[:2]) == 20.0
    assert training_seconds(sessions, []) is None
    assert read_sessions(tmp_path) == []
    assert np.isfinite(training_seconds(sessions[:1], records))
