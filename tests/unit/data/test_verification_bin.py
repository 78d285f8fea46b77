"""Verification .bin files: everything that Python 2 and 3 write is read, and no code in one is executed."""

from __future__ import annotations

import builtins
import os
import pickle
import struct

import numpy as np
import pytest
from small_sets import encode, noise

from facezoo.data.sources.verification_bin import read_verification_bin, write_verification_bin
from facezoo.errors import DataError, FacezooError, ImageError, UnsafeFileError

IMAGES = [encode(noise("bin", n), "JPEG") for n in range(4)]
FORMS = {
    "bytes": bytes,
    "array": lambda data: np.frombuffer(data, np.uint8),
    "column": lambda data: np.frombuffer(data, np.uint8)[:, None].copy(),
    "fortran": lambda data: np.asfortranarray(np.frombuffer(data, np.uint8)[:, None]),
}
SAME = {
    "list": [True, False],
    "tuple": (True, False),
    "numbers": [1, 0],
    "array": np.array([True, False]),
    "scalars": [np.True_, np.False_],
}


def write(tmp_path, content, protocol=4):
    path = tmp_path / "set.bin"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("same", SAME)
def test_python_3(tmp_path, protocol, form, same):
    content = ([FORMS[form](data) for data in IMAGES], SAME[same])
    read = read_verification_bin(write(tmp_path, content, protocol))
    assert read.images == IMAGES
    assert read.same.tolist() == [True, False]
    assert read.same.dtype == bool
    assert len(read) == 2
    assert read.image(3).shape == (12, 10, 3)


def python_2(protocol):
    """What Python 2 writes for ([image, image], [True])."""
    if protocol == 0:  # strings as text with escapes
        text = repr(IMAGES[0])[1:].encode("ascii")
        return b"((lp0\nS" + text + b"\np1\nag1\na(lp2\nI01\natp3\n."
    string = b"T" + struct.pack("<I", len(IMAGES[0])) + IMAGES[0] + b"q\x01"
    if protocol == 1:
        return b"(]q\x00(" + string + b"h\x01e]q\x02I01\natq\x03."
    return b"\x80\x02]q\x00(" + string + b"h\x01e]q\x02\x88a\x86q\x03."


def python_2_array():
    """An array of bytes as NumPy under Python 2 pickles it: type names and data are byte strings."""
    dtype = b"cnumpy\ndtype\nq\x02(U\x02u1K\x00K\x01tRq\x03(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\n(K\x00tU\x01b\x87R(K\x01"
    size = len(IMAGES[0])
    array += b"(M" + struct.pack("<H", size) + b"t" + dtype + b"\x89T" + struct.pack("<I", size) + IMAGES[0] + b"tb"
    return b"\x80\x02](" + array + array + b"e]\x88a\x86."


@pytest.mark.parametrize("data", [python_2(0), python_2(1), python_2(2), python_2_array()])
def test_python_2(tmp_path, data):
    read = read_verification_bin(write(tmp_path, data))
    assert read.images == [IMAGES[0], IMAGES[0]]
    assert read.same.tolist() == [True]


def test_writing_and_reading_back(tmp_path):
    write_verification_bin(tmp_path / "out.bin", IMAGES, [True, False])
    read = read_verification_bin(tmp_path / "out.bin")
    assert read.images == IMAGES
    assert pickle.loads((tmp_path / "out.bin").read_bytes()) == (IMAGES, [True, False])
    with pytest.raises(DataError, match="4 images and 1 pairs"):
        write_verification_bin(tmp_path / "no.bin", IMAGES, [True])
    assert sorted(os.listdir(tmp_path)) == ["out.bin"]


class Call:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


MARK = "facezoo_pickle_ran"


def attacks():
    run = f"import os; os.environ[{MARK!r}] = '1'"
    yield "system", Call(os.system, "false")
    yield "exec", Call(exec, run)
    yield "eval", [Call(eval, "1")]
    yield "nested", ([IMAGES[0], Call(exec, run)], [True])
    yield "in same", ([IMAGES[0]] * 2, [Call(exec, run)])
    yield "getattr", Call(getattr, Call(__import__, "os"), "system")
    yield "getattr of ndarray", Call(getattr, np.ndarray, "tofile")
    yield "import", Call(__import__, "antigravity")
    yield "open", Call(builtins.open, "/etc/passwd")
    yield "object array", ([np.array([b"a", None], object)] * 2, [True])
    yield "object array outside", np.array([IMAGES, [True]], object)
    yield "structured array", ([np.zeros(3, [("a", "u1")])] * 2, [True])
    yield "masked array", np.ma.zeros(3, np.uint8)
    yield "matrix", Call(np.fromfile, "/etc/passwd", np.uint8)
    yield "complex", 1j
    yield "class", DataError
    yield "instance", DataError("x")
    yield "bytearray of size", Call(bytearray, 10**12)
    yield "bytes of size", ([Call(bytes, 10**12)] * 2, [True])
    yield "numpy type", Call(np.dtype, "O")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(("name", "content"), list(attacks()))
def test_attacks_are_refused_and_nothing_runs(tmp_path, name, content, protocol, monkeypatch):
    monkeypatch.delenv(MARK, raising=False)
    path = write(tmp_path, content, protocol)
    with pytest.raises(UnsafeFileError, match=r"set\.bin: ") as caught:
        read_verification_bin(path)
    assert "\n" not in str(caught.value)
    assert MARK not in os.environ


