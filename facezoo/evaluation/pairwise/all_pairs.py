"""All pairs of a set of images: exact figures from billions of scores in bounded memory.

A score is the cosine summed in float64, rounded to 30 binary places and then to float32, so that it depends neither
on the tile nor on the machine, and equal pairs tie. Every impostor score is compared with every genuine score
(:mod:`facezoo.evaluation.pairwise.counters`): the ROC is exact, not sampled.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from facezoo.bulk import Engine, Keep, run_shards
from facezoo.errors import ConfigError, ProtocolError, UnknownNameError
from facezoo.evaluation.pairwise.counters import RankCounter, TopScores
from facezoo.evaluation.pairwise.part import AllPairsPart, fingerprint, merge, query_values
from facezoo.evaluation.pairwise.result import AllPairsResult
from facezoo.evaluation.pairwise.tiles import Side, Tiling, pair_counts
from facezoo.evaluation.scores.checks import allowed, check_far, encode_labels
from facezoo.io.progress import OnProgress, ignore_progress

METRICS = ("cosine", "dot")
PRECISIONS = {"float64": np.float64, "float32": np.float32}
_MOST_PARTS = 64  # of a cluster; each part scores the genuine pairs again
MOST_TOP = 2**25  # scores kept in order: 128 MiB


def all_pairs(
    embeddings: np.ndarray,
    labels: Sequence[object] | np.ndarray,
    far: Sequence[float] | float = (1e-5, 1e-6),
    *,
    against: tuple[np.ndarray, Sequence[object] | np.ndarray] | None = None,
    thresholds: Sequence[float] = (),
    metric: str = "cosine",
    precision: str = "float64",
    block: int | None = None,
    workers: int | None = None,
    confidence: float = 0.95,
    engine: str | Engine = "local",
    keep_parts: str | Path | None = None,
    on_progress: OnProgress = ignore_progress,
) -> AllPairsResult:
    """Compare every pair of embeddings: TAR at FAR, ROC, EER and AUC, exactly.

    The threshold of FAR f is the smallest t with FMR(score >= t) <= f; TAR is the share of genuine pairs with
    score >= t. Ties are accepted or rejected together.

    Args:
        embeddings: (N, E), any length; not copied.
        labels: the identity of each row (N,), numbers or names.
        far: wanted false-accept rates in (0, 1].
        against: a second set (embeddings, labels): each of its rows is compared with each row of the first set, and
            no pairs within a set are compared (for example masked against unmasked faces).
        thresholds: additional thresholds at which FMR and FNMR are computed.
        metric: "cosine", or "dot" for scores of rows that are not normalised.
        precision: precision of the sums of products, "float64" or "float32" (twice as fast; a score may then differ
            in its last bit between tiles).
        block: rows and columns of a tile; memory grows with its square. By default an eighth of N, 256 to 2048.
            The result does not depend on it.
        workers: number of threads; by default the number of processors available to this process.
        confidence: of the intervals.
        engine: "local" for threads of this process, or "ray" or an :class:`facezoo.bulk.Engine` for tasks of a
            cluster, which get the embeddings over the network.
        keep_parts: folder that keeps the finished parts of a cluster, so that a call that was killed continues there;
            deleted at the end.
        on_progress: called with the tiles done and their total; with parts of a cluster, with those.

    Raises:
        ShapeError, NumericalError: embeddings or labels do not fit, or hold NaN, infinity or a zero row.
        ProtocolError: no genuine pair, no impostor pair, or a rate outside (0, 1].

    >>> all_pairs(np.eye(3)[[0, 0, 1, 2]], [7, 7, 8, 9], far=[0.5]).tar
    {0.5: 1.0}
    """
    part = partial(
        all_pairs_part, embeddings, labels, far, against=against, thresholds=thresholds, metric=metric,
        precision=precision, block=block, confidence=confidence,
    )  # fmt: skip
    engine = Engine.of(engine)
    if engine.name == "local":
        return merge([part(workers=workers, on_progress=on_progress)])
    tiling, _, key = _prepared(embeddings, labels, far, against, thresholds, metric, precision, block, confidence)
    parts = min(_MOST_PARTS, len(tiling.tiles()))
    keep = None
    if keep_parts is not None:
        job = {"work": "all pairs", "parts": parts, "key": key}
        keep = Keep(keep_parts, job, lambda path, found: found.save(path), AllPairsPart.load, ".npz")
    found: list[AllPairsPart] = []
    for _, result in run_shards(partial(_part_on, part, parts), range(parts), engine=engine, keep=keep):
        found.append(result)
        on_progress(len(found), parts)
    if keep is not None:
        keep.remove()
    return merge(found)


def _part_on(part: Callable[..., AllPairsPart], parts: int) -> Callable[[int], AllPairsPart]:
    """The function of a worker process from the number of a part to the part."""
    return lambda number: part(part=number, parts=parts, workers=1)


def all_pairs_part(
    embeddings: np.ndarray,
    labels: Sequence[object] | np.ndarray,
    far: Sequence[float] | float = (1e-5, 1e-6),
    *,
    part: int = 0,
    parts: int = 1,
    against: tuple[np.ndarray, Sequence[object] | np.ndarray] | None = None,
    thresholds: Sequence[float] = (),
    metric: str = "cosine",
    precision: str = "float64",
    block: int | None = None,
    workers: int | None = None,
    confidence: float = 0.95,
    on_progress: OnProgress = ignore_progress,
) -> AllPairsPart:
    """One part of :func:`all_pairs`, for another process or machine; :func:`merge_all_pairs` merges the parts.

    Args are those of :func:`all_pairs`; ``part`` is 0..parts - 1.
    """
    if not 0 <= part < parts:
        raise ConfigError(f"part is {part} of {parts}; expected 0..{parts - 1}")
    tiling, settings, key = _prepared(
        embeddings, labels, far, against, thresholds, metric, precision, block, confidence
    )
    rates, total_impostor = settings["far"], settings["impostor"]
    genuine, sizes = tiling.genuine()
    ranks = RankCounter(query_values(genuine, settings))
    kept = [allowed(rate, total_impostor) + 1 for rate in rates if allowed(rate, total_impostor) < MOST_TOP]
    top = TopScores(min(max(kept, default=1), total_impostor))
    _count(tiling, tiling.tiles()[part::parts], ranks, top, workers, on_progress)
    below, equal = ranks.counts()
    return AllPairsPart(key, part, parts, settings, genuine, sizes, below, equal, top.values())


def _prepared(
    embeddings: np.ndarray,
    labels: Sequence[object] | np.ndarray,
    far: Sequence[float] | float,
    against: tuple[np.ndarray, Sequence[object] | np.ndarray] | None,
    thresholds: Sequence[float],
    metric: str,
    precision: str,
    block: int | None,
    confidence: float,
) -> tuple[Tiling, dict[str, Any], str]:
    """The tiles of a computation, its settings as plain types, and the fingerprint of its input."""
    if block is None:  # with few rows, large tiles would waste half of those on the diagonal
        block = min(2048, max(256, -(-len(np.asarray(embeddings)) // 2048) * 256))
    if block < 1:
        raise ConfigError(f"block is {block}; expected 1 or more")
    rates = check_far(far)
    tiling = _tiling(embeddings, labels, against, metric, precision, block)
    total_genuine, total_impostor = pair_counts(tiling)
    settings: dict[str, Any] = {
        "far": list(rates),
        "thresholds": [float(value) for value in thresholds],
        "metric": metric,
        "precision": precision,
        "confidence": confidence,
        "genuine": total_genuine,
        "impostor": total_impostor,
        "labels_sha256": fingerprint([side.codes for side in _sides(tiling)], {}),
        **_describe(tiling),
    }
    return tiling, settings, fingerprint(_arrays(tiling), {**settings, "block": block})


def merge_all_pairs(parts: Sequence[AllPairsPart]) -> AllPairsResult:
    """The result of :func:`all_pairs` from all its parts, in any order.

    Raises:
        ProtocolError: a part is missing, is given twice, or belongs to another computation.
    """
    return merge(parts)


def _tiling(
    embeddings: np.ndarray,
    labels: Sequence[object] | np.ndarray,
    against: tuple[np.ndarray, Sequence[object] | np.ndarray] | None,
    metric: str,
    precision: str,
    block: int,
) -> Tiling:
    if metric not in METRICS:
        raise UnknownNameError("metric", metric, METRICS)
    if precision not in PRECISIONS:
        raise UnknownNameError("precision", precision, PRECISIONS)
    left = np.asarray(embeddings)
    dtype = PRECISIONS[precision]
    places = metric == "cosine" and dtype is np.float64
    if against is None:
        codes = encode_labels(labels, len(left))
        return Tiling(Side.build(left, codes, metric, "embeddings"), None, block, dtype, places)
    right = np.asarray(against[0])
    if left.shape[1:] != right.shape[1:]:
        raise ProtocolError(f"embeddings {left.shape} against {right.shape}; expected the same length of rows")
    if np.asarray(labels).dtype.kind != np.asarray(against[1]).dtype.kind:
        raise ProtocolError("labels of the two sets are of different kinds; expected both numbers or both names")
    one, two = np.asarray(labels), np.asarray(against[1])
    encode_labels(one, len(left))
    encode_labels(two, len(right), what="labels of the second set")
    codes = encode_labels(np.concatenate([one, two]), len(left) + len(right))
    return Tiling(
        Side.build(left, codes[: len(left)], metric, "embeddings"),
        Side.build(right, codes[len(left) :], metric, "embeddings of the second set"),
        block,
        dtype,
        places,
    )


def _processors() -> int:
    """Number of processors that this process may use, if the system reports it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _sides(tiling: Tiling) -> list[Side]:
    return [tiling.left] + ([tiling.right] if tiling.right else [])


