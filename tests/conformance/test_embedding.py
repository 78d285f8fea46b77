"""The fast inference path of each backend gives the embeddings of the module, also after its weights change."""

import numpy as np
import pytest
from quick_networks import perturbed, small

import facezoo
from facezoo import backends
from facezoo.zoo import catalog

SLOW = ("AttentionNet", "Swin")  # paddle cannot compile these
DEFAULT = ("IResNet18", "MobileFaceNet", "LightCNN_v4", "HRNetW18", "SwinT")
NAMES = [pytest.param(name, marks=() if name in DEFAULT else pytest.mark.full) for name in catalog.BACKBONES]


@pytest.mark.parametrize("name", NAMES)
def test_embeddings_are_those_of_the_module(name, backend, capsys):
    native = backends.load(backend)
    module = facezoo.create_backbone(name, backend=backend, seed=1, **small(name))
    embed = native.build_inference(module)
    crops = np.random.default_rng(4).integers(0, 256, (20, *module.spec.input_size, 3), dtype=np.uint8)
    for seed in (2, 3):
        perturbed(module, seed)
        wanted = native.exporter().embed(module, crops)
        scale = np.abs(wanted).max()
        assert 0 < scale < np.inf
        for part in (crops, crops[:1]):
            assert np.abs(embed(part) - wanted[: len(part)]).max() <= 1e-3 * scale
    if not name.startswith(SLOW):
        assert "cannot compile" not in capsys.readouterr().err
