"""Published checkpoint layouts filled by the stated rule give the original code's embedding on both backends."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path

import numpy as np
import pytest

import facezoo
from facezoo import backends

ROOT = os.environ.get("FACEZOO_TEST_DATA")
FOLDER = Path(ROOT or ".") / "golden" / "layouts"
WEIGHTS = Path(ROOT or ".") / "weights" / "mobilenet_v1_vggface2_hse.safetensors"
FILES = sorted(FOLDER.glob("*.json")) if ROOT else []
SMALL = ("arcface_torch_mbf", "facex_mobilefacenet")

needs_data = pytest.mark.skipif(ROOT is None, reason="FACEZOO_TEST_DATA is not set")


def filled(key: str, shape: list[int], kind: str, gain: float) -> np.ndarray:
    """The value of one entry, by the rule stated in the files."""
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode("utf-8"))))
    if kind in ("weight", "weight_io"):
        fan_in = shape[0] if kind == "weight_io" else np.prod(shape[1:])
        value = rng.standard_normal(shape) * np.sqrt(gain / fan_in)
    elif kind in ("norm_weight", "running_var"):
        value = 0.5 + rng.random(shape)
    elif kind == "zero":
        value = np.zeros(shape)
    else:
        middle, spread = {"running_mean": (0, 0.1), "bias": (0, 0.05), "prelu": (0.25, 0.05), "table": (0, 0.1)}[kind]
        value = middle + spread * rng.standard_normal(shape)
    return np.asarray(value, np.float32)


def test_the_filling_rule_gives_the_stated_numbers():
    value = filled("input_layer.0.weight", [64, 3, 3, 3], "weight", 0.5)
    assert value.reshape(-1)[:3] == pytest.approx([0.320133656, 0.0503663272, 0.00549713941], rel=1e-7)


def written(case: dict, path: Path) -> Path:
    """A checkpoint file in the project's format."""
    tensors, aliases = {}, {}
    for key, shape, kind in case["keys"]:
        if kind.startswith("alias:"):
            aliases[key] = kind.removeprefix("alias:")
        elif kind != "const":
            tensors[key] = filled(key, shape, kind, case["gain"])
    tensors |= {key: tensors[other] for key, other in aliases.items()}
    np.savez(path, **tensors)
    return path


def embedded(module, images: np.ndarray, backend: str) -> np.ndarray:
    if backend == "torch":
        import torch

        with torch.no_grad():
            return module(torch.from_numpy(images)).numpy()
    import paddle

    with paddle.no_grad():
        return module(paddle.to_tensor(images)).numpy()


@pytest.mark.parametrize("backend", backends.available())
@pytest.mark.parametrize(
    "file", [pytest.param(f, id=f.stem, marks=() if f.stem in SMALL else pytest.mark.full) for f in FILES]
)
def test_embedding_of_the_original_code(tmp_path, file, backend):
    case = json.loads(file.read_text())
    imported = facezoo.import_checkpoint(written(case, tmp_path / "weights.npz"), layout=case["id"])
    stated = case["preprocessing"]
    assert imported.preprocess.color == stated["colour"]
    assert imported.preprocess.size == (stated["size"],) * 2
    assert set(imported.preprocess.mean) == {stated["mean"]}
    assert set(imported.preprocess.std) == {stated["std"]}
    rng = np.random.Generator(np.random.PCG64(case["input"]["seed"]))
    images = rng.uniform(case["input"]["low"], case["input"]["high"], case["input"]["shape"]).astype(np.float32)
    embedding = embedded(imported.build(backend=backend), images, backend)
    norms = np.linalg.norm(embedding, axis=1)
    if case["output_normalised"]:
        if norms[0] != pytest.approx(1, abs=1e-4):
            assert norms == pytest.approx(case["output_norm"], rel=1e-4)
        embedding = embedding / norms[:, None]
    want = np.array(case["output"])
    assert np.abs(embedding - want).max() <= 1e-4 * np.sqrt((want**2).mean())


@needs_data
@pytest.mark.parametrize("backend", backends.available())
def test_published_vggface2_weights_give_their_embeddings(backend):
    want = np.array(json.loads((FOLDER.parent / "mobilenet_v1_vggface2_hse.json").read_text())["embedding"])
    imported = facezoo.import_checkpoint(WEIGHTS)
    assert (imported.backbone, imported.preprocess.color) == ("MobileNetV1", "BGR")
    pixels = np.floor(np.random.Generator(np.random.PCG64(2026)).uniform(0, 255, (2, 3, 224, 224)))
    images = pixels.astype(np.float32) - np.array(imported.preprocess.mean, np.float32)[:, None, None]
    got = embedded(imported.build(backend=backend), images, backend)
    assert np.abs(got - want).max() <= 1e-4 * np.abs(want).max()
