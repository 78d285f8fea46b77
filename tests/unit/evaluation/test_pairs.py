"""Pair lists in the published layouts."""

import hashlib

import numpy as np
import pytest

from facezoo.errors import DataError, ProtocolError, UnknownNameError
from facezoo.evaluation.inputs.pairs import read_calfw_pairs, read_lfw_pairs, read_pairs, read_path_pairs

LFW = "2\t1\nAda_L\t1\t4\nAda_L\t1\tBob\t2\nBob\t1\t2\nCy_D\t3\tBob\t10\n"


def write(tmp_path, text, name="pairs.txt"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_lfw_list(tmp_path):
    path = write(tmp_path, LFW)
    pairs = read_lfw_pairs(path)
    assert pairs.first == [
        "Ada_L/Ada_L_0001.jpg",
        "Ada_L/Ada_L_0001.jpg",
        "Bob/Bob_0001.jpg",
        "Cy_D/Cy_D_0003.jpg",
    ]
    assert pairs.second[3] == "Bob/Bob_0010.jpg"
    assert pairs.same.tolist() == [True, False, True, False]
    assert pairs.folds.tolist() == [0, 0, 1, 1]
    assert pairs.sha256 == hashlib.sha256(LFW.encode()).hexdigest()
    names = pairs.images()
    first, second = pairs.indices()
    assert [names[i] for i in first] == pairs.first
    assert [names[i] for i in second] == pairs.second
    assert pairs.identities()[0] == ["Ada_L", "Ada_L", "Bob", "Cy_D"]


def test_list_without_header_and_with_blanks(tmp_path):
    pairs = read_lfw_pairs(write(tmp_path, "Ada 3 4\nAda 2 Bob 3\n\n"), extension=".png")
    assert pairs.first == ["Ada/Ada_0003.png", "Ada/Ada_0002.png"]
    assert pairs.folds.tolist() == [0, 1]


def test_view_one_header(tmp_path):
    pairs = read_lfw_pairs(write(tmp_path, "2\nA\t1\t2\nB\t1\t2\nA\t1\tB\t1\nA\t2\tB\t2\n"))
    assert len(pairs) == 4
    assert pairs.same.sum() == 2


def test_path_list_with_and_without_folds(tmp_path):
    plain = read_path_pairs(write(tmp_path, "# a, b, same\na.jpg,b.jpg,1\nc d.jpg, e.jpg, 0\n"))
    assert plain.first == ["a.jpg", "c d.jpg"]
    assert plain.same.tolist() == [True, False]
    folded = read_path_pairs(write(tmp_path, "a b 1 7\na c -1 3\n"))
    assert folded.folds.tolist() == [7, 3]
    assert folded.same.tolist() == [True, False]


def test_calfw_list(tmp_path):
    text = "A_1.jpg 1\nA_2.jpg 1\nB_1.jpg 2\nB_2.jpg 2\nA_1.jpg 0\nB_1.jpg 0\nA_2.jpg 0\nB_2.jpg 0\n"
    pairs = read_calfw_pairs(write(tmp_path, text))
    assert pairs.same.tolist() == [True, True, False, False]
    assert pairs.folds.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    "layout, text, error, message",
    [
        ("lfw", "2 1\nA\t1\n", ProtocolError, r"line 2 is 'A\\t1'; expected 'NAME n1 n2'"),
        ("lfw", "A\tone\t2\n", ProtocolError, "line 1"),
        ("lfw", "1\t2\nA\t1\t2\nA\t1\tB\t1\n", ProtocolError, "gives 4 pairs; the list has 2"),
        ("lfw", "\n \n", DataError, "is empty"),
        ("paths", "a b\n", ProtocolError, "IMAGE1 IMAGE2 SAME"),
        ("paths", "a b 2\n", ProtocolError, "IMAGE1 IMAGE2 SAME"),
        ("paths", "a b 1\na b 1 2\n", ProtocolError, "some lines have a fold"),
        ("paths", "# nothing\n", DataError, "has no pairs"),
        ("calfw", "a 1\nb 1\nc 1\n", ProtocolError, "3 lines"),
        ("calfw", "a 1\nb 2\n", ProtocolError, "the fold of the line before"),
        ("calfw", "a 1\nb\n", ProtocolError, "IMAGE FOLD"),
        ("lwf", "a 1\nb\n", UnknownNameError, "did you mean 'lfw'"),
    ],
)
def test_bad_lists(tmp_path, layout, text, error, message):
    with pytest.raises(error, match=message):
        read_pairs(write(tmp_path, text), layout)


def test_missing_and_binary_lists(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        read_lfw_pairs(tmp_path / "none.txt")
    (tmp_path / "binary.txt").write_bytes(np.arange(256, dtype=np.uint8).tobytes())
    with pytest.raises(DataError, match="not UTF-8"):
        read_lfw_pairs(tmp_path / "binary.txt")
