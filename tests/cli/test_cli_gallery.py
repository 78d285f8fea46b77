"""``facezoo gallery`` and ``identify`` on aligned crops, with untrained weights; embeddings of folders are kept."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

import facezoo
from facezoo import backends
from facezoo.cli.main import main
from facezoo.inference.photo_embedder import PhotoEmbedder


def draw(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(values.repeat(28, 0).repeat(28, 1)).save(path)  # an untrained network tells large patches apart


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FACEZOO_CACHE", str(tmp_path / "cache"))
    for seed, name in enumerate(("ann/1.png", "ann/2.png", "bob/1.png")):
        draw(tmp_path / "people" / name, seed)
    module = facezoo.create_backbone("MobileFaceNet", backend=backends.available()[0], embedding_size=64)
    facezoo.save_weights(module, tmp_path / "w.safetensors")
    return tmp_path


def call(capsys, *words):
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def model(folder):
    return ["--weights", folder / "w.safetensors", "--aligned"]


def identity(folder, capsys, photo, gallery):
    words = ["--gallery", gallery, "--threshold", "0.9999", "--json"]
    code, out, error = call(capsys, "identify", photo, *model(folder), *words)
    assert code == 0, error
    return json.loads(out)["identity"], error


def test_enrol_identify_remove(folder, capsys):
    people, gallery = folder / "people", folder / "g"
    code, out, _ = call(capsys, "gallery", "create", gallery, people, *model(folder))
    assert code == 0
    assert "2 persons from 3 photos; 0 photos skipped" in out
    assert identity(folder, capsys, people / "bob/1.png", gallery)[0] == "bob"
    draw(folder / "new.png", 9)
    assert identity(folder, capsys, folder / "new.png", gallery)[0] is None
    code, out, _ = call(capsys, "gallery", "add", gallery, folder / "new.png", "--name", "eve", *model(folder))
    assert (code, "1 new persons, more photos of 0 others" in out) == (0, True)
    assert identity(folder, capsys, folder / "new.png", gallery)[0] == "eve"
    assert "2 persons removed, 1 left" in call(capsys, "gallery", "remove", gallery, "eve", "ann")[1]
    assert identity(folder, capsys, folder / "new.png", gallery)[0] is None
    facts = json.loads(call(capsys, "gallery", "info", gallery, "--names", "--json")[1])
    assert (facts["persons"], facts["names"], facts["size"], facts["model"]["flip"]) == (1, ["bob"], 64, "sum")
    shown = call(capsys, "gallery", "info", gallery)[1]
    assert "3, of which 2 are no longer used" in shown
    assert "every search is exact" in shown
    call(capsys, "gallery", "remove", gallery, "bob")
    code, _, error = call(capsys, "identify", folder / "new.png", *model(folder), "--gallery", gallery)
    assert (code, "the gallery is empty; to add persons: facezoo gallery add" in error) == (2, True)


def test_from_a_file_of_embed_it_gives_the_same_answers(folder, capsys):
    people = folder / "people"
    call(capsys, "embed", people, "--out", folder / "e.npz", *model(folder))
    code, out, _ = call(capsys, "gallery", "create", folder / "g", folder / "e.npz")
    assert (code, "2 persons from 3 photos" in out) == (0, True)
    answers = []
    for gallery in (folder / "g", folder / "e.npz", people):
        words = ["--gallery", gallery, "--threshold", "0.5", "--json"]
        found = json.loads(call(capsys, "identify", people / "ann/2.png", *model(folder), *words)[1])["candidates"]
        answers.append([(item["name"], pytest.approx(item["score"], abs=2e-6)) for item in found])
    assert answers[0] == answers[1] == answers[2]


def test_wrong_galleries_are_one_line(folder, capsys):
    people, gallery = folder / "people", folder / "g"
    call(capsys, "gallery", "create", gallery, people, *model(folder))
    other = facezoo.create_backbone("MobileFaceNet", backend=backends.available()[0], embedding_size=64, seed=9)
    facezoo.save_weights(other, folder / "other.safetensors")
    strange = ["--weights", folder / "other.safetensors", "--aligned"]
    for words, said in (
        (["gallery", "create", gallery, people, *model(folder)], "facezoo gallery add"),
        (["gallery", "info", people], "is not a gallery; to make one: facezoo gallery create"),
        (["gallery", "add", gallery, people, *strange], "made with weights_sha256"),
        (
            ["identify", people / "bob/1.png", "--gallery", gallery, *strange],
            "the gallery was made with weights_sha256",
        ),
        (["gallery", "remove", gallery, "anm"], "unknown person in the gallery 'anm'; did you mean 'ann'?"),
        (["gallery", "create", folder / "n", folder / "none", *model(folder)], "no such photo or folder"),
    ):
        code, _, error = call(capsys, *words)
        assert (code, error.count("\n")) == (2, 1), error
        assert said in error
    assert not (folder / "n").exists()


def test_the_same_model_in_another_file_is_the_same(folder, capsys):
    call(capsys, "gallery", "create", folder / "g", folder / "people", *model(folder))
    module = facezoo.load_weights(folder / "w.safetensors", backend=backends.available()[-1])
    facezoo.save_weights(module, folder / "copy.safetensors", licence="MIT", note="of another day")
    words = ["--weights", folder / "copy.safetensors", "--aligned", "--gallery", folder / "g", "--json"]
    code, out, error = call(capsys, "identify", folder / "people/bob/1.png", *words)
    assert (code, error) == (0, "")
    assert json.loads(out)["candidates"][0]["name"] == "bob"


@pytest.fixture
def embedded(monkeypatch):
    """The photos that are embedded, by name."""
    names, embed = [], PhotoEmbedder.embed

    def counted(self, photos, *more):
        photos = list(photos)
        names.extend(os.path.basename(str(photo)) for photo in photos)
        return embed(self, photos, *more)

    monkeypatch.setattr(PhotoEmbedder, "embed", counted)
    return names


def test_a_folder_is_embedded_once(folder, capsys, embedded):
    people, probe = folder / "people", folder / "probe.png"
    shutil.copy(people / "bob/1.png", probe)

    def now():
        embedded.clear()
        found, error = identity(folder, capsys, probe, people)
        return found, [name for name in embedded if name != "probe.png"], error

    found, names, error = now()
    assert (found, sorted(names)) == ("bob", ["1.png", "1.png", "2.png"])
    assert "3 photos embedded and kept in" in error
    assert "--no-cache keeps none" in error
    assert now() == ("bob", [], "")
    os.utime(people / "ann/1.png")  # touched, the content is the same
    assert now() == ("bob", [], "")
    draw(people / "eve.png", 7)
    assert now()[:2] == ("bob", ["eve.png"])
    before = (people / "bob/1.png").read_bytes()
    draw(people / "bob/1.png", 8)
    assert now()[:2] == (None, ["1.png"])  # another person
    (people / "bob/1.png").write_bytes(before)
    (people / "eve.png").unlink()
    assert now()[:2] == ("bob", ["1.png"])
    (kept,) = (folder / "cache" / "embeddings").glob("*.npz")
    with np.load(kept) as file:
        assert len(file["paths"]) == 3
    assert kept.stat().st_mode & 0o077 == 0  # for this user only
    kept.write_bytes(b"damaged")
    assert len(now()[1]) == 3


def test_photos_that_are_skipped_are_kept_too(folder, capsys, embedded):
    people = folder / "people"
    (people / "broken.png").write_bytes(b"no image")
    for _ in range(2):
        found, error = identity(folder, capsys, people / "bob/1.png", people)
        assert found == "bob"
        assert "skipped" in error
        assert "broken.png" in error
    assert embedded.count("broken.png") == 1


def test_nothing_is_kept_on_request(folder, capsys, embedded):
    people = folder / "people"
    words = ["--gallery", people, "--threshold", "0.9999", "--no-cache"]
    for _ in range(2):
        code, _, error = call(capsys, "identify", people / "bob/1.png", *model(folder), *words)
        assert (code, error) == (0, "")
    assert embedded.count("2.png") == 2
    assert not (folder / "cache").exists()
