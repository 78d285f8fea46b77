"""The log of a run, and TensorBoard's events beside it."""

from __future__ import annotations

import pytest

from facezoo.training.log import RunLog, read_log


@pytest.mark.parametrize("wanted", [True, False])
def test_tensorboard_can_be_switched_off(tmp_path, wanted):
    pytest.importorskip("tensorboard")
    log = RunLog(tmp_path, tensorboard=wanted)
    log.write(1, loss=2.0)
    log.close()
    assert [record["loss"] for record in read_log(tmp_path)] == [2.0]
    assert (tmp_path / "tensorboard").is_dir() == wanted


def test_the_setting_reaches_the_log(tiny, tmp_path):
    from facezoo.training.run import run_training

    run_training(tiny(tensorboard=False), tmp_path / "run")
    assert (tmp_path / "run" / "log.jsonl").is_file()
    assert not (tmp_path / "run" / "tensorboard").exists()
