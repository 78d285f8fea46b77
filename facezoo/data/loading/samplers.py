"""The order of the images in an epoch: a pure function of (seed, epoch), cut into batches and ranks.

A sampler uses labels, never pixels. The order of an epoch is one array, so any step can be reached directly:
``batches(epoch, start_batch=k)`` continues exactly where an interrupted run stopped.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from facezoo.errors import ConfigError, DataError, UnknownNameError
from facezoo.rng import generator


class Sampler(ABC):
    """The order of the images of each epoch.

    One step of a run takes ``batch_size * world_size`` consecutive images of the order; process ``rank``
    gets its ``batch_size`` of them.

    Args:
        labels: int64 (n,), the identity of each image.
        batch_size: images per process and step, 1 or more.
        seed: the run's seed.
        rank: this process, 0..world_size-1.
        world_size: processes that share the epoch.
        drop_last: leave out an incomplete last step (training) or yield it (evaluation; over several processes
            the rest is split as evenly as possible, so a process may have one step less).
        weights: float64 (n,), above 0: how often each image comes in an epoch, on average; None: once. Only shuffled
            and weighted sampling take them.

    Raises:
        ConfigError: a number is out of range, the images do not fill one step, or the order takes no weights.
    """

    takes_weights = False

    def __init__(
        self,
        labels: np.ndarray,
        *,
        batch_size: int,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        drop_last: bool = True,
        weights: np.ndarray | None = None,
    ) -> None:
        if weights is not None and not self.takes_weights:
            raise ConfigError(
                f"{type(self).__name__} takes no weights of images; expected shuffled or weighted sampling"
            )
        self.weights = weights
        if batch_size < 1:
            raise ConfigError(f"batch_size is {batch_size}; expected 1 or more")
        if not 0 <= rank < world_size:
            raise ConfigError(f"rank is {rank}; expected 0..{world_size - 1} (world_size {world_size})")
        self.labels = np.asarray(labels, dtype=np.int64)
        if len(self.labels) == 0:
            raise DataError("the data set holds 0 images; expected 1 or more")
        self.batch_size, self.seed = int(batch_size), int(seed)
        self.rank, self.world_size, self.drop_last = int(rank), int(world_size), bool(drop_last)
        if drop_last and self._order_length() < self._step:
            raise ConfigError(
                f"{self._order_length()} images do not fill one batch of {batch_size} x {world_size} "
                "processes; lower the batch size"
            )

    @property
    def _step(self) -> int:
        return self.batch_size * self.world_size

    def _order_length(self) -> int:
        return len(self.labels) if self.weights is None else max(1, round(float(self.weights.sum())))

    def _drawn(self, images: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """``_order_length()`` draws of images, each ``floor(e)`` or ``floor(e) + 1`` times, in random order.

        ``e`` is the expected number, in proportion to the weight (systematic resampling).

        Args:
            images: int64 (n,), in random order, so that different images share a stratum in each epoch.
            weights: float64 (n,), theirs, above 0.
            rng: of the draws.
        """
        length = self._order_length()
        reached = np.cumsum(weights * (length / weights.sum()))
        reached[-1] = length
        repeats = np.diff(np.floor(reached + rng.random()), prepend=0.0).astype(np.int64)
        return rng.permutation(np.repeat(images, repeats))

    def __len__(self) -> int:
        """Steps of one epoch, the same for each process when ``drop_last``."""
        full, rest = divmod(self._order_length(), self._step)
        return full + (0 if self.drop_last else int(rest > self.rank))

    @abstractmethod
    def order(self, epoch: int) -> np.ndarray:
        """Image indices of the whole epoch over all processes, int64 (m,)."""

    def batches(self, epoch: int, start_batch: int = 0) -> Iterator[np.ndarray]:
        """This process's batches from ``start_batch`` on: int64 (batch_size,); the last may be shorter."""
        order = self.order(epoch)
        for batch in range(start_batch, len(self)):
            yield order[self.positions(batch)]

    def positions(self, batch: int) -> np.ndarray:
        """Indices into :meth:`order` of a batch of this process, int64 (batch_size,)."""
        begin = batch * self._step
        rest = self._order_length() - begin
        if rest >= self._step:
            begin += self.rank * self.batch_size
            return np.arange(begin, begin + self.batch_size)
        return begin + np.array_split(np.arange(rest), self.world_size)[self.rank]


class SequentialSampler(Sampler):
    """Images in the order of the source, the same in each epoch.

    >>> [b.tolist() for b in SequentialSampler([0, 0, 1], batch_size=2, drop_last=False).batches(0)]
    [[0, 1], [2]]
    """

    def order(self, epoch: int) -> np.ndarray:
        """0, 1, ... n-1."""
        return np.arange(len(self.labels))


class ShuffledSampler(Sampler):
    """Each image once per epoch, or as often as its weight says, in a new order each time.

    >>> sorted(ShuffledSampler([0, 0, 1, 1], batch_size=2).order(0).tolist())
    [0, 1, 2, 3]
    """

    takes_weights = True

    def order(self, epoch: int) -> np.ndarray:
        """A permutation of 0..n-1; with weights, draws of these."""
        rng = generator(self.seed, "order", epoch)
        images = rng.permutation(len(self.labels))
        return images if self.weights is None else self._drawn(images, self.weights[images], rng)


