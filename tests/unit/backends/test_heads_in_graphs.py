"""Heads in compiled graphs, on tensors without values, and under vmap; what their checks say in eager mode."""

import numpy as np
import pytest

import facezoo
from facezoo.zoo.catalog import HEADS

E, C, N = 8, 6, 4
LABELS = [0, 1, 1, 5]


def build(name, backend="torch", **options):
    return facezoo.create_head(name, backend=backend, embedding_size=E, num_classes=C, seed=0, **options)


def rows():
    return np.random.default_rng(0).normal(size=(N, E)).astype(np.float32)


@pytest.mark.parametrize("name", HEADS)
def test_a_head_compiles_to_one_graph(name):
    torch = pytest.importorskip("torch")
    torch._dynamo.reset()
    labels = torch.tensor(LABELS)
    eager, compiled = build(name), build(name)
    graph = torch.compile(compiled, fullgraph=True, backend="aot_eager")
    for _ in range(2):  # the second call uses the state that the first one left
        x, y = torch.tensor(rows(), requires_grad=True), torch.tensor(rows(), requires_grad=True)
        wanted, found = eager(x, labels), graph(y, labels)
        wanted.backward()
        found.backward()
        torch.testing.assert_close(found, wanted)
        torch.testing.assert_close(y.grad, x.grad)
    torch.testing.assert_close(dict(compiled.named_buffers()), dict(eager.named_buffers()))
    with pytest.raises(RuntimeError, match=r"a label is out of range; expected 0 to 5"):
        graph(y, torch.tensor([0, 1, 1, 6]))


@pytest.mark.parametrize("name", HEADS)
def test_tensors_without_values_give_the_shape_of_the_loss(name):
    torch = pytest.importorskip("torch")
    from torch._subclasses.fake_tensor import FakeTensorMode

    head = build(name)
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert head.eval()(torch.zeros(N, E), torch.zeros(N, dtype=torch.int64)).shape == ()
    meta = build(name).to("meta").eval()
    labels = torch.zeros(N, dtype=torch.int64, device="meta")
    assert meta(torch.zeros(N, E, device="meta"), labels).shape == ()


@pytest.mark.parametrize("name", HEADS)
def test_vmap_over_batches(name):
    torch = pytest.importorskip("torch")
    head = build(name).eval()
    batches = torch.tensor(np.stack([rows(), rows()[::-1]]))
    labels = torch.tensor([LABELS, LABELS])
    found = torch.vmap(head)(batches, labels)
    torch.testing.assert_close(found, torch.stack([head(x, y) for x, y in zip(batches, labels, strict=True)]))


@pytest.mark.parametrize("name", HEADS)
def test_a_head_becomes_a_static_paddle_graph(name):
    paddle = pytest.importorskip("paddle")
    x, labels = paddle.to_tensor(rows()), paddle.to_tensor(LABELS)
    static = build(name, "paddle")
    static.eval()
    wanted = build(name, "paddle")
    wanted.eval()
    graph = paddle.jit.to_static(static, full_graph=True)
    np.testing.assert_allclose(float(graph(x, labels)), float(wanted(x, labels)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", HEADS)
def test_unusable_batches_are_named(name, backend):
    native = pytest.importorskip(backend)
    tensor = native.tensor if backend == "torch" else native.to_tensor
    head = build(name, backend)
    with pytest.raises(IndexError, match=r"label 6 is out of range; expected 0 to 5"):
        head(tensor(rows()), tensor([0, 1, 1, 6]))
    with pytest.raises(IndexError, match=r"label -100 is out of range; expected 0 to 5"):
        head(tensor(rows()), tensor([0, 1, 1, -100]))
    with pytest.raises(ValueError, match="the batch is empty; expected one sample or more"):
        head(native.zeros([0, E]), native.zeros([0], dtype=native.int64))


@pytest.mark.parametrize("name", ["ArcFace", "Triplet"])
def test_the_call_of_pytorch_metric_learning(name, backend):
    native = pytest.importorskip(backend)
    tensor = native.tensor if backend == "torch" else native.to_tensor
    head, x, labels = build(name, backend), tensor(rows()), tensor(LABELS)
    losses = [head(x, labels), head(x, labels, None), head(x, labels, indices_tuple=None)]
    assert len({float(loss.detach()) for loss in losses}) == 1
    with pytest.raises(ValueError, match="indices_tuple is given; expected None"):
        head(x, labels, (labels, labels, labels))


def test_elastic_margins_are_normal_and_equal_on_both_backends():
    torch, paddle = pytest.importorskip("torch"), pytest.importorskip("paddle")
    from facezoo.margins.elasticface import normal_values

    drawn = {name: build("ElasticFace", name, sigma=0.05) for name in ("torch", "paddle")}
    values = np.concatenate([normal_values(3, step, 64) for step in range(400)])
    assert abs(values.mean()) < 0.02
    assert abs(values.std() - 1) < 0.02
    assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 0.02
    assert abs(np.corrcoef(values[64:], values[:-64])[0, 1]) < 0.02
    assert abs((values**4).mean() - 3) < 0.15
    for head in drawn.values():
        head.train()
    for step in range(3):
        wanted = 0.5 + 0.05 * normal_values(0, step, N)
        for head in drawn.values():
            np.testing.assert_allclose(head.draw(N).numpy(), wanted, rtol=1e-13)
    assert torch.equal(drawn["torch"].step, torch.tensor(3.0, dtype=torch.float64))
    assert float(paddle.to_tensor(drawn["paddle"].step)) == 3


@pytest.mark.parametrize("name", HEADS)
def test_repr_shows_sizes_and_hyper_parameters(name, backend):
    pytest.importorskip(backend)
    shown = repr(build(name, backend))
    assert "embedding_size=8, num_classes=6" in shown
    assert "variant=" in shown


def test_repr_of_arcface_shows_margin_and_scale(backend):
    pytest.importorskip(backend)
    assert "margin=0.4, scale=32.0" in repr(build("ArcFace", backend, margin=0.4, scale=32.0))
