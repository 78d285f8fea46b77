"""The Embedder with modules from outside the zoo, on both backends."""

from __future__ import annotations

import importlib
import warnings

import numpy as np
import pytest

import facezoo
from facezoo.checkpoints.weights import save_user_weights
from facezoo.errors import CheckpointError, ConfigError

PREPROCESS = facezoo.Preprocess(size=(32, 24))
CROPS = np.random.default_rng(0).integers(0, 256, (5, 32, 24, 3), np.uint8)


@pytest.fixture
def own(backend):
    return importlib.import_module(f"own_modules_{backend}")


def test_a_module_from_outside_the_zoo_embeds(own, backend):
    module = own.Network()
    embedder = facezoo.Embedder(module, preprocess=PREPROCESS, flip=False, device="cpu", batch_size=2)
    assert (embedder.backend, embedder.embedding_size, embedder.spec) == (backend, 16, None)
    assert embedder.preprocess == PREPROCESS
    rows = embedder.embed(CROPS)
    raw = embedder.raw(CROPS)
    np.testing.assert_allclose(rows, raw / np.linalg.norm(raw, axis=1, keepdims=True), atol=1e-6)
    flipped = facezoo.Embedder(module, preprocess=PREPROCESS, device="cpu").embed(CROPS)
    both = raw + embedder.raw(CROPS[:, :, ::-1])
    np.testing.assert_allclose(flipped, both / np.linalg.norm(both, axis=1, keepdims=True), atol=1e-5)


def test_preprocess_is_applied(own, backend):
    module = own.Network()
    plain = facezoo.Embedder(module, preprocess=PREPROCESS, device="cpu").raw(CROPS)
    swapped = facezoo.Preprocess(color="BGR", size=(32, 24))
    np.testing.assert_allclose(
        facezoo.Embedder(module, preprocess=swapped, device="cpu").raw(CROPS[..., ::-1]), plain, atol=1e-5
    )


def test_a_weight_file_of_a_class_from_outside_the_zoo(own, backend, tmp_path):
    module = own.Network()
    save_user_weights(module, tmp_path / "w.safetensors", f"own_modules_{backend}:Network", 16, PREPROCESS)
    with pytest.raises(CheckpointError, match=r"facezoo.load_weights\(path, module=\.\.\.\)"):
        facezoo.Embedder(tmp_path / "w.safetensors", backend=backend)
    loaded = facezoo.load_weights(tmp_path / "w.safetensors", module=own.Network())
    rows = [facezoo.Embedder(item, preprocess=PREPROCESS, device="cpu").embed(CROPS) for item in (module, loaded)]
    np.testing.assert_array_equal(*rows)


def test_a_module_from_outside_the_zoo_needs_preprocess(own, backend):
    with pytest.raises(ConfigError, match=rf"own_modules_{backend}:Network.*without preprocess; expected Embedder"):
        facezoo.Embedder(own.Network())


def test_a_module_that_gives_no_embedding(own):
    with pytest.raises(ConfigError, match=r"Flat called with images \(4, 3, 32, 24\) returned a tensor"):
        facezoo.Embedder(own.Flat(), preprocess=PREPROCESS)


def test_something_else_than_a_module():
    with pytest.raises(ConfigError, match="int is neither"):
        facezoo.Embedder(7)


def test_a_photo_that_is_not_aligned_gives_a_warning(own):
    embedder = facezoo.Embedder(own.Network(), preprocess=PREPROCESS, flip=False, device="cpu")
    photo = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)
    with pytest.warns(UserWarning, match=r"image 1 is 400x300 pixels, as are 1 more; expected .* 24x32.*Recognizer"):
        embedder.embed([CROPS[0], photo, photo])
    with pytest.warns(UserWarning, match="image 0 is 24x64 pixels;"):
        embedder.embed([photo[:64, :24]])  # of another shape
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embedder.embed([CROPS[0], photo[:64, :48], photo[:16, :12], photo[:32, :28]])
