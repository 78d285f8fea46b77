"""Embeddings of photos: skipped photos are listed, and the result does not depend on the size of groups."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from PIL import Image

from facezoo.align.templates import ARCFACE
from facezoo.errors import DataError, ImageError, UnknownNameError
from facezoo.inference import photo_embedder
from facezoo.inference.embed import embed_images
from facezoo.inference.photo_embedder import NO_FACE, PhotoEmbedder
from facezoo.interfaces.detector import Detector, Face
from facezoo.specs.preprocess import Preprocess


class MeanColour:
    """Replaces an ``Embedder``: the mean colour of the crop."""

    preprocess = Preprocess()
    embedding_size = 3

    def embed(self, crops):
        return embed_images(crops, lambda batch: batch.mean((1, 2)) + 1, batch_size=2, flip="none")


class Fixed(Detector):
    """Finds a face in every photo that is not black."""

    def detect_batch(self, images):
        box = np.float32([0, 0, 112, 112])
        return [[Face(box, np.float32(ARCFACE), 0.9)] if image.any() else [] for image in images]


class Two(Detector):
    """Finds two faces in every photo, the smaller first."""

    def detect_batch(self, images):
        small, large = np.float32([60, 60, 110, 110]), np.float32([0, 0, 112, 112])
        return [[Face(small, np.float32(ARCFACE) / 2, 0.8), Face(large, np.float32(ARCFACE), 0.9)] for _ in images]


@pytest.fixture
def folder(tmp_path):
    for number, colour in enumerate(["red", "black", "blue", "lime", "white"]):
        Image.new("RGB", (120, 120), colour).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    return tmp_path


def names(folder):
    return [folder / name for name in ("0.png", "broken.png", "1.png", "2.png", "3.png", "4.png")]


@pytest.mark.parametrize("held_pixels", [1, 30_000, 10**9])
def test_skipped_photos_are_listed_and_rows_match_paths(folder, monkeypatch, held_pixels):
    small = partial(photo_embedder.detect_faces, held_pixels=held_pixels)
    monkeypatch.setattr(photo_embedder, "detect_faces", small)
    counts = []
    result = PhotoEmbedder(MeanColour(), Fixed()).embed(
        names(folder), lambda done, total, text="": counts.append((done, total))
    )
    assert [path[-5:] for path in result.paths] == ["0.png", "2.png", "3.png", "4.png"]
    assert result.embeddings.shape == (4, 3)
    assert result.embeddings.argmax(1)[:3].tolist() == [0, 2, 1]
    assert result.skipped[str(folder / "1.png")] == NO_FACE
    assert "broken.png" in result.skipped[str(folder / "broken.png")]
    assert all(face.score == 0.9 for face in result.faces)
    assert counts[-1] == (6, 6)
    assert [done for done, _ in counts] == sorted(done for done, _ in counts)


def test_aligned_crops_need_no_detector(folder):
    result = PhotoEmbedder(MeanColour(), None).embed(names(folder))
    assert len(result.paths) == 5
    assert result.faces == [None] * 5


def test_no_face_at_all(folder):
    result = PhotoEmbedder(MeanColour(), Fixed()).embed([folder / "1.png"])
    assert result.embeddings.shape == (0, 3)
    with pytest.raises(DataError, match=NO_FACE):
        PhotoEmbedder(MeanColour(), Fixed()).embed_one(folder / "1.png")
    with pytest.raises(ImageError, match="broken"):
        PhotoEmbedder(MeanColour(), Fixed()).embed_one(folder / "broken.png")


def test_an_unknown_choice_of_face_is_refused():
    with pytest.raises(UnknownNameError, match="'smallest'"):
        PhotoEmbedder(MeanColour(), Fixed(), "smallest")


def test_every_face_of_a_photo(folder):
    photos = [folder / "0.png", folder / "2.png"]
    result = PhotoEmbedder(MeanColour(), Two(), "all").embed(photos)
    assert [path[-5:] for path in result.paths] == ["0.png", "0.png", "2.png", "2.png"]
    assert [face.score for face in result.faces] == pytest.approx([0.9, 0.8, 0.9, 0.8])  # largest first
    assert result.embeddings.shape == (4, 3)
    one = PhotoEmbedder(MeanColour(), Two()).embed_photo(photos[0])
    assert (len(one.paths), one.found) == (1, [2])
