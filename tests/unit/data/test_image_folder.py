"""Identity folders: order, labels, what is left out."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from small_sets import encode, make_folder, noise

from facezoo.data.loading.bad_images import BadImageFile
from facezoo.data.sources.filters import split_identities
from facezoo.data.sources.folder import ImageFolder
from facezoo.errors import DataError, ImageError


def test_identities_by_name_images_by_path(tmp_path):
    make_folder(tmp_path, {"b": 2, "a": 1, "C": 3})
    source = ImageFolder(tmp_path)
    assert source.class_names == ["C", "a", "b"]
    assert source.num_classes == 3
    assert source.labels.dtype == np.int64
    assert source.labels.tolist() == [0, 0, 0, 1, 2, 2]
    assert source.key(5) == str(tmp_path / "b" / "001.jpg")
    assert source.encoded(5) == (tmp_path / "b" / "001.jpg").read_bytes()
    assert source.image(5).shape == (12, 10, 3)


def test_deeper_folders_hidden_files_and_other_files(tmp_path):
    make_folder(tmp_path, {"a": 1, "b": 1})
    (tmp_path / "a" / "session 2" / "x").mkdir(parents=True)
    picture = encode(noise("deep"))
    for name in ("session 2/x/1.PNG", "session 2/0.webp", "._1.jpg", "notes.txt", "session 2/.hidden.png"):
        (tmp_path / "a" / name).write_bytes(picture)
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "1.jpg").write_bytes(picture)
    (tmp_path / "empty").mkdir()
    (tmp_path / "loose.jpg").write_bytes(picture)
    source = ImageFolder(tmp_path)
    assert source.class_names == ["a", "b"]
    found = [source.key(i).removeprefix(f"{tmp_path}/") for i in range(len(source))]
    assert found == ["a/000.jpg", "a/session 2/0.webp", "a/session 2/x/1.PNG", "b/000.jpg"]


def test_links_are_followed_but_not_in_cycles(tmp_path):
    make_folder(tmp_path / "real", {"a": 2})
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "real" / "a", target_is_directory=True)
    (tmp_path / "real" / "a" / "again").symlink_to(tmp_path / "real" / "a", target_is_directory=True)
    assert len(ImageFolder(root)) == 2


def test_a_copy_in_another_process_reads_the_same(tmp_path):
    source = ImageFolder(make_folder(tmp_path, {"a": 1, "b": 1}))
    copy = pickle.loads(pickle.dumps(source))
    assert np.array_equal(copy.image(1), source.image(1))


def test_missing_folders_and_images(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        ImageFolder(tmp_path / "nothing")
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="not a folder"):
        ImageFolder(tmp_path / "file")
    with pytest.raises(DataError, match="no images; expected FOLDER/IDENTITY/IMAGE"):
        ImageFolder(tmp_path)
    (tmp_path / "loose.jpg").write_bytes(b"x")
    with pytest.raises(DataError, match="1 images are in the folder itself"):
        ImageFolder(tmp_path)


def test_an_unreadable_image_is_found_when_read(tmp_path):
    make_folder(tmp_path, {"a": 1})
    (tmp_path / "a" / "000.jpg").write_bytes(b"\xff\xd8\xff nonsense")
    source = ImageFolder(tmp_path)
    with pytest.raises(ImageError, match=r"a/000\.jpg"):
        source.image(0)


@pytest.mark.parametrize("target", ["..", "../.."])
def test_a_link_to_the_root_or_above_it_adds_no_images(tmp_path, target):
    root = make_folder(tmp_path / "set", {"a": 2, "b": 3})
    (root / "a" / "all").symlink_to(target, target_is_directory=True)
    source = ImageFolder(root)
    assert source.class_names == ["a", "b"]
    assert np.bincount(source.labels).tolist() == [2, 3]


def test_file_names_that_are_not_utf8(tmp_path):
    root = make_folder(tmp_path / "set", {"a": 1, "b": 1, "c": 1})
    name = os.fsdecode(b"Jos\xe9")
    (root / "a").rename(root / name)
    (root / name / os.fsdecode(b"\xe9.jpg")).write_bytes(b"no image")
    source = ImageFolder(root)
    for seed in range(3):
        train, held = split_identities(source, 0.34, seed=seed)
        assert sorted([*train.class_names, *held.class_names]) == sorted(["b", "c", name])
    key = source.key(list(map(source.key, range(len(source)))).index(str(root / name / os.fsdecode(b"\xe9.jpg"))))
    for _ in range(2):  # the second one reads the list of the first
        BadImageFile(tmp_path / "bad.txt")(key, "not an image")
    assert (tmp_path / "bad.txt").read_bytes() == os.fsencode(key) + b"\tnot an image\n"