HAND_MADE = {
    "inst": b"(S'false'\nios\nsystem\n.",
    "obj": b"(cos\nsystem\nS'false'\no.",
    "stack global": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x05false\x85R.",
    "stack global with dots": b"\x80\x04\x8c\x05numpy\x8c\x0fndarray.__new__\x93)R.",
    "global after the end of a frame": b"\x80\x04\x95\x02\0\0\0\0\0\0\0](cposix\nsystem\nS'false'\n\x85R.",
    "newobj": b"\x80\x02cnumpy\nndarray\n)\x81.",
    "newobj ex": b"\x80\x04\x8c\x05numpy\x8c\x07ndarray\x93)}\x92.",
    "persistent": b"Pfile\n.",
    "binary persistent": b"\x80\x02K\x01Q.",
    "extension": b"\x80\x02\x82\x01.",
    "ndarray called": b"\x80\x02cnumpy\nndarray\nK\x05\x85R.",
    "ndarray altered": b"\x80\x02cnumpy\nndarray\nK\x05b.",
    "dtype altered": b"\x80\x02cnumpy\ndtype\nK\x05b.",
    "function left in": b"\x80\x02cnumpy\ndtype\n]\x88a\x86.",
    "unfinished array": b"\x80\x02](cnumpy.core.multiarray\n_reconstruct\n"
    b"cnumpy\nndarray\nK\x00\x85U\x01b\x87Re]\x88a\x86.",
    "reconstruct of dtype": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\x00\x85U\x01b\x87R.",
    "other codec": b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x05\0\0\0rot13\x86R.",
    "out of band": b"\x80\x05\x97.",
}


@pytest.mark.parametrize("name", HAND_MADE)
def test_hand_made_pickles(tmp_path, name):
    with pytest.raises(UnsafeFileError):
        read_verification_bin(write(tmp_path, HAND_MADE[name]))


BROKEN = {
    "empty": b"",
    "text": b"hello",
    "no end": b"\x80\x02]",
    "huge frame": b"\x80\x04\x95" + struct.pack("<Q", 2**40) + b"abc.",
    "huge bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b"abc.",
    "huge bytearray": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"abc.",
    "huge memo": b"\x80\x02]r\xff\xff\xff\xff.",
    "huge text memo": b"(lp4000000000\n.",
    "unknown memo": b"\x80\x02h\x07.",
    "empty stack": b"\x80\x02R.",
    "protocol of the future": b"\x80\x77].",
    "itself": b"\x80\x02]q\x00h\x00ah\x00a.",
    "large number": pickle.dumps(([10**6000], [True]), protocol=2),
    "wrong shape": pickle.dumps(([np.zeros(300, np.uint8)] * 2, [True]), 2).replace(b"M,\x01", b"M,\x02", 1),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_pickles(tmp_path, name):
    with pytest.raises((DataError, UnsafeFileError)):
        read_verification_bin(write(tmp_path, BROKEN[name]))


def test_every_truncation_is_refused(tmp_path):
    for protocol in (0, 2, 4):
        whole = pickle.dumps((IMAGES, [True, False]), protocol=protocol)
        for length in [*range(0, len(whole), 97), len(whole) - 1]:
            with pytest.raises(FacezooError):
                read_verification_bin(write(tmp_path, whole[:length]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ((IMAGES, [True]), "4 images and 1 pairs"),
        (([], []), "0 images and 0 pairs"),
        (IMAGES, "holds a list of 4"),
        ((IMAGES, [2, 3]), "pair 0 is the int 2"),
        ((IMAGES, True), "its same are True"),
        (([1, 2, 3, 4], [True, False]), "image 0 is the int 1"),
        ((["text"] * 4, [True, False]), "image 0 is the string 'text'"),
        (([np.zeros(3)] * 4, [True, False]), r"image 0 is an array of float64 of shape \(3,\)"),
        ({"images": IMAGES}, "holds a dict of 1"),
        ({1, 2}, "holds a set of 2"),
        ((IMAGES, [1.0, 0.0]), "pair 0 is the float 1.0"),
        (([[b"nested"]] * 4, [True, False]), "image 0 is a list"),
        ((np.zeros(4, np.uint8), [True, False]), "image 0 is the int 0"),
    ],
)
def test_plain_content_of_another_form(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_verification_bin(write(tmp_path, content))


def test_one_list_referred_to_often_is_cheap(tmp_path):
    inner = [b"x"] * 100_000
    with pytest.raises(DataError, match="expected a pair"):
        read_verification_bin(write(tmp_path, [inner] * 100_000))
    array = np.zeros(200_000, np.uint8)
    read = read_verification_bin(write(tmp_path, ([array] * 200_000, [True] * 100_000)))
    assert len({id(image) for image in read.images}) == 1  # else 40 GB


def test_a_broken_image_is_found_when_decoded(tmp_path):
    read = read_verification_bin(write(tmp_path, ([IMAGES[0], b"junk"], [True])))
    with pytest.raises(ImageError, match=r"set\.bin pair 0 image 2"):
        read.image(1)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"no such verification \.bin"):
        read_verification_bin(tmp_path / "none.bin")
    with pytest.raises(DataError, match=r"no such verification \.bin"):
        read_verification_bin(tmp_path)
