"""Opening a data path: every layout is recognised, and wrong paths get a clear message."""

from __future__ import annotations

import pytest
from small_sets import Drawn, make_folder

from facezoo.data.sources.folder import ImageFolder
from facezoo.data.sources.list_file import ListFile
from facezoo.data.sources.open_source import data_kind, open_source
from facezoo.data.sources.recordio import RecordIO
from facezoo.data.sources.shards import Shards
from facezoo.data.tools.writers import write_recordio, write_shards
from facezoo.errors import DataError


def test_every_layout_is_recognised(tmp_path):
    drawn = Drawn({"a": 2, "b": 1})
    make_folder(tmp_path / "folder", {"a": 2, "b": 1})
    (tmp_path / "list.txt").write_text("folder/a/000.jpg\ta\nfolder/b/000.jpg\tb\n")
    write_recordio(drawn, tmp_path / "rec")
    write_shards(drawn, tmp_path / "shards")
    expected = {
        "folder": (ImageFolder, "folder"),
        "list.txt": (ListFile, "list"),
        "rec": (RecordIO, "rec"),
        "rec/train.rec": (RecordIO, "rec"),
        "rec/train.idx": (RecordIO, "rec"),
        "shards": (Shards, "shards"),
    }
    for name, (kind, word) in expected.items():
        source = open_source(str(tmp_path / name))
        assert type(source) is kind
        assert data_kind(tmp_path / name) == word
        assert source.class_names == ["a", "b"]
    (tmp_path / "rec" / "train.rec").rename(tmp_path / "rec" / "faces.rec")
    (tmp_path / "rec" / "train.idx").rename(tmp_path / "rec" / "faces.idx")
    assert type(open_source(tmp_path / "rec")) is RecordIO
    (tmp_path / "rec" / "more.rec").write_bytes(b"")
    with pytest.raises(DataError, match=r"holds 2 \.rec files \(faces\.rec, more\.rec, \.\.\.\); name one"):
        open_source(tmp_path / "rec")


def test_wrong_paths(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such file or folder; expected a folder of identity folders"):
        open_source(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no images"):
        open_source(tmp_path)
    for name in ("a.bin", "a.tar", "a.jpg"):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(DataError, match=f"{name}: "):
            open_source(tmp_path / name)


def test_one_identity_is_refused_for_training(tmp_path):
    make_folder(tmp_path / "x", {"only": 3})
    with pytest.raises(DataError, match=r"1 identity \('only'\); expected at least 2"):
        open_source(tmp_path / "x")
    assert open_source(tmp_path / "x", min_classes=1).num_classes == 1
    write_shards(Drawn({"only": 2}), tmp_path / "shards")
    with pytest.raises(DataError, match=r"1 identity \('only'\)"):
        open_source(tmp_path / "shards")


def test_tar_files_without_index_are_shards_unless_there_are_folders(tmp_path):
    (tmp_path / "train-000000.tar").write_bytes(b"")
    assert data_kind(tmp_path) == "shards"
    with pytest.raises(DataError, match=r"train-000000\.tar: not a readable tar file"):
        open_source(tmp_path)
    make_folder(tmp_path, {"a": 1, "b": 1})
    assert data_kind(tmp_path) == "folder"
    assert open_source(tmp_path).num_classes == 2
