"""RecordIO: the format by its definition, both kinds of packs, and files with wrong lengths and counts."""

from __future__ import annotations

import io
import json
import pickle
import struct

import numpy as np
import pytest
from small_sets import Drawn, encode, noise

from facezoo.data.sources.record_file import RecordFile
from facezoo.data.sources.record_framing import MAGIC, pack_header, read_record, unpack_header, write_record
from facezoo.data.sources.recordio import RecordIO, read_property
from facezoo.data.tools.writers import write_recordio
from facezoo.errors import DataError, FacezooError, ImageError
from facezoo.rng import generator

MAGIC_BYTES = struct.pack("<I", MAGIC)


def framed(record):
    stream = io.BytesIO()
    write_record(stream, record)
    return stream.getvalue()


def unframed(data, offset=0):
    return read_record(lambda at, count: data[at : at + count], offset, len(data))


def raw_record(kind, data):
    """One part, written by the definition and not by the code under test."""
    return MAGIC_BYTES + struct.pack("<I", kind << 29 | len(data)) + data + b"\0" * (-len(data) % 4)


def image_record(number, label, data, extra=()):
    if extra:
        values = np.array([label, *extra], "<f4")
        return struct.pack("<IfQQ", len(values), 0.0, number, 0) + values.tobytes() + data
    return struct.pack("<IfQQ", 0, label, number, 0) + data


def write_pack(folder, records, index=True):
    """A pack from {number: record}."""
    folder.mkdir(parents=True, exist_ok=True)
    offsets, body = {}, b""
    for number, record in records.items():
        offsets[number] = len(body)
        body += raw_record(0, record)
    (folder / "train.rec").write_bytes(body)
    if index:
        (folder / "train.idx").write_text("".join(f"{n}\t{o}\n" for n, o in offsets.items()))
    return folder


def header_record(a, b, number=0):
    return struct.pack("<IfQQ", 2, 0.0, number, 0) + np.array([a, b], "<f4").tobytes()


PNG = [encode(noise("rec", number)) for number in range(6)]


def pack_with_headers():
    """Images 1..5 of identities 3, 3, 3, 8, 8; records 6 and 7 are the identities."""
    labels = [3, 3, 3, 8, 8]
    records = {0: header_record(6, 8)}
    records |= {n: image_record(n, labels[n - 1], PNG[n]) for n in range(1, 6)}
    return records | {6: header_record(1, 4, 6), 7: header_record(4, 6, 7)}


def test_a_plain_record_is_framed_as_defined():
    assert framed(b"hello") == raw_record(0, b"hello")
    assert framed(b"") == raw_record(0, b"")
    assert unframed(raw_record(0, b"hello")) == (b"hello", 16)


def test_a_record_with_the_magic_inside_becomes_parts():
    record = b"abcd" + MAGIC_BYTES + b"efgh" + MAGIC_BYTES + b"ij"
    expected = raw_record(1, b"abcd") + raw_record(2, b"efgh") + raw_record(3, b"ij")
    assert framed(record) == expected
    assert unframed(expected) == (record, len(expected))
    assert framed(b"a" + MAGIC_BYTES) == raw_record(0, b"a" + MAGIC_BYTES)  # not at a multiple of 4, so unchanged
    assert framed(MAGIC_BYTES) == raw_record(1, b"") + raw_record(3, b"")


def test_any_bytes_are_read_back():
    rng = generator(5, "records")
    for trial in range(300):
        words = rng.integers(0, 4, rng.integers(0, 9))
        record = b"".join(MAGIC_BYTES if word == 0 else bytes(rng.integers(0, 256, word)) for word in words)
        data = framed(record)
        assert unframed(data) == (record, len(data)), (5, trial, record)
        assert len(data) % 4 == 0


def test_headers():
    assert pack_header(7.0, 3) == image_record(3, 7.0, b"")
    header, rest = unpack_header(image_record(9, 4.0, b"xyz", extra=(1.5, 2.5)))
    assert (header.flag, header.id, rest) == (3, 9, b"xyz")
    assert header.labels.tolist() == [4.0, 1.5, 2.5]
    assert unpack_header(pack_header(np.array([1, 2]), 5))[0].labels.tolist() == [1, 2]


@pytest.mark.parametrize("index", [True, False])
def test_pack_with_identity_headers(tmp_path, index):
    source = RecordIO(write_pack(tmp_path, pack_with_headers(), index))
    assert source.class_names == ["3", "8"]
    assert source.labels.tolist() == [0, 0, 0, 1, 1]
    assert source.labels.dtype == np.int64
    assert source.numbers.tolist() == [1, 2, 3, 4, 5]
    assert source.encoded(4) == PNG[5]
    assert np.array_equal(source.image(0), noise("rec", 1))
    assert source.key(0) == f"{tmp_path}/train.rec record 1"
    copy = pickle.loads(pickle.dumps(source))
    assert copy.encoded(2) == source.encoded(2)


