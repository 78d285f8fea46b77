"""Tar shards: every image once, the same order for any number of workers, and malicious archives."""

from __future__ import annotations

import json
import pickle
import tarfile
import tracemalloc

import numpy as np
import pytest
from small_sets import Drawn, encode, noise
from tar_members import add

from facezoo.data.sources.shard_index import ShardImages
from facezoo.data.sources.shards import Shards
from facezoo.data.tools.writers import write_shards
from facezoo.errors import ConfigError, DataError, FacezooError, ImageError, UnsafeFileError

COUNTS = {"ann": 9, "Bo": 6, "cé": 8}


@pytest.fixture
def folder(tmp_path):
    assert write_shards(Drawn(COUNTS), tmp_path / "set", per_shard=5) == 23
    return tmp_path / "set"


def keys(folder, buffer=4, **options):
    return [sample.key for sample in Shards(folder, buffer=buffer).stream(**{"seed": 0, "epoch": 0, **options})]


def one_shard(folder, build, count=1, **options):
    """A set of one shard, filled by ``build(archive)``."""
    folder.mkdir()
    with tarfile.open(folder / "shard-000000.tar", "w", **options) as archive:
        build(archive)
    table = {"class_names": ["a", "b"], "count": count, "shards": [{"name": "shard-000000.tar", "count": count}]}
    (folder / "index.json").write_text(json.dumps(table))
    return folder


def test_index_and_files(folder):
    assert sorted(file.name for file in folder.iterdir()) == [
        "index.json",
        *(f"shard-00000{n}.tar" for n in range(5)),
    ]
    source = Shards(folder)
    assert (source.num_classes, source.length, source.class_names) == (3, 23, list(COUNTS))


def test_a_pass_holds_every_image_once_with_its_label(folder):
    drawn = Drawn(COUNTS)
    seen = {}
    for sample in Shards(folder, buffer=7).stream(seed=3, epoch=1):
        number = int(sample.key.rpartition(":")[2])
        assert number not in seen
        seen[number] = sample.label
        assert np.array_equal(sample.image, drawn.image(number))
    assert seen == dict(enumerate(drawn.labels.tolist()))


@pytest.mark.parametrize("workers", [1, 2, 3, 30])
def test_workers_share_one_order(folder, workers):
    whole = keys(folder)
    for worker in range(workers):
        assert keys(folder, worker=worker, workers=workers) == whole[worker::workers]


