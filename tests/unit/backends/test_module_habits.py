"""Networks and losses are modules like any other: copied, pickled, saved, captured, under autocast, in torch.func."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest

import facezoo

OPTIONS = {"input_size": 32, "embedding_size": 8, "seed": 0}
HEADS = ["ArcFace", "AdaFace", "ElasticFace", "Softmax", "Triplet"]


def images(count: int = 4) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (count, 3, 32, 32)).astype(np.float32)


def tensor(values: np.ndarray, backend: str):
    import paddle
    import torch

    return torch.from_numpy(values) if backend == "torch" else paddle.to_tensor(values)


def head_of(name: str, backend: str):
    return facezoo.create_head(name, backend=backend, embedding_size=8, num_classes=5, seed=0)


def saved_and_loaded(module, backend: str):
    import paddle
    import torch

    file = io.BytesIO()
    if backend == "torch":
        torch.save(module, file)
        file.seek(0)
        return torch.load(file, weights_only=False)
    paddle.save(module.state_dict(), file)
    file.seek(0)
    module = copy.deepcopy(module)
    module.set_state_dict(paddle.load(file))
    return module


def test_a_backbone_is_copied_pickled_and_saved(backend):
    module = facezoo.create_backbone("MobileFaceNet", backend=backend, **OPTIONS)
    module.eval()
    wanted = module(tensor(images(), backend)).detach().numpy()
    copies = [copy.deepcopy(module), saved_and_loaded(module, backend)]
    if backend == "torch":  # paddle's own layers cannot be pickled
        copies.append(pickle.loads(pickle.dumps(module)))
    for other in copies:
        other.eval()
        assert np.array_equal(other(tensor(images(), backend)).detach().numpy(), wanted)
        assert list(other.state_dict()) == list(module.state_dict())


@pytest.mark.parametrize("name", HEADS)
def test_a_head_is_copied_and_saved(backend, name):
    module = head_of(name, backend)
    embeddings = tensor(np.random.default_rng(1).normal(size=(4, 8)).astype(np.float32), backend)
    labels = tensor(np.array([0, 1, 1, 0]), backend)
    module.eval()
    wanted = float(module(embeddings, labels).detach())
    for other in (copy.deepcopy(module), saved_and_loaded(module, backend)):
        other.eval()
        assert float(other(embeddings, labels).detach()) == wanted
        assert repr(other) == repr(module)


@pytest.mark.parametrize("name", HEADS)
def test_a_loss_under_autocast_is_that_of_float32(backend, name):
    """Half precision embeddings are computed in float32: the loss is that of the rounded embeddings, to float32."""
    import paddle
    import torch

    module = head_of(name, backend)
    module.eval()
    rows = np.random.default_rng(1).normal(size=(4, 8)).astype(np.float16)
    labels = tensor(np.array([0, 1, 1, 0]), backend)
    wanted = float(module(tensor(rows.astype(np.float32), backend), labels).detach())
    if backend == "torch":
        with torch.autocast("cpu", torch.bfloat16):
            found = module(tensor(rows, backend), labels)
        assert found.dtype is torch.float32
    else:
        with paddle.amp.auto_cast(level="O1", dtype="bfloat16"):
            found = module(tensor(rows, backend), labels)
        assert found.dtype == paddle.float32
    assert abs(float(found.detach()) - wanted) <= 1e-5 * max(1.0, abs(wanted))


def test_torch_func_gives_the_gradients_of_autograd():
    import torch

    torch.manual_seed(0)
    head = head_of("ArcFace", "torch")
    embeddings, labels = torch.randn(4, 8), torch.tensor([0, 1, 1, 4])
    parameters = {name: value.detach() for name, value in head.named_parameters()}

    def loss_of(values, rows):
        return torch.func.functional_call(head, values, (rows, labels))

    (gradient,) = torch.func.grad(loss_of)(parameters, embeddings).values()
    head(embeddings, labels).backward()
    torch.testing.assert_close(gradient, head.weight.grad)


def test_a_backbone_is_exported():
    import torch

    module = facezoo.create_backbone("MobileFaceNet", backend="torch", **OPTIONS).eval()
    given = torch.from_numpy(images())
    wanted = module(given)
    torch.testing.assert_close(torch.export.export(module, (given,)).module()(given), wanted)


@pytest.mark.full
def test_paddle_sees_parameters_and_saves_a_program(tmp_path):
    import paddle

    module = facezoo.create_backbone("MobileFaceNet", backend="paddle", **OPTIONS)
    module.eval()
    given = paddle.to_tensor(images())
    counted = paddle.summary(module, (1, 3, 32, 32))
    assert int(counted["trainable_params"]) == sum(p.size for p in module.parameters() if not p.stop_gradient)
    paddle.jit.save(module, str(tmp_path / "m"), input_spec=[paddle.static.InputSpec([None, 3, 32, 32], "float32")])
    found = paddle.jit.load(str(tmp_path / "m"))(given)
    np.testing.assert_allclose(found.numpy(), module(given).numpy(), atol=1e-6)