@pytest.mark.parametrize("extra", [(), (0.5,), (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)])
def test_pack_without_identity_headers(tmp_path, extra):
    records = {n: image_record(n, float(n // 2), PNG[n], extra) for n in range(6)}
    source = RecordIO(write_pack(tmp_path, records) / "train.rec")
    assert source.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert [source.encoded(n) for n in range(6)] == PNG
    assert source.header(3).labels.tolist() == [1.0, *extra]


def test_labels_are_read_in_blocks_and_not_record_by_record(tmp_path, monkeypatch):
    """A pack of millions of records opens in seconds."""
    records = {n: image_record(n, float(n // 2), PNG[n % 6]) for n in range(1, 40)}
    read = []
    monkeypatch.setattr(RecordFile, "header", lambda self, number: read.append(number))
    assert RecordIO(write_pack(tmp_path, records)).num_classes == 20
    assert read == []


def test_header_record_without_identity_records_reads_each_label(tmp_path):
    records = {0: header_record(6, 6)} | {n: image_record(n, [5, 2, 5, 2, 9][n - 1], PNG[n]) for n in range(1, 6)}
    source = RecordIO(write_pack(tmp_path, records))
    assert source.class_names == ["2", "5", "9"]
    assert source.labels.tolist() == [1, 0, 1, 0, 2]


@pytest.mark.parametrize("extra", [(), (0.5,)])
def test_the_labels_of_the_images_win_over_identity_ranges(tmp_path, extra):
    records = pack_with_headers()
    for number, label in {2: 8.0, 4: 3.0}.items():
        records[number] = image_record(number, label, PNG[number], extra)
    assert RecordIO(write_pack(tmp_path, records)).labels.tolist() == [0, 1, 0, 0, 1]


def test_identity_ranges_that_overlap_are_ignored(tmp_path):
    records = pack_with_headers() | {6: header_record(1, 6, 6)}
    assert RecordIO(write_pack(tmp_path, records)).labels.tolist() == [0, 0, 0, 1, 1]


def test_an_image_that_holds_the_magic_is_read(tmp_path):
    records = {0: MAGIC_BYTES * 2 + b"tail", 1: b"x"}
    body, lines = b"", ""
    for number, data in records.items():
        lines += f"{number}\t{len(body)}\n"
        body += framed(image_record(number, 0.0, data))
    (tmp_path / "a.rec").write_bytes(body)
    (tmp_path / "a.idx").write_text(lines)
    assert RecordIO(tmp_path / "a.rec").encoded(0) == records[0]


@pytest.mark.parametrize("headers", [True, False])
def test_writing_and_reading_back(tmp_path, headers):
    drawn = Drawn({"Zoë": 3, "b": 2, "c/d": 1})
    assert write_recordio(drawn, tmp_path / "out", identity_headers=headers) == 6
    source = RecordIO(tmp_path / "out")
    assert source.class_names == drawn.class_names
    assert np.array_equal(source.labels, drawn.labels)
    for index in range(6):
        assert np.array_equal(source.image(index), drawn.image(index))
    assert read_property(tmp_path / "out") == (3, 12, 10)
    if headers:  # as InsightFace's own reader takes it
        first = unframed((tmp_path / "out" / "train.rec").read_bytes())[0]
        assert unpack_header(first)[0].labels.tolist() == [7, 10]
    (tmp_path / "out" / "train.names.json").unlink()
    assert RecordIO(tmp_path / "out").class_names == ["0", "1", "2"]


def read_all(folder):
    source = RecordIO(folder)
    return [source.image(n) for n in range(len(source))]


def test_every_truncation_is_reported(tmp_path):
    write_pack(tmp_path, pack_with_headers())
    whole = (tmp_path / "train.rec").read_bytes()
    for length in [0, 1, 7, 8, 30, *range(40, len(whole), 101), len(whole) - 4, len(whole) - 1]:
        (tmp_path / "train.rec").write_bytes(whole[:length])
        with pytest.raises(DataError):
            read_all(tmp_path)


def test_truncation_is_named(tmp_path):
    write_pack(tmp_path, pack_with_headers())
    whole = (tmp_path / "train.rec").read_bytes()
    (tmp_path / "train.rec").write_bytes(whole[:500])
    with pytest.raises(DataError, match=r"outside train\.rec \(500 bytes\).* cut off"):
        RecordIO(tmp_path)
    (tmp_path / "train.idx").unlink()
    with pytest.raises(DataError, match=r"states \d+ bytes; \d+ follow; there is no train\.idx"):
        RecordIO(tmp_path)


def patched(folder, records, number, change):
    """A pack in which the bytes of one record are changed in place."""
    write_pack(folder, records)
    offsets = dict(map(int, line.split()) for line in (folder / "train.idx").read_text().splitlines())
    body = bytearray((folder / "train.rec").read_bytes())
    change(body, offsets[number])
    (folder / "train.rec").write_bytes(body)
    return folder


@pytest.mark.parametrize("length", [2**29 - 1, 5000, 0, 10])
def test_a_wrong_length_loses_one_image_and_no_memory(tmp_path, length):
    def change(body, at):
        body[at + 4 : at + 8] = struct.pack("<I", length)

    source = RecordIO(patched(tmp_path, pack_with_headers(), 2, change))
    assert np.array_equal(source.image(0), noise("rec", 1))
    with pytest.raises(ImageError, match="record 2"):
        source.image(1)


@pytest.mark.parametrize("kind", [1, 2, 3, 5])
def test_parts_out_of_order(tmp_path, kind):
    def change(body, at):
        length = struct.unpack_from("<I", body, at + 4)[0]
        body[at + 4 : at + 8] = struct.pack("<I", kind << 29 | length)

    source = RecordIO(patched(tmp_path, pack_with_headers(), 3, change))
    with pytest.raises(ImageError, match="record 3"):
        source.image(2)


def test_wrong_label_count(tmp_path):
    def change(body, at):
        body[at + 8 : at + 12] = struct.pack("<I", 2**32 - 1)

    source = RecordIO(patched(tmp_path, pack_with_headers(), 2, change))
    with pytest.raises(ImageError, match="4294967295 labels"):
        source.image(1)


def test_missing_magic(tmp_path):
    def change(body, at):
        body[at : at + 4] = b"JUNK"

    source = RecordIO(patched(tmp_path, pack_with_headers(), 2, change))
    with pytest.raises(ImageError, match="no record starts at"):
        source.image(1)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ({**pack_with_headers(), 0: header_record(1000, 1002)}, "states images 1 to 999"),
        ({**pack_with_headers(), 0: header_record(float("nan"), 8)}, "expected two record numbers"),
        ({**pack_with_headers(), 0: header_record(9, 2)}, "expected two record numbers"),
        ({0: header_record(1, 1)}, "holds no image"),
        ({1: image_record(1, 1.5, PNG[0])}, "label 1.5; expected an integer"),
        ({1: image_record(1, float("inf"), PNG[0])}, "label inf"),
        ({1: image_record(1, -1.0, PNG[0])}, "label -1"),
        ({1: b"short"}, "shorter than its header"),
    ],
)
def test_packs_that_contradict_themselves(tmp_path, records, message):
    with pytest.raises(DataError, match=message):
        RecordIO(write_pack(tmp_path, records))


@pytest.mark.parametrize(
    "text",
    [
        "1\t0\n2\n",
        "a\tb\n",
        "1\t-4\n",
        "1\t99999999999999999999999\n",
        "1\t0\n1\t0\n",
        "1\t4\n",
        "\xff\n",
        "1\t1e3\n",
        "",
        "1\t0\t2\n",
        "1 0 2 3\n",
    ],
)
def test_bad_index_files(tmp_path, text):
    write_pack(tmp_path, {1: image_record(1, 0.0, PNG[0])})
    (tmp_path / "train.idx").write_text(text, encoding="latin-1")
    with pytest.raises(FacezooError):
        RecordIO(tmp_path)


@pytest.mark.parametrize(
    "names", ["[1, 2]", "{}", "[", '["only one"]', "[" * 100_000, '["a","b","c","d","e","f","g","h","a"]']
)
def test_bad_names(tmp_path, names):
    write_pack(tmp_path, pack_with_headers())
    (tmp_path / "train.names.json").write_text(names)
    with pytest.raises(DataError, match=r"train\.names\.json"):
        RecordIO(tmp_path)


def test_names_and_property(tmp_path):
    write_pack(tmp_path, pack_with_headers())
    (tmp_path / "train.names.json").write_text(json.dumps([f"n{i}" for i in range(9)]))
    assert RecordIO(tmp_path).class_names == ["n3", "n8"]
    assert read_property(tmp_path) is None
    (tmp_path / "property").write_text("2,112,112\n")
    assert read_property(tmp_path) == (2, 112, 112)
    (tmp_path / "property").write_text("2,112")
    with pytest.raises(DataError, match="IDENTITIES,HEIGHT,WIDTH"):
        read_property(tmp_path)


def test_missing_files(tmp_path):
    with pytest.raises(DataError, match=r"no such \.rec file"):
        RecordIO(tmp_path)


def test_numbers_beyond_float32(tmp_path, monkeypatch):
    """Record 0 stores numbers as float32; beyond 2**24 the rounded one must not lose or add an image."""
    assert float(np.float32(2**24 + 1)) == 2**24
    source = RecordIO(write_pack(tmp_path, pack_with_headers()))
    monkeypatch.setattr("facezoo.data.sources.recordio._EXACT", 1)  # as if float32 were exact up to 1 only
    assert [source._first_identity(about) for about in (5, 6, 7)] == [6, 6, 6]
    assert RecordIO(tmp_path).labels.tolist() == [0, 0, 0, 1, 1]
