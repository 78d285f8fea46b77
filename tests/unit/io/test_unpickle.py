"""The restricted unpickler: small pickles that would hang, fill the memory or flood a message are refused at once."""

from __future__ import annotations

import io
import pickle
import struct
from collections import Counter, OrderedDict

import numpy as np
import pytest

from facezoo.errors import DataError, FacezooError, UnsafeFileError
from facezoo.io.unpickle import MAX_EXPANSION, Unpickler, unpickle

NESTED = b")" + b"2\x86" * 60  # () in a pair with itself, 60 times: 2**60 leaves


def read(data: bytes, **options):
    return unpickle(io.BytesIO(data), "w.bin", **options)


def call(module: str, name: str, arguments: bytes) -> bytes:
    return b"c" + f"{module}\n{name}\n".encode() + arguments + b"R"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def raw(value: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(value)) + value


def integer(value: int) -> bytes:
    return pickle.dumps(value, protocol=2)[2:-1]


def array(shape: bytes, data: bytes) -> bytes:
    dtype = call("numpy", "dtype", text("u1") + b"\x85")
    return call("numpy.core.numeric", "_frombuffer", b"(" + data + dtype + shape + text("C") + b"t")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_and_arrays_read_as_python_reads_them(protocol):
    tree = {
        "list": [1, -2, 2**63, 2.5, None, True, "é", b"\x00\xff", bytearray(b"ab"), b""],
        "tree": OrderedDict(a=Counter({3: 1}), b={1, 2}, c=frozenset({"x"})),
        "scalars": [np.float64(1.5), np.int32(-3), np.True_],
        7: {b"key": None},
    }
    assert read(pickle.dumps(tree, protocol)) == tree
    for kind in ("f2", "f4", ">f8", "i1", ">i4", "u2", "u8", "?"):
        want = np.arange(12).reshape(3, 4).astype(kind)
        for form in (want, np.asfortranarray(want), want[:0], want[1, 1:]):
            got = read(pickle.dumps(form, protocol))
            assert np.array_equal(got, form)
            assert got.dtype == form.dtype.newbyteorder("=")


def test_tuples_become_lists_and_shared_arrays_stay_one():
    shared = np.ones(3)
    tree = read(pickle.dumps((shared, [shared, (shared,)])))
    assert isinstance(tree, list)
    assert tree[0] is tree[1][0] is tree[1][1][0]


def test_text_of_python_2_is_latin_1_or_bytes():
    assert read(b"U\x01\xe9.") == "é"
    assert read(b"U\x01\xe9.", encoding="bytes") == b"\xe9"


def test_several_pickles_of_one_file():
    file = io.BytesIO(pickle.dumps([1]) + pickle.dumps([2]) + b"rest")
    assert [Unpickler(file, "w").load(), Unpickler(file, "w").load(), file.read()] == [[1], [2], b"rest"]


KEYS = {
    "setitem": b"}" + NESTED + b"Ns.",
    "setitems": b"}(" + NESTED + b"Nu.",
    "dict": b"(" + NESTED + b"Nd.",
    "additems": b"\x8f(" + NESTED + b"\x90.",
    "frozenset": b"(" + NESTED + b"\x91.",
    "set": call("builtins", "set", b"]" + NESTED + b"a\x85") + b".",
    "frozenset called": call("builtins", "frozenset", b"]" + NESTED + b"a\x85") + b".",
    "pairs": call("collections", "OrderedDict", b"]" + NESTED + b"N\x86a\x85") + b".",
    "counter": call("collections", "Counter", b"(" + NESTED + b"Nd\x85") + b".",
    "long integer": b"}" + integer(1 << 70) + b"Ns.",
}


@pytest.mark.parametrize("name", KEYS)
def test_keys_and_members_are_plain(name):
    with pytest.raises(
        UnsafeFileError, match=r"w\.bin: a key or a member of a set is (a tuple of 2|an int of 71 bits)"
    ):
        read(b"\x80\x04" + KEYS[name])


