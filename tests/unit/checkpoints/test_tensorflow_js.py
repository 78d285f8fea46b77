"""Graphs of TensorFlow.js: HSE's MobileNet equals its safetensors form, and wrong files are refused."""

import json

import numpy as np
import pytest
from graph_files import hse_arrays, write_graph
from safetensors.numpy import save_file

from facezoo.checkpoints.foreign.importer import import_checkpoint
from facezoo.checkpoints.readers import read_tree
from facezoo.errors import CheckpointError, UnsafeFileError


def test_the_graph_holds_the_arrays_of_the_safetensors_form(tmp_path):
    arrays = hse_arrays()
    save_file(arrays, tmp_path / "w.safetensors")
    one = import_checkpoint(tmp_path / "w.safetensors")
    two = import_checkpoint(write_graph(tmp_path, arrays))
    assert (two.backbone, two.variant, two.preprocess, two.layout) == (
        one.backbone, one.variant, one.preprocess, "hse_mobilenetv1",
    )  # fmt: skip
    assert list(one.state) == list(two.state)
    for name, value in one.state.items():
        np.testing.assert_array_equal(value, two.state[name], err_msg=name)
    assert "dropped 3 entries that the network never reads" in two.report[-1]


def small(folder, **changes):
    """A graph of one array of four float32 values; ``changes`` to the entry of the array, or ``paths``."""
    paths = changes.pop("paths", ["w.bin"])
    entry = {"name": "a", "shape": [2, 2], "dtype": "float32", **changes}
    (folder / "w.bin").write_bytes(np.arange(4, dtype="<f4").tobytes())
    (folder / "w.json").write_text(json.dumps({"weightsManifest": [{"paths": paths, "weights": [entry]}]}))
    return folder / "w.json"


def test_values_are_read(tmp_path):
    np.testing.assert_array_equal(read_tree(small(tmp_path))["a"], [[0, 1], [2, 3]])


WRONG = {
    "a path": ({"paths": ["../w.bin"]}, UnsafeFileError, "expected a plain file name"),
    "a path of Windows": ({"paths": ["..\\w.bin"]}, UnsafeFileError, "expected a plain file name"),
    "no file": ({"paths": ["v.bin"]}, CheckpointError, "needs the file 'v.bin' beside it"),
    "too long": ({"shape": [3, 2]}, UnsafeFileError, "ends at byte 24; its files have 16"),
    "too short": ({"shape": [3]}, UnsafeFileError, "4 bytes after the last array"),
    "an absurd shape": ({"shape": [1 << 60]}, UnsafeFileError, "a side of a shape"),
    "text": ({"dtype": "string"}, CheckpointError, "is stored as the string 'string'"),
    "quantised": ({"quantization": {"dtype": "uint8", "scale": 1, "min": 0}}, CheckpointError, "not quantised"),
}


@pytest.mark.parametrize("changes, kind, words", WRONG.values(), ids=WRONG)
def test_wrong_files_are_refused(tmp_path, changes, kind, words):
    with pytest.raises(kind, match=words):
        read_tree(small(tmp_path, **changes))


def test_other_json_is_refused(tmp_path):
    (tmp_path / "w.json").write_text('{"a": 1}')
    with pytest.raises(CheckpointError, match="JSON without weightsManifest"):
        read_tree(tmp_path / "w.json")
    (tmp_path / "w.json").write_text('{"weightsManifest": [{"paths": 3}]}')
    with pytest.raises(CheckpointError, match="damaged"):
        read_tree(tmp_path / "w.json")
