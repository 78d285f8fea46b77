"""Safetensors from outside: wrong headers are refused, and the format is recognised whatever its first bytes are."""

import json
import struct

import numpy as np
import pytest

from facezoo.checkpoints.readers import read_tree
from facezoo.errors import FacezooError


def safetensors(header, data=b"", length=None):
    raw = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "raw",
    [
        safetensors({"a": F32}, b"12345678", length=1 << 60),
        safetensors({"a": F32}, b"12345678", length=7),
        safetensors({"a": {**F32, "data_offsets": [0, 800]}}, b"12345678"),
        safetensors({"a": {**F32, "data_offsets": [8, 0]}}, b"12345678"),
        safetensors({"a": {**F32, "shape": [1 << 40]}}, b"12345678"),
        safetensors({"a": {**F32, "shape": [-2]}}, b"12345678"),
        safetensors({"a": {**F32, "dtype": "O8"}}, b"12345678"),
        safetensors({"a": {**F32, "shape": [10**4000] * 1000}}, b"12345678"),
        safetensors({"a": {**F32, "shape": [1] * 33}}, b"12345678"),
        safetensors({"a": F32, "b": F32}, b"12345678"),
        safetensors({"a": F32}, b"12345678trailing"),
        safetensors(b'{"a": %s, "a": %s}' % ((json.dumps(F32).encode(),) * 2), b"12345678"),
        safetensors(b"{not json", b""),
    ],
)
def test_safetensors_with_a_wrong_header_are_refused(tmp_path, raw):
    (tmp_path / "a.safetensors").write_bytes(raw)
    with pytest.raises(FacezooError):
        read_tree(tmp_path / "a.safetensors")


def test_safetensors_read(tmp_path):
    header = {"a": F32, "b": {"dtype": "BF16", "shape": [1, 1], "data_offsets": [8, 10]}, "__metadata__": {"x": "y"}}
    data = np.array([1.5, -2], "<f4").tobytes() + b"\xc0\x3f"
    (tmp_path / "a").write_bytes(safetensors(header, data))
    read = read_tree(tmp_path / "a")
    assert read["a"].tolist() == [1.5, -2]
    assert read["b"].tolist() == [[1.5]]


@pytest.mark.parametrize(
    "length",
    [
        pytest.param(19280, id="starts as a zip archive"),  # b"PK"
        pytest.param(128, id="starts as a pickle"),  # b"\x80"
    ],
)
def test_safetensors_whose_header_length_looks_like_another_format(tmp_path, length):
    raw = json.dumps({"a": F32}).encode().ljust(length)  # padded with spaces, as the format allows
    (tmp_path / "a").write_bytes(safetensors(raw, np.array([1.5, -2], "<f4").tobytes()))
    assert read_tree(tmp_path / "a")["a"].tolist() == [1.5, -2]
