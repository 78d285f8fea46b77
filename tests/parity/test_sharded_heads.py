"""Heads whose classes are divided over real processes compute the same as the whole head in one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from launching import launch
from sharded_run import DTYPES, RATES, calls

from facezoo import backends

SCRIPT = str(Path(__file__).with_name("sharded_run.py"))
CLOSE = {"float64": 1e-10, "float32": 1e-5}  # relative to the largest value


@pytest.mark.parametrize("processes", [2, 3])
def test_divided_heads_equal_the_whole_head(backend, processes, tmp_path):
    native = backends.module(backend, "introspect_heads")
    launch(backend, processes, tmp_path, [SCRIPT, backend, tmp_path])

    def whole(head, held, x, labels, step):
        return head, native.call(head, x, labels, dtype=str(x.dtype), logits=False)

    wanted = calls(backend, whole)
    wrong, heads = [], set()
    for rate in RATES:
        ranks = [np.load(tmp_path / f"rank{rank}-rate{rate}.npz") for rank in range(processes)]
        for key, value in wanted.items():
            name, dtype, _, what = key.split("|", 3)
            if dtype not in (DTYPES if rate == 1 else DTYPES[:1]):
                continue
            heads.add(name)
            parts = [rank[key] for rank in ranks]
            divided = what == "embeddings" or parts[0].shape != value.shape
            found = np.concatenate(parts) if divided else parts[0]
            apart = np.abs(found - value).max(initial=0) / max(1e-30, np.abs(value).max(initial=0))
            if not divided and any(not np.array_equal(part, found) for part in parts):
                wrong.append(f"rate {rate} {key}: the processes differ")
            if found.shape != value.shape or not apart <= CLOSE[dtype]:
                wrong.append(f"rate {rate} {key}: {apart:.2g} apart")
    assert not wrong, "\n".join(wrong)
    assert len(heads) > 30
