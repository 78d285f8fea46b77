"""``facezoo evaluate`` on unaligned photos, with landmarks from a detector or from the table of ``facezoo align``."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import facezoo
from facezoo.cli.main import main
from facezoo.evaluation.inputs.detect import detect_landmarks
from facezoo.evaluation.inputs.store import load_embeddings
from facezoo.interfaces.detector import Detector, Face

PEOPLE = ("obama_a.jpg", "obama_b.jpg", "biden_a.jpg", "biden_b.jpg")
PROTOCOL = """
name: small
title: Two people
embedding: {aligner: landmarks, template: arcface112, flip: sum}
tasks: [{name: small, kind: pairs, pairs: pairs.txt, layout: paths, folds: 2, far: [0.5]}]
"""
PAIRS = """obama_a.jpg obama_b.jpg 1 0
obama_a.jpg biden_a.jpg 0 0
biden_a.jpg biden_b.jpg 1 1
obama_b.jpg noface_coffee.jpg 0 1
"""


@pytest.fixture
def folder(real_data, tmp_path):
    (tmp_path / "photos").mkdir()
    for name in (*PEOPLE, "noface_coffee.jpg"):
        shutil.copy(real_data / "data" / "tiny" / name, tmp_path / "photos")
    (tmp_path / "pairs.txt").write_text(PAIRS)
    (tmp_path / "small.yaml").write_text(PROTOCOL)
    module = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=32, seed=1)
    facezoo.save_weights(module, tmp_path / "w.safetensors")
    return tmp_path


def run(folder, *words):
    given = ["--protocol", "small.yaml", "--weights", "w.safetensors", "--data", "photos", "--pairs", "pairs.txt"]
    return main(["evaluate", *given, "--save-embeddings", "e.npz", *words]), load_embeddings(folder / "e.npz")


def test_a_detector_and_the_table_of_align_agree(folder, backend, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    code, found = run(folder, "--backend", backend, "--detector", "mtcnn")
    assert code == 0
    assert "1 faces without landmarks were cut from the middle" in capsys.readouterr().err
    assert main(["align", "photos", "crops", "--backend", backend, "--table", "csv", "--workers", "1"]) == 0
    code, read = run(folder, "--backend", backend, "--landmarks", "crops/faces.csv")
    assert code == 0
    assert found.columns["name"].tolist() == read.columns["name"].tolist()
    np.testing.assert_allclose(found.embeddings, read.embeddings, atol=2e-3 * np.abs(read.embeddings).max())


def test_a_detector_requires_a_model_and_excludes_a_table(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert main(["evaluate", "--scores", "s.npz", "--detector", "mtcnn"]) == 2
    assert "--detector goes with --weights" in capsys.readouterr().err
    words = ["evaluate", "--protocol", "small.yaml", "--weights", "w.safetensors", "--data", "photos"]
    assert main([*words, "--detector", "mtcn"]) == 2
    assert "'mtcn'" in capsys.readouterr().err
    (folder / "crops.bin").write_bytes(b"")
    words = ["evaluate", "--weights", "w.safetensors", "--data", "crops.bin", "--detector", "mtcnn"]
    assert main(words) == 2
    assert "a detector needs photos" in capsys.readouterr().err


def test_the_face_nearest_to_the_middle_counts(tmp_path):
    from PIL import Image

    Image.new("RGB", (100, 80)).save(tmp_path / "a.png")
    Image.new("RGB", (40, 40)).save(tmp_path / "b.png")

    class Two(Detector):
        def detect_batch(self, images):
            points = np.arange(10, dtype=np.float32).reshape(5, 2)
            left, middle = np.array([0, 0, 60, 60], np.float32), np.array([40, 30, 60, 50], np.float32)
            return [[Face(left, points, 0.9), Face(middle, points + 1, 0.8)] if len(i) == 80 else [] for i in images]

    done = []
    found = detect_landmarks(tmp_path, ["a.png", "b.png"], Two(), lambda *counts: done.append(counts))
    assert list(found) == ["a.png"]
    assert found["a.png"][0].tolist() == [1, 2]
    assert done == [(1, 2), (2, 2)]