VALUES_IN_MESSAGES = {
    "persistent id": NESTED + b"Q.",
    "codec": call("_codecs", "encode", text("a") + NESTED + b"\x86") + b".",
    "encoded": call("_codecs", "encode", NESTED + text("latin1") + b"\x86") + b".",
    "type": call("numpy", "dtype", NESTED + b"\x85") + b".",
    "type text": call("numpy", "dtype", text("f4" * 10_000) + b"\x85") + b".",
    "byte order": call("numpy", "dtype", text("f4") + b"\x85") + b"(K\x03" + NESTED + b"NNNK\x00K\x00K\x00tb.",
    "order": call("numpy.core.numeric", "_frombuffer", b"(" + raw(b"a") + call("numpy", "dtype", text("u1") + b"\x85")
                  + b"K\x01\x85" + NESTED + b"t") + b".",
    "shape": array(NESTED, raw(b"a")) + b".",
    "content": array(b"K\x01\x85", NESTED) + b".",
    "rebuilt": call("numpy.core.multiarray", "_reconstruct", b"(" + NESTED + b"NNt") + b".",
    "bytearray": call("builtins", "bytearray", NESTED + b"\x85") + b".",
    "tuple of two": call("builtins", "tuple", NESTED + NESTED + b"\x86") + b".",
    "ordered dict with state": NESTED + b"}b.",
    "global": b"c" + b"m" * 10_000 + b"\n" + b"n" * 10_000 + b"\n.",
    "top": NESTED + b"Na.",
    "text of an integer": b"I" + b"9" * 10_000 + b"\n.",
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES_IN_MESSAGES)
def test_messages_do_not_expand_values_of_the_file(name):
    with pytest.raises(FacezooError, match=r"^w\.bin: ") as caught:
        read(b"\x80\x04" + VALUES_IN_MESSAGES[name])
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (b"(" + (integer(1 << 2000) + b"2" * 99) * 1000 + b"t", "100000 sides"),
        (b"(" + integer(1 << 2000) * 20 + b"t", "an int of 2001 bits"),
        (b"(" + b"K\x01" * 33 + b"t", "33 sides"),
        (integer(-1) + b"\x85", "the int -1"),
        (b"\x88\x85", "True"),
        (integer(1 << 40) * 2 + b"\x86", "1208925819614629174706176 elements"),
        (b"K\x02\x85", "2 elements of uint8 in 1 bytes"),
    ],
)
def test_shapes_are_bounded(shape, message):
    with pytest.raises(UnsafeFileError, match=message):
        read(b"\x80\x02" + array(shape, raw(b"a")) + b".")


MEGABYTE = raw(bytes(1 << 20)) + b"q\x010"  # in the memo as 1
LIST = b"](" + b"K\x00" * 100_000 + b"eq\x010"
WIDE = text("a" * (1 << 20)) + b"q\x010"
COPIES = {
    "arrays over one buffer": MEGABYTE + b"](" + array(integer(1 << 20) + b"\x85", b"h\x01") * 1000 + b"e.",
    "bytes of one text": WIDE + b"](" + call("_codecs", "encode", b"h\x01" + text("latin1") + b"\x86") * 1000 + b"e.",
    "byte arrays": MEGABYTE + b"](" + call("builtins", "bytearray", b"h\x01\x85") * 1000 + b"e.",
    "tuples of one list": LIST + b"](" + call("builtins", "tuple", b"h\x01\x85") * 1000 + b"e.",
    "sets of one list": LIST + b"](" + call("builtins", "set", b"h\x01\x85") * 1000 + b"e.",
    "dicts": b"}q\x01(" + b"".join(integer(n) + b"N" for n in range(99_999)) + b"u0]("
             + call("collections", "OrderedDict", b"h\x01\x85") * 1000 + b"e.",
}  # fmt: skip


@pytest.mark.parametrize("name", COPIES)
def test_copies_of_one_value_stay_in_proportion_to_the_file(name):
    data = b"\x80\x02" + COPIES[name]
    with pytest.raises(UnsafeFileError, match=f"more than {MAX_EXPANSION * len(data)} bytes"):
        read(data)


CHANGES = {
    "item of a list": b"]K\x01K\x02s.",
    "append to a bytearray": call("builtins", "bytearray", raw(b"a") + b"\x85") + b"K\x01a.",
    "append to an array": array(b"K\x01\x85", raw(b"a")) + b"K\x01a.",
    "item of an array": array(b"K\x01\x85", raw(b"a")) + b"K\x00K\x01s.",
    "members of a list": b"](K\x01\x90.",
    "attributes of a list": b"]}b.",
}


@pytest.mark.parametrize("name", CHANGES)
def test_only_containers_of_the_right_kind_are_filled(name):
    with pytest.raises(UnsafeFileError, match=r"adds entries to|sets attributes of"):
        read(b"\x80\x04" + CHANGES[name])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x80\x05\x96" + struct.pack("<Q", 1 << 36) + b"a.", "cut off"),
        (b"\x80\x04\x95" + struct.pack("<Q", 1 << 36) + b"a.", "cut off"),
        (b"\x80\x02\x8b" + struct.pack("<I", 4000) + b"\x01" * 4000 + b".", "an integer of 4000 bytes"),
        (b"\x80\x02}(K\x01u.", "a key and no value"),
        (b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".", "nested too deeply"),
        (b"\x80\x02]q\x00h\x00a.", "nested too deeply"),
        (b"\x80\x02", "cut off"),
    ],
)
def test_broken_pickles_name_the_file(data, message):
    with pytest.raises(DataError, match=rf"^w\.bin: .*{message}"):
        read(data)


def test_functions_are_not_values():
    with pytest.raises(UnsafeFileError, match="expected plain values and arrays"):
        read(b"\x80\x02cnumpy\ndtype\n.")
