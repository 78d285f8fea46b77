"""Converting between layouts loses nothing; checking finds what is broken."""

from __future__ import annotations

import numpy as np
import pytest
from small_sets import encode, make_folder, noise

from facezoo.data.sources.open_random_access import open_random_access
from facezoo.data.sources.verification_bin import read_verification_bin, write_verification_bin
from facezoo.data.tools.check import check_data
from facezoo.data.tools.pack import pack
from facezoo.errors import ConfigError, DataError, UnknownNameError, UnsafeFileError

COUNTS = {"ann": 3, "bo": 2, "çi": 4}


def contents(path):
    """The stored images of every identity, for any layout."""
    source = open_random_access(path)
    return sorted((source.class_names[label], source.encoded(n)) for n, label in enumerate(source.labels))


def test_round_trip_through_every_layout(tmp_path):
    make_folder(tmp_path / "0", COUNTS)
    (tmp_path / "0" / "bo" / "x.webp").write_bytes(encode(noise("webp"), "WEBP"))
    before = contents(tmp_path / "0")
    for step, format in enumerate(["rec", "shards", "folder", "shards", "rec", "folder"], 1):
        packed = pack(tmp_path / f"{step - 1}", tmp_path / f"{step}", format, per_shard=4)
        assert (packed.images, packed.identities, packed.broken, packed.broken_list) == (10, 3, 0, None)
        assert contents(tmp_path / f"{step}") == before, format
    assert sorted(path.name for path in tmp_path.iterdir()) == list("0123456")


def test_bin_of_drawn_pairs(tmp_path):
    make_folder(tmp_path / "in", {f"p{n:02d}": 3 for n in range(24)})
    packed = pack(tmp_path / "in", tmp_path / "out.bin", "bin", pairs=60)
    read = read_verification_bin(packed.out)
    assert len(read) == 60
    assert packed.images == 120
    owner = {data: name for name, data in contents(tmp_path / "in")}
    for pair, same in enumerate(read.same):
        assert (owner[read.images[2 * pair]] == owner[read.images[2 * pair + 1]]) == same


def test_small_identities_are_left_out(tmp_path):
    make_folder(tmp_path / "in", COUNTS)
    assert pack(tmp_path / "in", tmp_path / "out", "folder", min_images=3).identities == 2
    assert open_random_access(tmp_path / "out").class_names == ["ann", "çi"]


def broken_folder(root):
    make_folder(root, COUNTS)
    (root / "ann" / "001.jpg").write_bytes(encode(noise("half"), "JPEG")[:-60])
    (root / "bo" / "000.jpg").write_bytes(b"nothing")
    return root


@pytest.mark.parametrize("format", ["folder", "rec", "shards"])
def test_broken_images_are_left_out_and_listed(tmp_path, format):
    broken_folder(tmp_path / "in")
    packed = pack(tmp_path / "in", tmp_path / "out", format, max_broken=0.3)
    assert (packed.images, packed.broken) == (7, 2)
    lines = (tmp_path / "out.broken.txt").read_text().splitlines()
    assert sorted(line.split("\t")[0].rpartition("/in/")[2] for line in lines) == ["ann/001.jpg", "bo/000.jpg"]
    assert len(contents(tmp_path / "out")) == 7


@pytest.mark.parametrize("format", ["folder", "rec", "shards"])
def test_too_many_broken_images_leave_only_the_list(tmp_path, format):
    broken_folder(tmp_path / "in")
    with pytest.raises(DataError, match=r"of 9 images cannot be read, more than the allowed 1 %"):
        pack(tmp_path / "in", tmp_path / "out", format)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out.broken.txt"]


def test_bad_requests(tmp_path):
    make_folder(tmp_path / "in", COUNTS)
    with pytest.raises(UnknownNameError, match="unknown format 'shard'; did you mean 'shards'"):
        pack(tmp_path / "in", tmp_path / "out", "shard")
    with pytest.raises(ConfigError, match=r"in exists; expected a path that does not exist"):
        pack(tmp_path / "in", tmp_path / "in", "rec")
    write_verification_bin(tmp_path / "a.bin", [encode(noise(0))] * 2, [True])
    with pytest.raises(DataError, match="names no identities"):
        pack(tmp_path / "a.bin", tmp_path / "out", "folder")


