"""Every head in the engines, as a run uses it: some steps on both, the state of the stateful ones included."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo.canonical.state import get_state
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.training.config_file import load_config
from facezoo.training.setup import create_engine
from facezoo.zoo import catalog

CLASSES, STEPS = 4, 3


@pytest.fixture(scope="module")
def batches():
    faces = SyntheticFaces(CLASSES, 6, size=32, seed=5)
    images = np.stack([faces.image(index) for index in range(len(faces))])
    order = np.arange(len(faces)).reshape(CLASSES, STEPS, 2).transpose(1, 0, 2).reshape(STEPS, -1)  # two of each
    return [(images[part], faces.labels[part]) for part in order]


def run(backend, head, batches, precision="float32"):
    settings = {
        "backend": backend, "backbone": "MobileFaceNet", "backbone_options": {"input_size": 32}, "embedding_size": 16,
        "head": head, "seed": 1, "compiled": False, "precision": precision,
    }  # fmt: skip
    if catalog.head_margin(head).family == "regulariser":  # these train nothing alone
        settings |= {"head": "Softmax", "head_options": {"extra": {head: 1.0}}}
    engine = create_engine(load_config(None, settings), CLASSES)
    before = get_state(engine.head)
    engine.set_learning_rate(0.001)
    results = [engine.train_step(images, labels, step) for step, (images, labels) in enumerate(batches)]
    return engine, results, before


@pytest.mark.parametrize("head", catalog.HEADS)
def test_a_head_trains_alike_on_both(head, batches):
    found = {name: run(name, head, batches) for name in ("torch", "paddle")}
    losses = {name: [result.loss for result in results] for name, (_, results, _) in found.items()}
    assert np.isfinite(losses["torch"]).all()
    np.testing.assert_allclose(losses["paddle"], losses["torch"], rtol=2e-2)
    assert losses["paddle"][0] == pytest.approx(losses["torch"][0], rel=1e-4)
    states = {name: get_state(engine.head) for name, (engine, _, _) in found.items()}
    for name, value in states["torch"].items():
        other = states["paddle"][name]
        assert value.dtype == other.dtype == found["torch"][2][name].dtype, name  # a state in float64 stays one
        np.testing.assert_allclose(other, value, rtol=2e-2, atol=1e-2 * np.abs(value).max() + 1e-9, err_msg=name)


@pytest.mark.parametrize("precision", ["bfloat16", "float64"])
@pytest.mark.parametrize("head", ["AdaCos", "AdaFace", "CurricularFace", "ElasticFace", "SphereFace"])
def test_a_state_moves_in_every_precision(head, precision, batches, backend):
    engine, results, before = run(backend, head, batches, precision)
    after = get_state(engine.head)
    assert all(result.applied for result in results)
    moved = {name for name, value in after.items() if value.ndim == 0 and value != before[name]}
    assert moved
    assert all(after[name].dtype == np.float64 for name in moved)


def test_class_counts_come_from_the_data(backend):
    labels = np.array([0, 0, 0, 1, 1, 2])
    settings = {"backend": backend, "backbone": "MobileFaceNet", "backbone_options": {"input_size": 32}}
    config = load_config(None, {**settings, "head": "ClassBalanced"})
    assert get_state(create_engine(config, 3, labels).head)["class_counts"].tolist() == [3, 2, 1]
    given = load_config(None, {**settings, "head": "ClassBalanced", "head_options": {"class_counts": [7, 8, 9]}})
    assert get_state(create_engine(given, 3, labels).head)["class_counts"].tolist() == [7, 8, 9]
