"""The metadata block of a weight file: whatever it holds, the answer is one CheckpointError, without using memory."""

from __future__ import annotations

import json

import numpy as np
import pytest

from facezoo.checkpoints.weights import KEY, read_info, read_weights, write_arrays
from facezoo.cli.main import main
from facezoo.errors import CheckpointError
from facezoo.zoo import catalog

SPEC = catalog.backbone_spec("MobileFaceNet")
BLOCK = {
    "format_version": 1,
    "backbone": SPEC.name,
    "variant": SPEC.options(),
    "embedding_size": SPEC.embedding_size,
    "preprocess": SPEC.preprocess.to_dict(),
}


def variant(**options):
    return {"variant": {**SPEC.options(), **options}}


def preprocess(**settings):
    return {"preprocess": {**SPEC.preprocess.to_dict(), **settings}}


DAMAGED = {
    "nested": "[" * 200_000,
    "nested within": json.dumps(BLOCK)[:-1] + ', "x": ' + "[" * 50_000 + "]" * 50_000 + "}",
    "no object": "[1, 2]",
    "a number": "3",
    "infinite version": json.dumps({**BLOCK, "format_version": float("inf")}),
    "version not a number": json.dumps({**BLOCK, "format_version": float("nan")}),
    "long version": json.dumps({**BLOCK, "format_version": "9" * 5000}),
    "huge embedding": json.dumps({**BLOCK, **variant(embedding_size=10**12)}),
    "infinite embedding": json.dumps({**BLOCK, **variant(embedding_size=float("inf"))}),
    "huge input": json.dumps({**BLOCK, **variant(input_size=10**9)}),
    "huge crops": json.dumps({**BLOCK, **preprocess(size=[10**9, 10**9])}),
    "infinite mean": json.dumps({**BLOCK, **preprocess(mean=[float("inf")] * 3)}),
    "options as a list": json.dumps({**BLOCK, "variant": [1, 2]}),
    "name as a list": json.dumps({**BLOCK, "backbone": ["x"]}),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_metadata(tmp_path, capsys, kind):
    path = tmp_path / "w.safetensors"
    write_arrays(path, {"x": np.zeros(3, np.float32)}, {KEY: DAMAGED[kind]})
    with pytest.raises(CheckpointError, match="has unusable metadata"):
        read_weights(path)
    read_info(path)
    assert main(["weights", "verify", str(path)]) == 2
    printed = capsys.readouterr()
    assert "WRONG" in printed.out
    assert "Traceback" not in printed.err


def test_the_whole_block_is_accepted(tmp_path):
    path = tmp_path / "w.safetensors"
    write_arrays(path, {"x": np.zeros(3, np.float32)}, {KEY: json.dumps(BLOCK)})
    assert read_weights(path).spec == SPEC
