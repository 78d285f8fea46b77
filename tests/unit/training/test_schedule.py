from __future__ import annotations

import pytest

from facezoo.training.config_groups import Schedule
from facezoo.training.schedule import learning_rate


def rates(steps=100, base=0.1, **settings):
    return [learning_rate(Schedule(**settings), base, step, steps) for step in range(steps)]


@pytest.mark.parametrize("name", ["constant", "step", "polynomial", "cosine"])
def test_warmup_rises_linearly_to_the_base_rate(name):
    values = rates(name=name, warmup=0.1)
    assert values[:10] == pytest.approx([0.01 * (step + 1) for step in range(10)])
    assert max(values) == pytest.approx(0.1)


def test_cosine_and_polynomial_fall_to_the_floor():
    for name in ("cosine", "polynomial"):
        values = rates(steps=1000, name=name, warmup=0.0, floor=0.01)
        assert values == sorted(values, reverse=True)
        assert values[0] == pytest.approx(0.1)
        assert values[-1] == pytest.approx(0.001, rel=0.01)


def test_steps_multiply_by_gamma_at_each_milestone():
    values = rates(name="step", warmup=0.0, milestones=[0.5, 0.8], gamma=0.1)
    assert values[49] == pytest.approx(0.1)
    assert values[50] == pytest.approx(0.01)
    assert values[80] == pytest.approx(0.001)


def test_constant_stays():
    assert set(rates(name="constant", warmup=0.0)) == {0.1}
