"""Cleaning and pooling of frames; error-versus-reject curves."""

import numpy as np
import pytest

from facezoo.errors import NumericalError, ProtocolError, ShapeError, UnknownNameError
from facezoo.evaluation.metrics.quality import error_versus_reject, pair_quality
from facezoo.evaluation.metrics.video import clean_frames, frame_clusters, pool_frames, pool_videos


def angle(*degrees):
    radians = np.deg2rad(np.array(degrees, float))
    return np.stack([np.cos(radians), np.sin(radians)], 1).astype(np.float32)


def test_frames_are_linked_through_other_frames():
    frames = angle(0, 100, 20, 40, 120, 60)  # 0-20-40-60 is a chain though 0 and 60 are apart
    assert frame_clusters(frames, np.cos(np.deg2rad(25))).tolist() == [0, 1, 0, 0, 1, 0]
    assert clean_frames(frames, np.cos(np.deg2rad(25))).tolist() == [True, False, True, True, False, True]


def test_of_equal_clusters_the_first_is_kept():
    assert clean_frames(angle(90, 0, 91, 1), 0.99).tolist() == [True, False, True, False]


@pytest.mark.parametrize("seed", range(5))
def test_clusters_equal_repeated_spreading(seed):
    rows = np.random.default_rng(seed).normal(size=(40, 3))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    linked = (unit @ unit.T >= 0.9).astype(int)
    reach = linked
    for _ in range(40):
        reach = ((reach @ linked) > 0).astype(int)
    clusters = frame_clusters(rows, 0.9)
    assert ((clusters[:, None] == clusters[None]) == reach.astype(bool)).all()


def test_poolings():
    frames = angle(0, 90) * np.array([[3], [1]], np.float32)
    np.testing.assert_allclose(pool_frames(frames), angle(45)[0], atol=1e-6)
    np.testing.assert_allclose(pool_frames(frames, "norm"), np.array([3, 1]) / np.sqrt(10), atol=1e-6)
    np.testing.assert_allclose(pool_frames(frames, "quality", np.array([0, 2])), [0, 1], atol=1e-6)


def test_videos():
    frames = np.concatenate([angle(0, 2, 90), angle(45)])
    names, rows, kept = pool_videos(frames, np.array(["v", "v", "v", "a"]), threshold=0.9)
    assert names.tolist() == ["a", "v"]
    assert kept.tolist() == [True, True, False, True]
    np.testing.assert_allclose(rows, angle(45, 1), atol=1e-6)


def test_bad_videos():
    with pytest.raises(UnknownNameError, match="quality"):
        pool_frames(angle(0), "qualities")
    with pytest.raises(ShapeError, match="one per frame"):
        pool_frames(angle(0, 1), "quality", np.ones(3))
    with pytest.raises(NumericalError, match="not all 0"):
        pool_frames(angle(0, 1), "quality", np.zeros(2))
    with pytest.raises(NumericalError, match="add up to zero"):
        pool_frames(np.array([[1.0, 0], [-1, 0]]))
    with pytest.raises(ProtocolError, match="expected a cosine"):
        clean_frames(angle(0), 1.5)
    with pytest.raises(ShapeError, match="one per frame"):
        pool_videos(angle(0, 1), np.array([1]))


def pairs(seed, n=400):
    rng = np.random.default_rng(seed)
    same = np.arange(n) % 2 == 0
    scores = np.round(rng.normal(0.6 * same, 0.3), 2)
    return scores, same, np.round(scores + rng.normal(0, 0.3, n), 1)


@pytest.mark.parametrize("seed", range(3))
def test_reject_curve_equals_the_mean_over_orders_of_ties(seed):
    scores, same, quality = pairs(seed)
    curve = error_versus_reject(scores, same, quality, fmr=0.05, reject=[0, 0.25, 0.5])
    wrong = scores[same] < curve.threshold
    worth = quality[same]
    rng = np.random.default_rng(seed)
    sums = np.zeros(3)
    for _ in range(400):
        order = np.lexsort((rng.random(len(worth)), worth))
        sums += [wrong[order[int(share * len(order)) :]].mean() for share in (0, 0.25, 0.5)]
    np.testing.assert_allclose(curve.fnmr, sums / 400, atol=0.004)
    assert curve.fnmr[0] == pytest.approx(curve.random)


def test_perfect_and_useless_quality():
    scores, same, _ = pairs(9)
    perfect = error_versus_reject(scores, same, scores, fmr=0.05)
    useless = error_versus_reject(scores, same, np.zeros(len(scores)), fmr=0.05)
    assert perfect.area < useless.area
    np.testing.assert_allclose(useless.fnmr, useless.random, atol=1e-12)
    assert useless.area == pytest.approx(useless.random)


def test_bad_quality():
    scores, same, quality = pairs(9)
    assert pair_quality([1, 5], [3, 2]).tolist() == [1, 2]
    with pytest.raises(ShapeError):
        pair_quality([1], [1, 2])
    with pytest.raises(ShapeError, match="one per pair"):
        error_versus_reject(scores, same, quality[1:])
    with pytest.raises(NumericalError, match="quality is NaN"):
        error_versus_reject(scores, same, quality * np.nan)
    with pytest.raises(ProtocolError, match="needs 100,000 impostor pairs"):
        error_versus_reject(scores, same, quality, fmr=1e-5)
    with pytest.raises(ProtocolError, match="ascending shares"):
        error_versus_reject(scores, same, quality, fmr=0.05, reject=[0.5, 0.1])
