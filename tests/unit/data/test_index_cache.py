"""Indexes of large data sets in the cache: used while nothing has changed, else read again."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from PIL import Image

from facezoo.data.sources import folder, index_cache, record_file
from facezoo.data.sources.folder import ImageFolder
from facezoo.data.sources.index_cache import Strings
from facezoo.data.sources.recordio import RecordIO
from facezoo.data.tools.pack import pack
from facezoo.errors import DataError


@pytest.fixture
def faces(tmp_path, monkeypatch):
    """A folder of three identities, one of them with a folder inside, that was last changed long ago."""
    monkeypatch.setattr(index_cache, "LARGE", 1)
    monkeypatch.setenv("FACEZOO_CACHE", str(tmp_path / "cache"))
    for name in ("a/1.png", "b/more/2.png", "b/more/3.png", "é/4.png"):
        path = tmp_path / "faces" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(path)
    age(tmp_path / "faces")
    return tmp_path / "faces"


def age(root):
    for path, _, names in os.walk(root):
        for name in (path, *(os.path.join(path, name) for name in names)):
            os.utime(name, (1e9, 1e9))


def no_reading(*arguments, **options):
    raise AssertionError("the data are read again")


def content(source):
    return [source.key(index) for index in range(len(source))], source.labels.tolist(), source.class_names


def test_an_unchanged_folder_is_not_listed_again(faces, monkeypatch):
    first = content(ImageFolder(faces))
    monkeypatch.setattr(folder, "_visible", no_reading)
    assert content(ImageFolder(faces)) == content(pickle.loads(pickle.dumps(ImageFolder(faces)))) == first
    assert ImageFolder(faces).encoded(3)


@pytest.mark.parametrize("place", [".", "a", "b/more"])
def test_a_change_in_any_folder_is_seen(place, faces):
    assert len(ImageFolder(faces)) == 4
    added = faces / place / "new"
    added.mkdir()
    Image.new("RGB", (4, 4)).save(added / "5.png")
    assert len(ImageFolder(faces)) == 5
    (added / "5.png").unlink()
    assert len(ImageFolder(faces)) == 4


def test_a_cache_that_is_damaged_or_cannot_be_written_does_no_harm(faces, tmp_path):
    first = content(ImageFolder(faces))
    (stored,) = (tmp_path / "cache" / "indexes").iterdir()
    for broken in (b"", b"PK\x03\x04", stored.read_bytes()[:200]):
        stored.write_bytes(broken)
        assert content(ImageFolder(faces)) == first
    for file in (tmp_path / "cache" / "indexes").iterdir():
        file.unlink()
    (tmp_path / "cache" / "indexes").rmdir()
    (tmp_path / "cache" / "indexes").write_text("a file in place of the folder")
    assert content(ImageFolder(faces)) == first


def test_just_changed_data_are_not_kept(faces, tmp_path):
    os.utime(faces / "a")
    ImageFolder(faces)
    assert not (tmp_path / "cache").exists()


def test_an_unchanged_record_file_is_not_read_again(faces, tmp_path, monkeypatch):
    pack(faces, tmp_path / "rec", "rec")
    age(tmp_path / "rec")
    first = RecordIO(tmp_path / "rec")
    with monkeypatch.context() as patched:
        patched.setattr(record_file.RecordFile, "first_labels", no_reading)
        patched.setattr(record_file.RecordFile, "_read_index", no_reading)
        second = RecordIO(tmp_path / "rec")
    assert content(second) == content(first)
    assert second.encoded(2) == first.encoded(2)
    assert len(second.against_ranges()) == len(first.against_ranges()) == 0
    (tmp_path / "rec" / "train.idx").write_text("0\t999999999\n")
    with pytest.raises(DataError, match="outside"):
        RecordIO(tmp_path / "rec")


def test_texts_in_arrays():
    texts = ["", "a/1.png", "b\udcff.png", "日本"]
    packed = Strings.pack(texts)
    assert [packed[index] for index in range(len(packed))] == texts
    assert packed[-1] == texts[-1]
    with pytest.raises(IndexError):
        packed[4]
    assert isinstance(packed.ends, np.ndarray)
