"""Tar shards as webdataset's writer leaves them: no index, labels in .cls or .json members."""

from __future__ import annotations

import tarfile

import pytest
from small_sets import encode, noise
from tar_members import add

from facezoo.data.sources.shard_index import ShardImages
from facezoo.data.sources.shards import Shards
from facezoo.errors import DataError


def shards_as_webdataset_writes_them(folder, labels, ending="cls"):
    """Shards without index.json, as webdataset's ShardWriter leaves them: members of a sample in order of suffix."""
    folder.mkdir()
    for number, part in enumerate((labels[:3], labels[3:])):
        with tarfile.open(folder / f"train-{number:06d}.tar", "w", format=tarfile.USTAR_FORMAT) as archive:
            for at, label in enumerate(part, 3 * number):
                add(archive, f"p/{at:05d}.{ending}", label.encode(), uname="bigdata", mode=0o444)
                add(archive, f"p/{at:05d}.jpg", encode(noise(at), "JPEG"), uname="bigdata", mode=0o444)
    return folder


@pytest.mark.parametrize(
    ("ending", "labels", "names", "expected"),
    [
        ("cls", ["10", "9", "10", "9", "10"], ["9", "10"], [1, 0, 1, 0, 1]),
        ("cls", ["Bo", "Ann Lee", "Bo", "Ann Lee", "é"], ["Ann Lee", "Bo", "é"], [1, 0, 1, 0, 2]),
        ("json", ['{"label": 7}', '{"label": 5, "x": [1]}', *['{"label": 7}'] * 3], ["5", "7"], [1, 0, 1, 1, 1]),
        ("json", ['{"identity": "b"}', '{"class": "a"}', *['{"cls": "b"}'] * 3], ["a", "b"], [1, 0, 1, 1, 1]),
    ],
)
def test_shards_of_webdataset_without_index(tmp_path, ending, labels, names, expected):
    folder = shards_as_webdataset_writes_them(tmp_path / "set", labels, ending)
    source = Shards(folder, buffer=3)
    assert (source.class_names, source.length, source.index.counts) == (names, 5, [3, 2])
    seen = {sample.key[-5:]: sample.label for sample in source.stream(seed=0, epoch=0)}
    access = ShardImages(folder)
    assert seen == {f"{at:05d}": label for at, label in enumerate(expected)}
    assert access.labels.tolist() == expected
    assert access.image(3).shape == (12, 10, 3)


def test_the_index_of_webdataset_names_no_classes(tmp_path):
    folder = shards_as_webdataset_writes_them(tmp_path / "set", ["1", "0", "1"])
    (folder / "index.json").write_text('{"wids_version": 1, "shardlist": [{"url": "train-000000.tar", "nsamples": 3}]}')
    assert Shards(folder).class_names == ["0", "1"]


@pytest.mark.parametrize("label", ["", "{}", "[" * 9000, '{"label": 1.5}', '{"label": null}', "\udcff"])
def test_samples_without_a_label_are_named(tmp_path, label):
    folder = tmp_path / "set"
    folder.mkdir()
    with tarfile.open(folder / "a.tar", "w") as archive:
        add(archive, "0.json", label.encode("utf-8", "surrogateescape"))
        add(archive, "0.png", encode(noise(0)))
    with pytest.raises(DataError, match="none of 1 samples in 1 shards has a label"):
        Shards(folder)
    with tarfile.open(folder / "b.tar", "w") as archive:
        add(archive, "1.cls", b"ann")
        add(archive, "1.png", encode(noise(0)))
    source = ShardImages(folder)
    assert len(source) == 1
    assert "0: it has no label in a .cls or .json member; expected one of 1 names" in source.broken[0][1]