class WeightedSampler(Sampler):
    """Rare identities more often: an image of an identity with c images has weight ``c ** -power``.

    An epoch is still n draws. Each image comes ``floor(e)`` or ``floor(e) + 1`` times, where ``e`` is its
    expected number (systematic resampling), so with ``power=0`` each image comes exactly once. Weights of images are
    factors of these.

    Args:
        power: 0 (frequencies of the data) to 1 (identities equally often); 0.5 is the usual compromise.
    """

    takes_weights = True

    def __init__(self, labels: np.ndarray, *, power: float = 0.5, **common: Any) -> None:
        if not 0.0 <= power <= 1.0:
            raise ConfigError(f"weighted sampling's power is {power}; expected 0..1")
        self.power = float(power)
        super().__init__(labels, **common)

    def order(self, epoch: int) -> np.ndarray:
        """N draws, int64 (n,)."""
        rng = generator(self.seed, "weighted", epoch)
        images = rng.permutation(len(self.labels))
        counts = np.bincount(self.labels)[self.labels[images]]
        weights = counts.astype(np.float64) ** -self.power
        if self.weights is not None:
            weights = weights * self.weights[images]
        return self._drawn(images, weights, rng)


class IdentitySampler(Sampler):
    """Batches of P identities with K images each, for pair and triplet losses.

    An epoch has as many images as the set. Identities come in shuffled rounds and differ within a batch. The images
    of an identity come in a shuffled cycle, so none repeats before all were used; an identity with fewer than K images
    repeats some within its group.

    Args:
        identities: P, 1..C.
        images: K, 1 or more. ``batch_size`` is P * K.
    """

    def __init__(self, labels: np.ndarray, *, identities: int, images: int, **common: Any) -> None:
        labels = np.asarray(labels, dtype=np.int64)
        self._present, counts = np.unique(labels, return_counts=True)
        if not 1 <= identities <= len(self._present):
            raise ConfigError(
                f"{identities} identities per batch; expected 1..{len(self._present)}, the number in the data set"
            )
        if images < 1:
            raise ConfigError(f"{images} images per identity; expected 1 or more")
        self.identities, self.images = int(identities), int(images)
        self._counts, self._starts = counts, np.cumsum(counts) - counts
        size = common.pop("batch_size", None)
        if size not in (None, identities * images):
            raise ConfigError(f"batch_size is {size}; expected {identities:g} identities x {images:g} images")
        super().__init__(labels, batch_size=identities * images, **common)

    def _order_length(self) -> int:
        step = self.identities * self.images * self.world_size
        return max(step, len(self.labels) // step * step)

    def order(self, epoch: int) -> np.ndarray:
        """Consecutive groups of K images of one identity, int64 (m,)."""
        rng = generator(self.seed, "identities", epoch)
        by_identity = np.lexsort((rng.random(len(self.labels)), self.labels))  # shuffled within each identity
        chosen = self._rounds(rng, self._order_length() // self.images)  # (groups,)
        turn = occurrences(chosen)[:, None] * self.images + np.arange(self.images)  # (groups, K)
        place = self._starts[chosen][:, None] + turn % self._counts[chosen][:, None]
        return by_identity[place].reshape(-1)

    def _rounds(self, rng: np.random.Generator, groups: int) -> np.ndarray:
        """The identity of each group: shuffled rounds, cut so that none repeats in a batch."""
        whole = len(self._present) // self.identities * self.identities
        rounds = [rng.permutation(len(self._present))[:whole] for _ in range(-(-groups // whole))]
        return np.concatenate(rounds)[:groups]


def occurrences(values: np.ndarray) -> np.ndarray:
    """How often the value of each entry occurred before it, int64 (n,).

    >>> occurrences(np.array([7, 3, 7, 7, 3])).tolist()
    [0, 0, 1, 2, 1]
    """
    values = np.asarray(values)
    by_value = np.argsort(values, kind="stable")
    ordered = values[by_value]
    first = np.searchsorted(ordered, ordered, side="left")
    result = np.empty(len(values), dtype=np.int64)
    result[by_value] = np.arange(len(values)) - first
    return result


SAMPLERS: dict[str, type[Sampler]] = {
    "sequential": SequentialSampler,
    "shuffled": ShuffledSampler,
    "weighted": WeightedSampler,
    "identities": IdentitySampler,
}


def create_sampler(name: str, labels: np.ndarray, **options: Any) -> Sampler:
    """A sampler by name: sequential, shuffled, weighted (power=) or identities (identities=, images=).

    Raises:
        UnknownNameError: no such sampler, or no such option of it.
        ConfigError: a value is out of range, or an option is missing.
    """
    if name not in SAMPLERS:
        raise UnknownNameError("sampler", name, SAMPLERS)
    common = inspect.signature(Sampler.__init__).parameters
    own = {
        key: entry for key, entry in inspect.signature(SAMPLERS[name].__init__).parameters.items()
        if entry.kind is entry.KEYWORD_ONLY and key not in common
    }  # fmt: skip
    for option in options:
        if option not in common and option not in own:
            raise UnknownNameError(f"option of the sampler {name!r}", option, own)
    missing = [key for key, entry in own.items() if entry.default is entry.empty and key not in options]
    if missing:
        raise ConfigError(f"the sampler {name!r} needs {' and '.join(missing)}: sampler_options.{missing[0]}=N")
    return SAMPLERS[name](labels, **options)
