"""Two processes over gloo train as one with the same images: weights, statistics, optimiser state, head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from distributed_run import SCENARIOS, build, steps
from launching import launch

SCRIPT = str(Path(__file__).with_name("distributed_run.py"))


def test_two_processes_train_as_one(backend, tmp_path):
    launch(backend, 2, tmp_path, [SCRIPT, backend, tmp_path])
    for scenario in SCENARIOS:
        ranks = [np.load(tmp_path / f"{scenario}-rank{rank}.npz") for rank in (0, 1)]
        assert [int(rank["world_size"]) for rank in ranks] == [2, 2]
        for name, value in steps(build(backend, scenario)).items():
            found, other = ranks[0][name], ranks[1][name]
            if found.shape == value.shape:
                np.testing.assert_array_equal(found, other, err_msg=f"{scenario} {name}: the processes differ")
            else:  # rows of classes
                assert scenario != "dense"
                found = np.concatenate([found, other])
            close = 1e-6 * np.abs(value).max() + 2e-8
            np.testing.assert_allclose(found, value, rtol=0, atol=close, err_msg=f"{scenario} {name}")