def test_order_is_a_function_of_seed_and_epoch(folder):
    assert keys(folder) == keys(folder)
    orders = {tuple(keys(folder, seed=seed, epoch=epoch)) for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4
    assert len({tuple(sorted(order)) for order in orders}) == 1


def test_the_buffer_mixes_and_one_keeps_the_shards_order(folder):
    shards = [key.split(":")[0] for key in keys(folder, buffer=1)]
    assert len([n for n in range(1, 23) if shards[n] != shards[n - 1]]) == 4  # one shard after the other
    numbers = [key.split(":")[1] for key in keys(folder, buffer=1)]
    assert numbers != sorted(numbers)  # the writer has mixed the identities
    mixed = [key.split(":")[0] for key in keys(folder, buffer=12)]
    assert len([n for n in range(1, 23) if mixed[n] != mixed[n - 1]]) > 4


def test_the_buffer_limits_memory(tmp_path):
    write_shards(Drawn({"a": 60, "b": 60}, size=(60, 60)), tmp_path / "set", per_shard=200)
    stream = Shards(tmp_path / "set", buffer=3).stream(seed=0, epoch=0)
    next(stream)
    tracemalloc.start()
    for _ in stream:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * 60 * 3 * 30  # a few images, not the 120


def test_a_copy_in_a_worker_gives_the_same(folder):
    copy = pickle.loads(pickle.dumps(Shards(folder, buffer=4)))
    assert [sample.key for sample in copy.stream(seed=0, epoch=0)] == keys(folder)


def test_writing_is_repeatable(folder, tmp_path):
    write_shards(Drawn(COUNTS), tmp_path / "again", per_shard=5)
    for file in folder.iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()
    write_shards(Drawn(COUNTS), tmp_path / "other", per_shard=5, seed=1)
    assert (folder / "shard-000000.tar").read_bytes() != (tmp_path / "other" / "shard-000000.tar").read_bytes()


def test_random_access_for_tools(folder):
    source, drawn = ShardImages(folder), Drawn(COUNTS)
    assert len(source) == 23
    assert not source.broken
    for index in range(23):
        number = int(source.key(index).rpartition(":")[2])
        assert source.labels[index] == drawn.labels[number]
        assert np.array_equal(source.image(index), drawn.image(number))


def test_other_writers_layout(tmp_path):
    """Folders in names, more suffixes, entries for folders, names beyond 100 bytes, labels before images."""
    long = "x" * 150

    def build(archive):
        add(archive, "deep", type=tarfile.DIRTYPE)
        add(archive, f"deep/{long}.cls", b"1\n")
        add(archive, f"deep/{long}.json", b"{}")
        add(archive, f"deep/{long}.JPG", encode(noise("long"), "JPEG"))
        add(archive, "deep/é.seg.png", b"not the image")
        add(archive, "deep/é.png", encode(noise("short")))
        add(archive, "deep/é.cls", b"0")

    for format in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        folder = one_shard(tmp_path / str(format), build, count=2, format=format)
        samples = list(Shards(folder, buffer=1).stream(seed=0, epoch=0))
        assert [sample.label for sample in samples] == [1, 0]
        assert samples[0].key.endswith(f":deep/{long}")
        assert np.array_equal(samples[1].image, noise("short"))


def test_a_broken_image_is_one_error_and_the_stream_goes_on(tmp_path):
    def build(archive):
        for number, (data, label) in enumerate([(encode(noise(0)), b"0"), (b"junk", b"1"), (encode(noise(2)), b"1")]):
            add(archive, f"{number}.png", data)
            add(archive, f"{number}.cls", label)
        add(archive, "3.cls", b"1")
        add(archive, "4.png", encode(noise(4)))
        add(archive, "5.png", encode(noise(5)))
        add(archive, "5.cls", b"7")
        add(archive, "6.png", encode(noise(6)))
        add(archive, "6.cls", b"-1")

    folder = one_shard(tmp_path / "set", build, count=7)
    stream = Shards(folder, buffer=1).stream(seed=0, epoch=0)
    seen, errors = [], []
    while True:
        try:
            seen.append(next(stream).key[-1])
        except ImageError as error:
            errors.append(str(error))
        except StopIteration:
            break
    assert seen == ["0", "2"]
    assert [error.partition(": ")[0][-1] for error in errors] == ["1", "3", "4", "5", "6"]
    assert "no image" in errors[1]
    assert "its .cls is 7; expected a label 0..1" in errors[3]
    source = ShardImages(folder)
    assert [key[-1] for key, _ in source.broken] == ["3", "4", "5", "6"]
    assert len(source) == 3


ESCAPES = {
    "parent": {"name": "../evil.png"},
    "parent within": {"name": "a/../../evil.png"},
    "absolute": {"name": "/etc/evil.png"},
    "backslashes": {"name": "..\\evil.png"},
    "drive": {"name": "C:evil.png"},
    "symbolic link": {"name": "a.png", "type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
    "hard link": {"name": "a.png", "type": tarfile.LNKTYPE, "linkname": "../../x"},
    "device": {"name": "a.png", "type": tarfile.CHRTYPE},
    "pipe": {"name": "a.png", "type": tarfile.FIFOTYPE},
    "unknown type": {"name": "a.png", "type": b"Z", "linkname": "x"},
}


@pytest.mark.parametrize("name", ESCAPES)
def test_malicious_members(tmp_path, name):
    changes = dict(ESCAPES[name])

    def build(archive):
        add(archive, changes.pop("name"), **changes)
        add(archive, "a.cls", b"0")

    folder = one_shard(tmp_path / "set", build)
    before = sorted(tmp_path.rglob("*"))
    for read in (lambda: list(Shards(folder).stream(seed=0, epoch=0)), lambda: ShardImages(folder)):
        with pytest.raises(UnsafeFileError, match=r"shard-000000\.tar: member"):
            read()
    assert sorted(tmp_path.rglob("*")) == before


def test_sparse_member_is_refused(tmp_path):
    """A sparse entry of a few bytes may stand for gigabytes of zeros."""

    def build(archive):
        headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,1"}
        headers["GNU.sparse.size"] = str(10**9)
        add(archive, "a.png", b"x", pax_headers=headers)

    folder = one_shard(tmp_path / "set", build, format=tarfile.PAX_FORMAT)
    with pytest.raises(UnsafeFileError, match="sparse"):
        list(Shards(folder).stream(seed=0, epoch=0))


def test_wrong_sizes_allocate_nothing(tmp_path):
    def build(archive):
        add(archive, "a.png", encode(noise(0)))
        add(archive, "a.cls", b"0")

    folder = one_shard(tmp_path / "set", build)
    path = folder / "shard-000000.tar"
    whole = path.read_bytes()
    for size in (10**6, 8 * 10**8, 8**11 - 1):
        info = tarfile.TarInfo("a.png")
        info.size = size
        path.write_bytes(info.tobuf() + whole[512:])
        tracemalloc.start()
        with pytest.raises(DataError):
            list(Shards(folder).stream(seed=0, epoch=0))
        assert tracemalloc.get_traced_memory()[1] < 10**7
        tracemalloc.stop()


def test_every_truncation_is_reported(folder):
    path = folder / "shard-000001.tar"
    whole = path.read_bytes()
    with tarfile.open(path) as archive:
        last = archive.getmembers()[-1]
    for length in [0, 100, 512, 700, *range(1024, last.offset_data, 997), last.offset_data]:
        path.write_bytes(whole[:length])
        for read in (lambda: keys(folder), lambda: ShardImages(folder)):
            with pytest.raises(DataError, match=r"shard-000001\.tar"):
                read()


def test_compressed_shards_are_refused(folder):
    import gzip

    path = folder / "shard-000001.tar"
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(DataError, match="not a readable tar file"):
        keys(folder)


def test_missing_and_exchanged_shards(folder):
    (folder / "shard-000004.tar").unlink()
    with pytest.raises(DataError, match=r"shard-000004\.tar"):
        keys(folder)
    (folder / "shard-000004.tar").write_bytes((folder / "shard-000000.tar").read_bytes())
    with pytest.raises(DataError, match=r"5 samples; index\.json states 3"):
        keys(folder)


INDEX = {"class_names": ["a"], "shards": [{"name": "s.tar", "count": 1}]}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        json.dumps({"shards": INDEX["shards"]}),
        json.dumps({**INDEX, "class_names": []}),
        json.dumps({**INDEX, "class_names": [1]}),
        json.dumps({**INDEX, "class_names": "abc"}),
        json.dumps({**INDEX, "class_names": ["a", "a"]}),
        json.dumps({**INDEX, "shards": []}),
        json.dumps({**INDEX, "shards": 3}),
        json.dumps({**INDEX, "shards": [{"name": "../s.tar", "count": 1}]}),
        json.dumps({**INDEX, "shards": [{"name": "/s.tar", "count": 1}]}),
        json.dumps({**INDEX, "shards": [{"name": "..", "count": 1}]}),
        json.dumps({**INDEX, "shards": [{"name": 3, "count": 1}]}),
        json.dumps({**INDEX, "shards": [{"name": "s.tar", "count": -1}]}),
        json.dumps({**INDEX, "shards": [{"name": "s.tar", "count": "1"}]}),
        json.dumps({**INDEX, "shards": [{"name": "s.tar", "count": 0}]}),
    ],
)
def test_bad_index(tmp_path, content):
    (tmp_path / "index.json").write_text(content)
    with pytest.raises(DataError, match=r"index\.json"):
        Shards(tmp_path)


def test_bad_arguments(folder):
    with pytest.raises(ConfigError, match="worker is 2"):
        Shards(folder).stream(seed=0, epoch=0, worker=2, workers=2)
    with pytest.raises(ConfigError, match="buffer is 0"):
        Shards(folder, buffer=0)
    with pytest.raises(FacezooError, match="per_shard is 0"):
        write_shards(Drawn(COUNTS), folder.parent / "none", per_shard=0)
    assert not (folder.parent / "none").exists()
