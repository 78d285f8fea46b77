"""What the test of paddle's compiled training runs: one step with and without the static graph, side by side."""

from __future__ import annotations

import numpy as np
from test_engines import drawn_batches, run

from facezoo.state import get_state


def main():
    batches = drawn_batches()
    (plain, expected), (fast, found) = (run("paddle", batches[:1], compiled=compiled) for compiled in (False, True))
    np.testing.assert_allclose(found[0].loss, expected[0].loss, rtol=1e-5)
    np.testing.assert_allclose(found[0].grad_norm, expected[0].grad_norm, rtol=1e-2)
    ours, theirs = get_state(plain.backbone), get_state(fast.backbone)
    for name, value in ours.items():
        if name.endswith("running_var"):  # left at 1 by a graph that forgets them
            assert np.abs(theirs[name] - 1).max() > 0.01
            np.testing.assert_allclose(theirs[name], value, rtol=1e-3, err_msg=name)
    gradients = plain.momentum_state(), fast.momentum_state()  # after one step the momentum is the gradient
    total = np.sqrt(sum((value.astype(np.float64) ** 2).sum() for value in gradients[0].values()))
    for name, value in gradients[0].items():
        assert np.linalg.norm(gradients[1][name] - value) < 0.02 * total, name
    images = batches[0][0][:3]
    a, b = plain.embed(images), fast.embed(images)
    np.testing.assert_allclose(b, a, atol=1e-3 * np.abs(a).max())
    assert fast._train_backbone._graph is not None, "the static graph was given up"


if __name__ == "__main__":
    main()
