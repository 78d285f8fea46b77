"""Script of the test of the engines' defaults: one step and an embedding of a backbone on both backends."""

from __future__ import annotations

import sys

import numpy as np
from test_engines import drawn_batches, run


def main(backbone: str) -> None:
    batches = drawn_batches()[:1]
    options = {"backbone": backbone, "compiled": True, "clip_norm": None}
    (torch, expected), (paddle, found) = (run(name, batches, **options) for name in ("torch", "paddle"))
    np.testing.assert_allclose(found[0].loss, expected[0].loss, rtol=1e-4)
    wanted, gradient = torch.optimizer_state(), paddle.optimizer_state()  # after one step the momentum is the gradient
    total = np.sqrt(sum((value.astype(np.float64) ** 2).sum() for value in wanted.values()))
    apart = np.sqrt(sum(((gradient[name] - value).astype(np.float64) ** 2).sum() for name, value in wanted.items()))
    assert apart < 0.05 * total, f"gradients are {apart / total:.3f} apart"
    images = np.tile(batches[0][0], (3, 1, 1, 1))  # enough images for paddle to compile a program
    for _ in range(2):
        a, b = torch.embed(images), paddle.embed(images)
        np.testing.assert_allclose(b, a, atol=1e-2 * np.abs(a).max())


if __name__ == "__main__":
    main(sys.argv[1])
