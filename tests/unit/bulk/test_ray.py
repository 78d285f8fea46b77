"""Bulk jobs on a Ray of two workers, one of which is killed: the same bytes as the local way."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from shard_work import KillOneWorker, doubling, dying, naming

import facezoo
from facezoo.align import batch
from facezoo.align.batch import align_folder
from facezoo.align.settings import AlignSettings
from facezoo.bulk import Engine, Keep, run_shards
from facezoo.bulk.keep import load_json, save_json
from facezoo.bulk.local import one_thread_each
from facezoo.cli.main import main
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.data.tools import decode
from facezoo.data.tools.check import check_data
from facezoo.data.tools.pack import pack
from facezoo.errors import UnknownNameError, WorkerError
from facezoo.evaluation import all_pairs
from facezoo.inference import bulk_embed

RAY = Engine("ray")


@pytest.fixture(scope="module")
def cluster():
    """A Ray of two CPUs on this machine, which the jobs of this file use one after the other."""
    import ray

    with one_thread_each(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Drawn faces of three persons, with a border around each."""
    folder = tmp_path_factory.mktemp("bulk") / "photos"
    faces = SyntheticFaces(3, 4, size=112)
    for index in range(len(faces)):
        path = folder / faces.class_names[faces.labels[index]] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.pad(faces.image(index), ((40, 40), (40, 40), (0, 0)), "edge")).save(path)
    (folder / "person").mkdir()
    (folder / "person" / "broken.png").write_bytes(b"no image")
    return folder


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_align_and_embed_with_a_killed_worker(backend, cluster, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "SHARE", 3)
    monkeypatch.setattr(bulk_embed, "SHARD", 3)
    settings = AlignSettings(backend=backend)
    with KillOneWorker() as killer:
        summary = align_folder(photos, tmp_path / "ray", settings, engine=RAY, table="csv")
    assert killer.killed
    assert summary.crops >= 6
    align_folder(photos, tmp_path / "local", settings, table="csv")
    assert content(tmp_path / "ray") == content(tmp_path / "local")

    weights = tmp_path / "w.safetensors"
    net = facezoo.create_backbone("MobileFaceNet", backend=backend, embedding_size=16, seed=0)
    facezoo.save_weights(net, weights)
    files = [path for path in sorted(photos.rglob("*.png"))]
    with KillOneWorker() as killer:
        found = bulk_embed.embed_photos(files, weights, backend=backend, engine=RAY, keep_parts=tmp_path / "parts")
    assert killer.killed
    expected = bulk_embed.embed_photos(files, weights, backend=backend)
    kept = bulk_embed.embed_photos(files, weights, backend=backend, keep_parts=tmp_path / "parts")
    for result in (found, kept):
        assert (result.paths, result.skipped, result.found) == (expected.paths, expected.skipped, expected.found)
        assert result.embeddings.tobytes() == expected.embeddings.tobytes()
        for one, other in zip(result.faces, expected.faces, strict=True):
            np.testing.assert_array_equal(one.box, other.box)
            np.testing.assert_array_equal(one.landmarks, other.landmarks)
            assert one.score == other.score


def test_check_and_pack(cluster, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "_CHUNK", 2)
    assert check_data(photos, engine=RAY, keep_parts=tmp_path / "parts") == check_data(photos)
    assert not (tmp_path / "parts").exists()
    for format in ("folder", "rec", "shards"):
        for name, engine in (("ray", RAY), ("local", Engine(workers=1))):
            packed = pack(photos, tmp_path / name / format, format, engine=engine, per_shard=5, max_broken=0.5)
            assert (packed.images, packed.broken) == (12, 1)
    assert content(tmp_path / "ray") == content(tmp_path / "local")  # also the lists of broken images


def test_all_pairs(cluster, rng, tmp_path):
    embeddings, labels = rng.normal(size=(300, 8)).astype(np.float32), rng.integers(0, 40, 300)
    expected = all_pairs(embeddings, labels, [0.1, 0.01]).to_dict()
    found = all_pairs(embeddings, labels, [0.1, 0.01], block=64, engine=RAY, keep_parts=tmp_path / "parts")
    assert found.to_dict() == expected
    assert not (tmp_path / "parts").exists()


def test_the_command_line_takes_the_engine(cluster, photos, tmp_path, capsys, monkeypatch):
    shown = []
    for engine in ("ray", "local"):
        assert main(["datasets", "check", str(photos), "--json", "--engine", engine]) == 1
        shown.append(json.loads(capsys.readouterr().out))
    assert shown[0] == shown[1]
    assert main(["evaluate", "--embeddings", "e.npz", "--protocol", "lfw", "--engine", "ray"]) == 2
    assert "which goes with protocols that compare all pairs; protocol lfw does not" in capsys.readouterr().err
    for words, message in (
        (["--engine", "ray", "--part", "1/2"], "--part 1/2 and --engine ray exclude each other"),
        (["--keep-parts", "parts"], "--keep-parts parts goes with --engine ray; the engine is local"),
    ):
        assert main(["evaluate", "--embeddings", "e.npz", "--protocol", "all_pairs", *words]) == 2
        assert message in capsys.readouterr().err
    assert main(["datasets", "check", str(photos), "--ray-address", "host:6379"]) == 2
    assert "--ray-address host:6379 goes with --engine ray" in capsys.readouterr().err


def test_errors_of_a_task(cluster, tmp_path):
    import shard_work

    cluster.cloudpickle.register_pickle_by_value(shard_work)  # the workers do not have the folder of the tests
    with pytest.raises(UnknownNameError, match="did you mean 'mtcnn'"):
        list(run_shards(naming, [1, 2], engine=RAY))
    keep = Keep(tmp_path / "parts", "job", save_json, load_json, ".json")
    assert sorted(run_shards(doubling, [[1], [2]], engine=RAY, keep=keep)) == [(0, [2]), (1, [4])]
    with pytest.raises(WorkerError, match=r"part \d failed 2 times on Ray .*; repeat the command to continue"):
        list(run_shards(dying, [1, 2], engine=Engine("ray", retries=1)))
