"""Long runs: the curve of two processes is that of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from curve_run import train
from launching import launch

SCRIPT = str(Path(__file__).with_name("curve_run.py"))

pytestmark = pytest.mark.full


def test_50_steps_of_64_images_in_one_process_and_of_32_in_two_are_the_same_curve(backend, tmp_path):
    launch(backend, 2, tmp_path, [SCRIPT, backend, tmp_path])
    _, expected = train(backend)
    losses = expected["losses"]
    assert losses[-5:].mean() < 0.7 * losses[:5].mean()  # it learns
    for rank in (0, 1):
        found = np.load(tmp_path / f"rank{rank}.npz")
        apart = np.abs(found["losses"] / losses - 1)
        print(f"{backend}: largest relative difference of the loss {apart.max():.1e}, loss {losses[0]} to {losses[-1]}")
        assert apart.max() < 1e-4
        for name in expected:
            if "running" in name:
                np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-6, err_msg=name)
