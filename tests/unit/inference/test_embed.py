"""Batches, flip fusion and normalisation; the result must not depend on the batch size."""

import numpy as np
import pytest

from facezoo.errors import ConfigError, NumericalError, ShapeError, UnknownNameError
from facezoo.evaluation.scores.pair_scores import pair_scores
from facezoo.inference.embed import embed_images


def images(n=11, seed=0):
    return np.random.default_rng(seed).integers(1, 256, (n, 6, 5, 3), dtype=np.uint8)


def embed(batch):
    """Channel order, position and mirroring all change the result, for each row."""
    weights = np.arange(1, 6 * 5 * 3 + 1).reshape(6, 5, 3)
    flat = (batch.astype(np.float64) * weights).reshape(len(batch), -1)
    return np.stack([flat[:, ::3].sum(1), flat[:, 1::3].sum(1) - 9e5, flat[:, 2::3].sum(1)], 1).astype(np.float32)


@pytest.mark.parametrize("flip", ["none", "sum", "concat"])
def test_results_of_all_batch_sizes_are_bit_identical(flip):
    sets = images()
    whole = embed_images(sets, embed, batch_size=64, flip=flip)
    for size in range(1, 13):
        assert (embed_images(iter(sets), embed, batch_size=size, flip=flip) == whole).all()


def test_flip_sum_adds_raw_embeddings_before_normalising():
    sets = images()
    raw = embed(sets) + embed(sets[:, :, ::-1])
    expected = raw / np.linalg.norm(raw.astype(np.float64), axis=1, keepdims=True)
    np.testing.assert_allclose(embed_images(sets, embed, flip="sum"), expected, rtol=1e-6)
    assert (embed_images(sets, embed, flip="sum", unit=False) == raw).all()


def test_flip_concat_keeps_both_halves():
    sets = images()
    raw = embed_images(sets, embed, flip="concat", unit=False)
    assert (raw == np.concatenate([embed(sets), embed(sets[:, :, ::-1])], 1)).all()


def test_progress_counts_images():
    counts = []
    embed_images(images(5), embed, batch_size=2, on_progress=lambda done, *_: counts.append(done))
    assert counts == [2, 4, 5]


def test_huge_and_tiny_embeddings_are_normalised():
    rows = np.array([[1e38, 1e38], [1e-38, 0]], np.float32)
    np.testing.assert_allclose(np.linalg.norm(embed_images(images(2), lambda x: rows, flip="none"), axis=1), 1)


def test_bad_input():
    sets = images(4)
    with pytest.raises(UnknownNameError, match="did you mean 'concat'"):
        embed_images(sets, embed, flip="concate")
    with pytest.raises(ConfigError, match="batch_size is 0"):
        embed_images(sets, embed, batch_size=0)
    with pytest.raises(ShapeError, match="no images"):
        embed_images([], embed)
    with pytest.raises(ShapeError, match="image 3"):
        embed_images([*sets[:3], sets[3][:4]], embed, batch_size=2)
    with pytest.raises(ShapeError, match="image 0 is float64"):
        embed_images(sets / 255.0, embed)
    with pytest.raises(ShapeError, match="embed gave"):
        embed_images(sets, lambda x: np.ones((1, 2)), flip="none")
    with pytest.raises(NumericalError, match="image 2 holds NaN"):
        embed_images(sets, lambda x: np.where(np.arange(4)[:, None] == 2, np.nan, np.ones((4, 2))))
    with pytest.raises(NumericalError, match="all zeros"):
        embed_images(sets, lambda x: np.zeros((len(x), 2)))


def test_pair_scores_are_cosines():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(7, 5)).astype(np.float32) * 10
    first, second = np.array([0, 1, 6]), np.array([0, 2, 3])
    scores = pair_scores(rows, first, second)
    assert scores[0] == pytest.approx(1, abs=1e-6)
    a, b = rows[1].astype(float), rows[2].astype(float)
    assert scores[1] == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-6)
    with pytest.raises(ShapeError, match="names row 7"):
        pair_scores(rows, np.array([7]), np.array([0]))
