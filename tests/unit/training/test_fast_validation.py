"""Validation in a run embeds by the fast way, with the weights of that step."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facezoo.canonical.state import get_state, set_state
from facezoo.training.setup import create_engine


@pytest.mark.parametrize("backbone", ["MobileFaceNet", "RepVGG_A0"])
def test_a_folded_copy_follows_the_weights(backbone, tiny):
    config = tiny(backbone=backbone, backbone_options={"input_size": 32}, compiled=True, device="cpu")
    engine = create_engine(config, 4)
    engine.set_learning_rate(0.05)
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    found = []

    def check():
        folded = engine.embed(images)
        norms = [layer for layer in engine._inference._folded.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
        assert len(norms) < sum(isinstance(layer, torch.nn.BatchNorm2d) for layer in engine.backbone.modules())
        engine._inference._folding, engine._inference._folded = False, None
        plain = engine.embed(images)
        engine._inference._folding = True
        np.testing.assert_allclose(folded, plain, rtol=0, atol=1e-5 * np.abs(plain).max())
        found.append(folded)

    check()
    engine.train_step(images, np.arange(8) % 4, 0)
    assert engine._inference._folded is None
    check()
    engine.embed(images)
    state = get_state(engine.backbone)
    set_state(engine.backbone, {name: value * 1.5 if value.ndim == 4 else value for name, value in state.items()})
    check()
    assert not np.allclose(found[0], found[1])
    assert not np.allclose(found[1], found[2])
    assert engine.backbone.state_dict().keys() == create_engine(config, 4).backbone.state_dict().keys()
