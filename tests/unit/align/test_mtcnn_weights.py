"""The weight files of the mtcnn package, read without unpickling code."""

from __future__ import annotations

import pickle

import lz4.frame
import numpy as np
import pytest

from facezoo.align.weights import LAYERS, _read, load_mtcnn
from facezoo.errors import CheckpointError, UnsafeFileError


class Calls:
    def __reduce__(self):
        return (print, ("this must not run",))


def write(path, data):
    path.write_bytes(lz4.frame.compress(data))
    return path


def test_the_networks_have_the_published_sizes():
    states = load_mtcnn()
    assert {net: sum(value.size for value in state.values()) for net, state in states.items()} == {
        "pnet": 6632, "rnet": 100178, "onet": 389040,
    }  # fmt: skip
    for net, state in states.items():
        assert {name.split(".")[0] for name in state} == {layer for layer, _ in LAYERS[net]}
        assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in state.values())
    assert states["onet"]["conv1.weight"].shape == (32, 3, 3, 3)
    assert states["onet"]["fc5.weight"].shape == (256, 1152)


def test_the_flattened_rows_are_reordered():
    """Row (w, h, channel) of the file's matrix is column (channel, h, w) of the canonical matrix."""
    from facezoo.align.weights import _folder

    raw = _read(_folder() / "rnet.lz4")
    matrix = next(array for array in raw if array.shape == (576, 128))
    ours = load_mtcnn()["rnet"]["fc4.weight"]
    w, h, channel = 1, 2, 40
    np.testing.assert_array_equal(ours[:, channel * 9 + h * 3 + w], matrix[(w * 3 + h) * 64 + channel])


def test_code_in_a_weight_file_does_not_run(tmp_path, capsys):
    with pytest.raises(UnsafeFileError, match="print"):
        _read(write(tmp_path / "a.lz4", pickle.dumps([Calls()])))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("data", [b"", b"no pickle", pickle.dumps([1, 2])[:-2], pickle.dumps([1, 2])])
def test_broken_files(tmp_path, data):
    with pytest.raises(CheckpointError):
        _read(write(tmp_path / "a.lz4", data))


def test_a_file_that_is_not_compressed(tmp_path):
    (tmp_path / "a.lz4").write_bytes(b"plain")
    with pytest.raises(CheckpointError, match=r"a\.lz4"):
        _read(tmp_path / "a.lz4")
