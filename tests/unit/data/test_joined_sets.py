"""Several data sets in one run: labels, weights, and an epoch that is continued by another number of processes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from facezoo.data.loading.loader import Loader
from facezoo.data.loading.samplers import IdentitySampler, ShuffledSampler
from facezoo.data.sources.joined_stream import JoinedStream
from facezoo.data.sources.open_source import open_source
from facezoo.data.sources.shards import Shards
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.data.tools.pack import pack
from facezoo.errors import ConfigError, DataError
from facezoo.training.config_file import load_config
from facezoo.training.setup import open_training_data


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two sets of synthetic faces, 5 x 12 and 3 x 8 images: folders, and shards of them; a RecordIO of the first."""
    base = tmp_path_factory.mktemp("sets")
    for name, first, shape in (("one", 0, (5, 12)), ("two", 5, (3, 8))):
        faces = SyntheticFaces(*shape, size=16, first_identity=first)
        for index in range(len(faces)):
            path = base / name / f"person{first + faces.labels[index]}" / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(faces.image(index)).save(path)
        pack(base / name, base / f"{name}-shards", "shards", per_shard=7)
    pack(base / "one", base / "rec", "rec")
    return base


def opened(folders, *names, **data):
    config = load_config(None, {"data.path": [str(folders / name) for name in names], **data})
    return open_training_data(config)[0]


def keys(source, epoch=0, **options):
    with Loader(source, **{"batch_size": 4, "size": 16, "drop_last": False, **options}) as loader:
        return [key for batch in loader.epoch(epoch) for key in batch.keys]


@pytest.mark.parametrize("kind", ["", "-shards"])
def test_identities_are_numbered_one_after_the_other_and_images_come_by_weight(kind, folders):
    names = [f"one{kind}", f"two{kind}"]
    joined = opened(folders, *names, **{"data.weights": [0.5, 2.0]})
    assert joined.class_names == [f"person{number}" for number in range(8)]
    counts = [Counter(), Counter()]
    for epoch in range(2):
        with Loader(joined, batch_size=4, size=16, drop_last=False) as loader:
            for batch in loader.epoch(epoch):
                for label, image, key in zip(batch.labels, batch.images, batch.keys, strict=True):
                    counts[epoch][key] += 1
                    faces = SyntheticFaces(1, 12 if label < 5 else 8, size=16, first_identity=int(label))
                    assert any(np.array_equal(image, faces.image(index)) for index in range(len(faces)))
        of_first = [count for key, count in counts[epoch].items() if "two" not in key.split("person")[0]]
        assert sum(counts[epoch].values()) - sum(of_first) == pytest.approx(2 * 24, abs=1)
        assert sum(of_first) == pytest.approx(0.5 * 60, abs=1)
        assert max(of_first) == 1
    assert set(counts[0]) != set(counts[1])  # another half of the first set


@pytest.mark.parametrize("kind", ["", "-shards"])
def test_without_weights_every_image_comes_once_in_an_order_that_workers_do_not_change(kind, folders):
    source = opened(folders, f"one{kind}", f"two{kind}")
    alone = keys(source, epoch=3)
    assert len(alone) == len(set(alone)) == 84
    assert keys(source, epoch=3, workers=2) == alone


@pytest.mark.parametrize("names", [("rec",), ("one-shards",), ("one-shards", "two-shards")])
def test_an_epoch_goes_on_with_another_number_of_processes(names, folders):
    source = opened(folders, *names)

    def step(world_size, number):
        found = []
        for rank in range(world_size):
            options = {"batch_size": 12 // world_size, "rank": rank, "world_size": world_size, "size": 16}
            with Loader(source, **options) as loader:
                found += next(loader.epoch(1, number)).keys
        return sorted(found)

    steps = [step(1, number) for number in range(5)]
    assert [step(processes, number) for number, processes in enumerate((2, 2, 3, 1, 4))] == steps
    assert len({key for keys in steps for key in keys}) == 60


def test_a_weight_is_an_expected_number(seed):
    weights = np.random.default_rng(seed).uniform(0.1, 3.0, 50)
    sampler = ShuffledSampler(np.arange(50), batch_size=1, seed=seed % 1000, weights=weights)
    counts = np.array([np.bincount(sampler.order(epoch), minlength=50) for epoch in range(400)])
    assert (counts >= np.floor(weights * len(sampler) / weights.sum())).all()
    assert (counts <= np.ceil(weights * len(sampler) / weights.sum())).all()
    np.testing.assert_allclose(counts.mean(axis=0), weights * len(sampler) / weights.sum(), atol=0.15)


def test_what_cannot_be_joined_is_refused(folders):
    with pytest.raises(ConfigError, match="joined with other shards only"):
        opened(folders, "one", "two-shards")
    with pytest.raises(ConfigError, match=r"data.weights is \[1.0\]; expected one above 0 for each of 2 paths"):
        opened(folders, "one", "two", **{"data.weights": [1.0]})
    with pytest.raises(ConfigError, match="expected one above 0"):
        opened(folders, "one", "two", **{"data.weights": [1.0, 0.0]})
    with pytest.raises(ConfigError, match="sampler identities takes none"):
        opened(folders, "one", **{"data.weights": [2.0], "head": "Triplet"})
    with pytest.raises(ConfigError, match="takes no weights"):
        IdentitySampler([0, 1], identities=2, images=1, weights=np.ones(2))
    with pytest.raises(ConfigError, match="cannot be filtered"):
        opened(folders, "one-shards", **{"data.min_images": 2})
    with pytest.raises(DataError, match="5 identities are in both sets"):
        opened(folders, "one-shards", "one-shards")
    both = opened(folders, "one-shards", "one-shards", **{"data.same_names": "merge"})
    assert both.num_classes == 5
    with pytest.raises(ConfigError, match="weight of a data set is -1"):
        JoinedStream([Shards(folders / "one-shards")], [-1.0])
    assert open_source(folders / "one").weights is None