def _arrays(tiling: Tiling) -> list[np.ndarray]:
    return [array for side in _sides(tiling) for array in (side.embeddings, side.codes, side.order)]


def _describe(tiling: Tiling) -> dict[str, Any]:
    codes, counts = np.unique(tiling.left.codes, return_counts=True)
    if tiling.right is None:
        alone = int((counts == 1).sum())
        where = "have one image"
    else:
        alone = int((~np.isin(codes, tiling.right.codes)).sum())
        where = "are in the first set only"
    notes = [f"{alone} of {len(codes)} identities {where} and give no genuine pair"] if alone else []
    return {"identities": len(codes), "notes": notes}


def _count(
    tiling: Tiling,
    tiles: list[tuple[int, int]],
    ranks: RankCounter,
    top: TopScores,
    workers: int | None,
    on_progress: OnProgress,
) -> None:
    """Count the scores of every tile; products and sorts run in parallel, the counters are updated under a lock."""
    lock = Lock()
    done = 0

    def one(tile: tuple[int, int]) -> None:
        nonlocal done
        scores = tiling.impostors(*tile)
        found = ranks.find(scores)
        with lock:
            ranks.add(found)
            top.add(scores)
            done += 1
            on_progress(done, len(tiles))

    with ThreadPoolExecutor(workers or _processors()) as pool:
        for _ in pool.map(one, tiles):
            pass