@pytest.mark.parametrize("name", ["../evil", "/evil", "..", ".hidden", "a\\b", "", "a\0b", "x" * 300])
def test_names_from_a_file_cannot_lead_out_of_the_folder(tmp_path, name):
    import json

    make_folder(tmp_path / "in", COUNTS)
    pack(tmp_path / "in", tmp_path / "rec", "rec")
    (tmp_path / "rec" / "train.names.json").write_text(json.dumps([name, "b", "c"]))
    with pytest.raises(UnsafeFileError, match="cannot be a folder's name"):
        pack(tmp_path / "rec", tmp_path / "out" / "deep", "folder")
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("workers", [1, 2])
def test_check_finds_what_is_broken(tmp_path, workers):
    broken_folder(tmp_path)
    (tmp_path / "çi" / "9.jpg").write_bytes((tmp_path / "ann" / "000.jpg").read_bytes())
    for n in range(140):  # enough for several jobs
        (tmp_path / "bo" / f"more{n:03d}.png").write_bytes(encode(noise("more", n)))
    (tmp_path / "bo" / "more000.webp").write_bytes(encode(noise("more", 0), "WEBP", lossless=True))
    done = []
    report = check_data(tmp_path, min_images=3, workers=workers, on_progress=lambda *counts: done.append(counts))
    assert (report.kind, report.images, report.identities) == ("folder", 151, 3)
    assert [key.removeprefix(f"{tmp_path}/") for key, _ in report.broken] == ["ann/001.jpg", "bo/000.jpg"]
    assert "truncated" in report.broken[0][1]
    assert report.small == {"ann": 2}
    groups = [[key.removeprefix(f"{tmp_path}/") for key in group] for group in report.duplicates]
    assert groups == [["ann/000.jpg", "çi/9.jpg"], ["bo/more000.png", "bo/more000.webp"]]
    assert report.mislabelled == report.duplicates[:1]
    assert report.sizes == {"10x12": 149}
    counts = [count for count, total in done if total == 151]
    jobs = [after - before for before, after in zip([0, *counts], counts, strict=False)]
    assert sorted(jobs) == [23, 64, 64]  # several workers finish in any order


def test_check_of_packs(tmp_path):
    make_folder(tmp_path / "in", COUNTS)
    for format in ("rec", "shards"):
        pack(tmp_path / "in", tmp_path / format, format)
        report = check_data(tmp_path / format)
        assert (report.kind, report.images, report.identities) == (format, 9, 3)
        assert (report.broken, report.notes, report.small, report.duplicates) == ([], [], {}, [])
    (tmp_path / "rec" / "property").write_text("4,112,112")
    assert check_data(tmp_path / "rec").notes == ["property states 4 identities; the records hold 3"]


def test_check_of_a_rec_sees_labels_that_contradict_the_ranges(tmp_path):
    make_folder(tmp_path / "in", COUNTS)
    pack(tmp_path / "in", tmp_path / "rec", "rec")
    data = bytearray((tmp_path / "rec" / "train.rec").read_bytes())
    offsets = [line.split() for line in (tmp_path / "rec" / "train.idx").read_text().splitlines()]
    at = int(offsets[2][1]) + 12  # the label of record 2
    data[at : at + 4] = np.array([2], "<f4").tobytes()
    (tmp_path / "rec" / "train.rec").write_bytes(data)
    assert check_data(tmp_path / "rec").notes[0].startswith("1 images are in the range of another identity")


def test_check_of_pairs(tmp_path):
    images = [encode(noise(n)) for n in range(4)]
    pairs = [images[0], images[1], images[2], images[2], b"junk", images[0]]
    write_verification_bin(tmp_path / "a.bin", pairs, [True, True, False])
    report = check_data(tmp_path / "a.bin")
    assert (report.kind, report.images, report.pairs, report.identities) == ("bin", 6, 3, 0)
    assert [key for key, _ in report.broken] == [f"{tmp_path}/a.bin pair 2 image 1"]
    assert report.duplicates == [[f"{tmp_path}/a.bin pair 1 image 1", f"{tmp_path}/a.bin pair 1 image 2"]]


def test_check_refuses_what_cannot_be_opened(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        check_data(tmp_path / "nothing")
    with pytest.raises(ConfigError, match="workers is 0"):
        check_data(tmp_path, workers=0)
