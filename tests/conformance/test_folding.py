"""Batch norms folded into adjacent layers: the same embeddings, on both backends, for every backbone."""

import numpy as np
import pytest
from quick_networks import perturbed, small

import facezoo
from facezoo import backends
from facezoo.canonical import batchnorm as folding
from facezoo.canonical.state import inventory
from facezoo.zoo import catalog

DEFAULT = ("IR18", "MobileFaceNet", "RepVGGA0", "ViTT", "GhostNet")
NAMES = [pytest.param(name, marks=() if name in DEFAULT else pytest.mark.full) for name in catalog.BACKBONES]


def norms(module):
    return [item.name for item in inventory(module) if item.entry == "running_var"]


@pytest.mark.parametrize("backend", backends.available())
@pytest.mark.parametrize("name", NAMES)
def test_folded_backbone_gives_the_same_embeddings(name, backend):
    module = perturbed(facezoo.create_backbone(name, backend=backend, seed=1, **small(name)), 2)
    before = facezoo.get_state(module)
    folded = facezoo.fold_batchnorm(module)
    fold = __import__(f"facezoo.backends.{backend}.fold", fromlist=["fold"])
    assert fold.difference(module, folded) < 1e-4
    after = facezoo.get_state(module)
    assert all(np.array_equal(value, after[key]) for key, value in before.items())  # the original is unchanged
    assert len(norms(folded)) < max(len(norms(module)), 1)
    if name in ("MobileFaceNet", "RepVGGA0", "ViTT", "GhostNet", "LightSENet", "ReXNet", "TFNASA", "HRNetW18"):
        assert norms(folded) == []


@pytest.mark.parametrize("backend", backends.available())
def test_both_backends_fold_the_same_norms(backend):
    module = perturbed(facezoo.create_backbone("IR18", backend=backend, seed=1, **small("IR18")), 2)
    left = norms(facezoo.fold_batchnorm(module))
    assert left == [f"stages.{stage}.{block}.bn1.running_var" for stage in range(4) for block in range(2)]


@pytest.mark.parametrize("backend", backends.available())
def test_repvgg_becomes_its_deploy_form(backend):
    options = {"input_size": 32, "embedding_size": 8}
    folded = facezoo.fold_batchnorm(
        perturbed(facezoo.create_backbone("RepVGGA0", backend=backend, seed=1, **options), 2)
    )
    names = {item.name for item in inventory(folded)}
    deploy = {
        item.name for item in inventory(facezoo.create_backbone("RepVGGA0", backend=backend, deploy=True, **options))
    }
    assert names == {name for name in deploy if not name.startswith(("neck.bn.", "neck.bn_out."))}


def test_algebra_against_a_direct_computation():
    rng = np.random.default_rng(7)
    norm = folding.affine(*rng.uniform(0.5, 1, (4, 3)), eps=1e-5)
    weight, bias, x = rng.standard_normal((3, 4)), rng.standard_normal(3), rng.standard_normal(4)
    for given in (bias, None):
        folded = folding.behind(weight, given, norm)
        want = norm.scale * (weight @ x + (0 if given is None else given)) + norm.shift
        assert folded[0] @ x + folded[1] == pytest.approx(want)
    weight, x = rng.standard_normal((5, 12)), rng.standard_normal((3, 2, 2))
    for given in (rng.standard_normal(5), None):
        folded = folding.before(weight, given, norm)
        shifted = norm.scale[:, None, None] * x + norm.shift[:, None, None]
        want = weight @ shifted.reshape(-1) + (0 if given is None else given)
        assert folded[0] @ x.reshape(-1) + folded[1] == pytest.approx(want)
