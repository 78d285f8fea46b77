"""The loader: order and pixels are the same for any number of workers; it resumes, and reports bad images."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import time

import numpy as np
import pytest

from facezoo.data.loading.bad_images import BadImageFile
from facezoo.data.loading.loader import Loader
from facezoo.data.loading.samplers import ShuffledSampler
from facezoo.data.sources.source import Sample, Source, StreamSource
from facezoo.data.transforms.augment import AUGMENTATIONS
from facezoo.errors import ConfigError, DataError, FacezooError, ImageError, ShapeError, WorkerError
from facezoo.rng import generator

SIZE = 24


def pixels(index, shape=(SIZE, SIZE)):
    return generator(7, "pixels", index).integers(0, 256, (*shape, 3), dtype=np.uint8)


class Numbered(Source):
    """Image i is noise made from i; some are broken, some have another size; it counts what it decodes."""

    def __init__(self, images=40, classes=5, bad=(), shape=(SIZE, SIZE), slow=0.0):
        self.labels = np.arange(images, dtype=np.int64) % classes
        self.class_names = [str(label) for label in range(classes)]
        self.bad, self.shape, self.slow, self.decoded = set(bad), shape, slow, []

    def image(self, index):
        time.sleep(self.slow)
        self.decoded.append(index)
        if index in self.bad:
            raise ImageError(f"{self.key(index)}: broken")
        return pixels(index, self.shape)

    def key(self, index):
        return f"image-{index}"


class Dying(Numbered):
    """Kills its own process while it decodes image 17."""

    def image(self, index):
        if index == 17:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().image(index)


class Buggy(Numbered):
    def image(self, index):
        raise ZeroDivisionError("a bug")


class Stream(StreamSource):
    """Samples in an order given by (seed, epoch), distributed to workers one by one."""

    def __init__(self, images=50, bad=()):
        self.num_classes, self.class_names, self.length, self.bad = 5, list("abcde"), images, set(bad)

    def stream(self, *, seed, epoch, worker, workers):
        order = generator(seed, "stream", epoch).permutation(self.length)
        return StreamPart(iter(order[worker::workers].tolist()), self.bad)


class StreamPart:
    def __init__(self, order, bad):
        self.order, self.bad = order, bad

    def __iter__(self):
        return self

    def __next__(self):
        index = next(self.order)
        if index in self.bad:
            raise ImageError(f"image-{index}: broken")
        return Sample(pixels(index), index % 5, f"image-{index}")


def collect(loader, epoch=0, start=0):
    with loader:
        return [(b.images.copy(), b.labels, b.keys, b.indices) for b in loader.epoch(epoch, start)]


def assert_same(first, second):
    assert len(first) == len(second)
    for one, two in zip(first, second, strict=True):
        assert one[2] == two[2]
        for a, b in zip((one[0], one[1], one[3]), (two[0], two[1], two[3]), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


def no_children_left():
    gc.collect()
    return not [child for child in multiprocessing.active_children() if child.name.startswith("facezoo-data")]


COMMON = {"batch_size": 8, "size": SIZE, "seed": 3, "augmentation": "strong", "max_bad_share": 0.1}


@pytest.mark.parametrize("kind", ["source", "stream"])
def test_batches_do_not_depend_on_workers_and_resume(kind):
    def build(**changes):
        data = Numbered(43, bad=[5, 30]) if kind == "source" else Stream(43, bad=[5, 30])
        return Loader(data, **{**COMMON, **changes})

    loader = build()
    alone = collect(loader, epoch=2)
    assert len(alone) == len(loader) == 5
    assert alone[0][0].shape == (8, SIZE, SIZE, 3)
    assert (alone[0][0].dtype, alone[0][1].dtype) == (np.uint8, np.int64)
    bad = {"image-5", "image-30"}
    assert loader.bad.reasons
    assert bad >= set(loader.bad.reasons)  # one may lie in the dropped rest
    assert not bad & {key for batch in alone for key in batch[2]}
    for workers in (1, 2):
        assert_same(alone, collect(build(workers=workers), epoch=2))
    for start in (1, 4, 5):
        assert_same(alone[start:], collect(build(), epoch=2, start=start))
    assert_same(alone[3:], collect(build(workers=3, prefetch=1), epoch=2, start=3))
    assert any((a[0] != b[0]).any() for a, b in zip(alone, collect(build(), epoch=3), strict=True))
    assert no_children_left()


@pytest.mark.parametrize("kind", [Numbered, Stream])
@pytest.mark.parametrize("images", [16, 17, 23])
def test_every_image_comes_once_with_its_label_and_key(kind, images):
    batches = collect(Loader(kind(images), batch_size=8, size=SIZE, drop_last=False))
    assert [len(batch[1]) for batch in batches] == [8, 8] + ([images - 16] if images > 16 else [])
    numbers = [int(key.split("-")[1]) for batch in batches for key in batch[2]]
    assert sorted(numbers) == list(range(images))
    for shown, labels, keys, _ in batches:
        for image, label, key in zip(shown, labels, keys, strict=True):
            number = int(key.split("-")[1])
            assert label == number % 5
            np.testing.assert_array_equal(image, pixels(number))


@pytest.mark.parametrize("kind", [Numbered, Stream])
@pytest.mark.parametrize("workers", [0, 2])
def test_processes_of_a_run_share_an_epoch(kind, workers):
    shares = [
        collect(Loader(kind(32), batch_size=4, size=SIZE, rank=rank, world_size=2, workers=workers))
        for rank in range(2)
    ]
    assert [len(share) for share in shares] == [4, 4]
    seen = [key for share in shares for batch in share for key in batch[2]]
    assert sorted(seen) == sorted(f"image-{index}" for index in range(32))


def test_second_epoch_uses_the_same_workers_and_an_epoch_may_be_left():
    with Loader(Numbered(), batch_size=4, size=SIZE, workers=2) as loader:
        first = next(loader.epoch(0)).keys
        pids = {child.pid for child in multiprocessing.active_children()}
        assert next(loader.epoch(0)).keys == first
        assert len(list(loader.epoch(1))) == 10
        assert pids == {child.pid for child in multiprocessing.active_children()}
    assert no_children_left()


def test_other_sizes_are_resized():
    for size, expected in [(SIZE, (SIZE, SIZE)), ((20, 30), (20, 30))]:
        images = collect(Loader(Numbered(8, shape=(35, 17)), batch_size=8, size=size))[0][0]
        assert images.shape == (8, *expected, 3)


def test_an_unreadable_image_is_replaced_by_its_identity_in_identity_batches():
    source = Numbered(40, bad=[3])
    loader = Loader(
        source, sampler="identities", sampler_options={"identities": 4, "images": 4}, size=SIZE, max_bad_share=0.1
    )
    for _, labels, keys, indices in collect(loader):
        assert "image-3" not in keys
        np.testing.assert_array_equal(labels, source.labels[indices])
        assert (labels.reshape(4, 4) == labels.reshape(4, 4)[:, :1]).all()


def test_repeated_images_of_an_epoch_look_different():
    labels_of = Numbered(12, classes=2)
    labels_of.labels = np.array([0] * 11 + [1])
    options = {"sampler": "weighted", "sampler_options": {"power": 1.0}, "augmentation": AUGMENTATIONS["paper"]}
    (images, _, keys, _), *_ = collect(Loader(labels_of, batch_size=12, size=SIZE, **options))
    rare = [image.tobytes() for image, key in zip(images, keys, strict=True) if key == "image-11"]
    assert len(rare) == 6
    assert len(set(rare)) == 6


@pytest.mark.parametrize("workers", [0, 2])
def test_bad_images_are_listed_once_and_stop_the_run_past_the_share(workers, tmp_path):
    path = tmp_path / "run" / "bad_images.txt"
    options = {"batch_size": 10, "size": SIZE, "workers": workers}
    for _ in range(2):  # a resumed run does not list them again
        with Loader(Numbered(200, bad=[8, 150]), **options, on_bad=BadImageFile(path)) as loader:
            for epoch in range(2):
                assert sum(len(batch) for batch in loader.epoch(epoch)) == 200
            assert len(loader.bad) == 2
    lines = path.read_text().splitlines()
    assert sorted(lines) == ["image-150\timage-150: broken", "image-8\timage-8: broken"]
    with pytest.raises(DataError, match=r"3 of 200 images cannot be read, more than the allowed 1 %"):
        collect(Loader(Numbered(200, bad=[8, 9, 150]), **options))
    assert no_children_left()


def test_a_stream_past_its_share_of_bad_images_fails():
    with pytest.raises(DataError, match="3 of 200 images cannot be read"):
        collect(Loader(Stream(200, bad=[1, 2, 3]), batch_size=10, size=SIZE))
    with pytest.raises(DataError, match="no readable image"):
        collect(Loader(Stream(8, bad=range(8)), batch_size=8, size=SIZE, max_bad_share=1.0))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("room", [40, 25])
def test_cache_gives_the_same_batches_and_decodes_once(workers, room):
    plain = Loader(Numbered(shape=(30, 30)), **COMMON)
    source = Numbered(shape=(30, 30))
    cached = Loader(source, **COMMON, workers=workers, cache=True, cache_bytes=room * SIZE * SIZE * 3)
    with plain, cached:
        for epoch in range(3):
            pairs = zip(plain.epoch(epoch), cached.epoch(epoch), strict=True)
            for one, two in pairs:
                np.testing.assert_array_equal(one.images, two.images)
    if workers == 0:
        assert len(source.decoded) == room + 3 * (40 - room)


def test_a_killed_worker_is_an_error_and_not_a_hang():
    with pytest.raises(WorkerError, match=r"data worker \d \(process \d+\) was killed by signal 9"):
        collect(Loader(Dying(), batch_size=4, size=SIZE, workers=2))
    with Loader(Numbered(200, slow=0.01), batch_size=4, size=SIZE, workers=2) as loader:
        epoch = loader.epoch(0)
        next(epoch)
        os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
        with pytest.raises(WorkerError, match="killed by signal 9"):
            list(epoch)
        assert len(next(loader.epoch(0))) == 4  # new workers for the next try
    assert no_children_left()


def test_an_interrupt_ends_the_workers():
    def interrupt(*_):
        raise KeyboardInterrupt

    options = {"batch_size": 4, "size": SIZE, "workers": 2}
    with pytest.raises(KeyboardInterrupt), Loader(Numbered(), **options) as loader:
        interrupt(next(loader.epoch(0)))
    assert no_children_left()
    loader = Loader(Numbered(bad=[3]), **options, on_bad=interrupt)
    with pytest.raises(KeyboardInterrupt):
        list(loader.epoch(0))
    assert no_children_left()  # without close()


def test_a_deleted_loader_ends_its_workers():
    loader = Loader(Numbered(), batch_size=4, size=SIZE, workers=1)
    next(loader.epoch(0))
    del loader
    assert no_children_left()


@pytest.mark.parametrize("broken", [np.zeros((9, 9, 3)), np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8)])
def test_a_source_whose_images_are_not_rgb(broken, monkeypatch):
    source = Numbered()
    monkeypatch.setattr(source, "image", lambda _: broken)
    with pytest.raises(ShapeError, match=r"a source returned an image of (uint8|float64) \(9, 9"):
        collect(Loader(source, batch_size=4, size=SIZE))


def test_an_exception_in_a_source_is_reported_with_its_line():
    with pytest.raises(WorkerError, match=r"data worker 0 failed: ZeroDivisionError: a bug \(at .*test_loader"):
        collect(Loader(Buggy(), batch_size=4, size=SIZE, workers=1))


def test_a_source_that_cannot_be_pickled():
    source = Numbered()
    source.handle = lambda: None
    with pytest.raises(ConfigError, match="cannot start data worker 0 for a Numbered"):
        collect(Loader(source, batch_size=4, size=SIZE, workers=1))
    assert no_children_left()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({}, "batch_size is None"),
        ({"batch_size": 41}, "40 images do not fill one batch of 41"),
        ({"batch_size": 4, "workers": -1}, "workers is -1"),
        ({"batch_size": 4, "prefetch": 0}, "prefetch is 0"),
        ({"batch_size": 4, "augmentation": "papr"}, "did you mean 'paper'"),
        ({"batch_size": 4, "sampler": "shufled"}, "did you mean 'shuffled'"),
        ({"batch_size": 4, "sampler": ShuffledSampler(np.zeros(9), batch_size=3)}, "the sampler's is 3"),
    ],
)
def test_bad_settings(options, message):
    with pytest.raises(FacezooError, match=message):
        Loader(Numbered(), **options)


def test_a_stream_takes_no_sampler_and_no_cache():
    for options in ({"cache": True}, {"sampler": "weighted"}):
        with pytest.raises(ConfigError, match="neither a sampler nor a cache"):
            Loader(Stream(), batch_size=4, **options)
    with pytest.raises(ConfigError, match="50 images do not fill one batch of 64"):
        Loader(Stream(), batch_size=64)
