"""Thresholds: chosen by the user, from a calibration, or none; and galleries."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from facezoo.errors import ConfigError, DataError, NumericalError, ShapeError, UnknownNameError
from facezoo.evaluation.inputs.pairs import PairList
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.statistics.calibration import calibrate
from facezoo.evaluation.statistics.threshold import find_threshold
from facezoo.inference.gallery import Gallery, photos_below


@pytest.fixture
def weights(tmp_path):
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(0.6, 0.1, 300), rng.normal(0.05, 0.1, 3000)]).clip(-1, 1)
    calibrate(scores, np.arange(3300) < 300, (1e-2, 1e-3)).save(tmp_path / "w.calibration.json")
    return tmp_path / "w.safetensors"


def test_a_threshold_chosen_by_the_user():
    limit = find_threshold("w.safetensors", threshold=0.4)
    assert limit.as_dict(0.4)["same"] is True
    assert limit.as_dict(0.399)["same"] is False
    assert limit.fmr is None
    assert "chosen by the user" in limit.meaning
    with pytest.raises(ConfigError, match=r"threshold is 1\.5"):
        find_threshold("w.safetensors", threshold=1.5)


def test_the_calibration_in_the_folder_of_the_weights(weights):
    strict, loose = find_threshold(weights), find_threshold(weights, fmr=1e-2)
    assert strict.fmr == 1e-3
    assert strict.value > loose.value
    assert "0.001 of impostor pairs" in strict.meaning
    assert 0.9 < strict.as_dict(0.7)["probability"] <= 1
    with pytest.raises(UnknownNameError, match="FMR"):
        find_threshold(weights, fmr=1e-5)


def calibrated(folder, **source):
    scores = np.concatenate([np.linspace(0.4, 0.9, 100), np.linspace(-0.2, 0.3, 1000)])
    calibrate(scores, np.arange(1100) < 100, 1e-2, source=source).save(folder / "w.calibration.json")
    return folder / "w.safetensors"


def test_a_calibration_of_other_weights_is_refused(tmp_path):
    path = calibrated(tmp_path, weights_sha256=hashlib.sha256(b"one").hexdigest(), flip="sum", aligner="mtcnn")
    path.write_bytes(b"one")
    assert find_threshold(path, aligner="mtcnn").notes == ()
    path.write_bytes(b"trained again")
    with pytest.raises(DataError, match=r"w\.calibration\.json was calibrated with weights of SHA-256 7692c3"):
        find_threshold(path)
    assert find_threshold(path, threshold=0.5).value == 0.5


def test_a_calibration_made_otherwise_is_said(tmp_path):
    path = calibrated(tmp_path, weights_sha256="0" * 64, flip="none", aligner="aligned")
    notes = find_threshold(path, aligner="mtcnn").notes  # the weight file is not there: nothing to compare
    assert [note.split(";")[0] for note in notes] == [
        "the calibration used flip 'none', this score 'sum'",
        "the calibration used aligner 'aligned', this score 'mtcnn'",
    ]
    assert "does not record its weights" in find_threshold(calibrated(tmp_path)).notes[0]


def test_the_prior_of_the_probability_is_said(tmp_path):
    limit = find_threshold(calibrated(tmp_path))
    assert limit.condition == ", if 50 % of the compared pairs are of one person"
    assert limit.as_dict(0.5)["prior"] == 0.5


def test_a_calibration_without_points_is_refused(weights):
    card = weights.with_suffix(".calibration.json")
    card.write_text(json.dumps({**json.loads(card.read_text()), "points": []}))
    with pytest.raises(DataError, match="no operating point"):
        find_threshold(weights)


def test_without_a_calibration(tmp_path):
    limit = find_threshold(tmp_path / "w.safetensors")
    assert limit.as_dict(0.9)["same"] is None
    assert "no calibration" in limit.meaning
    with pytest.raises(ConfigError, match="needs a calibration"):
        find_threshold(tmp_path / "w.safetensors", fmr=1e-3)
    with pytest.raises(DataError):
        find_threshold(tmp_path / "w.safetensors", calibration=tmp_path / "none.json")


def test_a_gallery_ranks_persons(tmp_path):
    unit = np.eye(4, dtype=np.float32)
    gallery = Gallery.from_embeddings(unit[[0, 1, 2, 2]], ["bob", "ann", "cid", "cid"])
    assert gallery.names == ["ann", "bob", "cid"]
    assert gallery.photos.tolist() == [1, 1, 2]
    probe = (0.8 * unit[2] + 0.6 * unit[0]).astype(np.float32)
    assert [(name, pytest.approx(score, abs=1e-6)) for name, score in gallery.search(probe, 2)] == [
        ("cid", 0.8), ("bob", 0.6),
    ]  # fmt: skip
    with pytest.raises(DataError, match="embedding size 4, the model 5"):
        gallery.search(np.zeros(5, np.float32), 1)
    with pytest.raises(NumericalError, match=r"gallery: row 1 of 2 hold NaN"):
        Gallery.from_embeddings(np.array([[1, 0], [np.nan, 0]]), ["a", "b"])
    with pytest.raises(ShapeError, match=r"labels have shape \(1,\)"):
        Gallery.from_embeddings(unit, ["a"])
    (tmp_path / "e.npz").write_bytes(b"none")
    with pytest.raises(DataError, match=r"e\.npz"):
        Gallery.load(tmp_path / "e.npz")


def test_photos_below(tmp_path):
    for name in ("a/2.jpg", "a/1.png", "a/.hidden.png", "b.webp", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = [path.relative_to(tmp_path).as_posix() for path in photos_below([tmp_path])]
    assert found == ["a/1.png", "a/2.jpg", "b.webp"]
    assert list(photos_below([tmp_path]).values()) == ["a", "a", "b"]
    with pytest.raises(DataError, match="no such photo"):
        photos_below([tmp_path / "c.jpg"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no photo"):
        photos_below([tmp_path / "empty"])


def test_identities_of_photos(tmp_path, monkeypatch):
    """The first folder below the given one, whatever lies between it and the photo; flat galleries are not merged."""
    names = ("anna/2019/1.jpg", "anna/2020/2.jpg", "bert/2019/1.jpg")
    for name in (*names, "../flat/cid.jpg", "../flat/dora.jpg"):
        (tmp_path / "people" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "people" / name).write_bytes(b"")
    people, flat = tmp_path / "people", tmp_path / "flat"
    assert list(photos_below([people]).values()) == ["anna", "anna", "bert"]
    assert list(photos_below([flat]).values()) == ["cid", "dora"]
    assert list(photos_below([people / name for name in names]).values()) == ["anna", "anna", "bert"]
    assert list(photos_below([flat / "cid.jpg", flat / "dora.jpg"]).values()) == ["cid", "dora"]
    monkeypatch.chdir(flat)
    assert photos_below([Path("cid.jpg")]) == {Path("cid.jpg"): "cid"}
    assert list(photos_below([flat, people / "bert" / "2019"]).values()) == ["flat", "flat", "people"]
    twice = [people / "bert" / "2019", people / "anna" / "2019"]
    assert list(photos_below(twice).values()) == ["bert", "anna"]
    pairs = PairList(["anna/2019/1.jpg"], ["bert/2019/1.jpg"], np.array([False]), np.array([0]), "")
    assert pairs.identities() == (["anna"], ["bert"])
    store = EmbeddingSet.build(np.eye(3), {"name": [f"root/{name}" for name in names]})
    assert store.column("label").tolist() == ["anna", "anna", "bert"]
