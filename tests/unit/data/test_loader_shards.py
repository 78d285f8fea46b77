"""Tar shards through the loader: real files, the same order for any number of workers."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo.data.loading.loader import Loader
from facezoo.data.sources.shards import Shards
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.data.tools.pack import pack
from facezoo.errors import DataError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Synthetic faces as an image folder, packed into shards of 7 images."""
    from PIL import Image

    base = tmp_path_factory.mktemp("shards")
    faces = SyntheticFaces(5, 9, size=32)
    for index in range(len(faces)):
        path = base / "images" / faces.class_names[faces.labels[index]] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(faces.image(index)).save(path)
    pack(base / "images", base / "out", "shards", per_shard=7)
    return base / "out"


def read(folder, epoch=0, start=0, **options):
    with Loader(
        Shards(folder, buffer=16), **{"batch_size": 8, "size": 32, "augmentation": "paper", **options}
    ) as loader:
        return list(loader.epoch(epoch, start))


def test_order_and_pixels_do_not_depend_on_workers(folder):
    alone = read(folder, epoch=1)
    assert [len(batch) for batch in alone] == [8] * 5
    for other in (read(folder, epoch=1, workers=2), read(folder, epoch=1, workers=3, prefetch=1)):
        for one, two in zip(alone, other, strict=True):
            assert one.keys == two.keys
            np.testing.assert_array_equal(one.images, two.images)
            np.testing.assert_array_equal(one.labels, two.labels)
    later = read(folder, epoch=1, start=3)
    assert [batch.keys for batch in later] == [batch.keys for batch in alone[3:]]
    assert [batch.keys for batch in read(folder, epoch=2)] != [batch.keys for batch in alone]


def test_processes_of_a_run_share_the_shards(folder):
    shares = [read(folder, rank=rank, world_size=2, batch_size=4, workers=rank) for rank in range(2)]
    keys = [key for share in shares for batch in share for key in batch.keys]
    assert len(keys) == len(set(keys)) == 40


def test_every_image_once(folder):
    batches = read(folder, drop_last=False)
    assert [len(batch) for batch in batches] == [8] * 5 + [5]
    assert len({key for batch in batches for key in batch.keys}) == 45
    assert np.bincount(np.concatenate([batch.labels for batch in batches])).tolist() == [9] * 5


def test_a_missing_shard(folder, tmp_path):
    import shutil

    shutil.copytree(folder, tmp_path / "less")
    sorted((tmp_path / "less").glob("*.tar"))[2].unlink()
    for workers in (0, 1):
        with pytest.raises(DataError, match="shard-000002"):
            read(tmp_path / "less", workers=workers)
