"""Parts of a job on the local engine; parts that are kept; errors of worker processes."""

from __future__ import annotations

import json

import pytest
from shard_work import doubling, dying, naming

from facezoo.bulk import Engine, Keep, run_shards
from facezoo.bulk.keep import load_json, save_json
from facezoo.errors import ConfigError, DataError, UnknownNameError, WorkerError

SHARDS = [[1, 2], [3], [4, 5]]


def keep(folder, job="job"):
    return Keep(folder, job, save_json, load_json, ".json")


@pytest.mark.parametrize("workers", [1, 2])
def test_every_shard_is_computed_once(workers):
    found = list(run_shards(doubling, SHARDS, engine=Engine(workers=workers)))
    assert sorted(found) == [(0, [2, 4]), (1, [6]), (2, [8, 10])]


def test_kept_parts_are_not_computed_again(tmp_path):
    assert len(list(run_shards(doubling, SHARDS, engine=Engine(workers=1), keep=keep(tmp_path / "parts")))) == 3
    (tmp_path / "parts" / "000001.json").write_text("[7]")
    (tmp_path / "parts" / "000002.json").write_text("[8,")  # damaged
    found = run_shards(doubling, SHARDS, engine=Engine(workers=1), keep=keep(tmp_path / "parts"))
    assert list(found) == [(0, [2, 4]), (1, [7]), (2, [8, 10])]
    assert json.loads((tmp_path / "parts" / "000002.json").read_text()) == [8, 10]


def test_a_job_that_stopped_half_way_continues(tmp_path):
    half = run_shards(doubling, SHARDS, engine=Engine(workers=1), keep=keep(tmp_path / "parts"))
    assert next(half) == (0, [2, 4])
    half.close()
    (tmp_path / "parts" / "000000.json").write_text("[0]")
    found = dict(run_shards(doubling, SHARDS, engine=Engine(workers=1), keep=keep(tmp_path / "parts")))
    assert found == {0: [0], 1: [6], 2: [8, 10]}


def test_parts_of_another_job_are_deleted(tmp_path):
    list(run_shards(doubling, SHARDS, engine=Engine(workers=1), keep=keep(tmp_path / "parts")))
    (tmp_path / "parts" / "000000.json").write_text("[0]")
    found = dict(run_shards(doubling, SHARDS[:2], engine=Engine(workers=1), keep=keep(tmp_path / "parts", "other")))
    assert found == {0: [2, 4], 1: [6]}
    assert not (tmp_path / "parts" / "000002.json").exists()


def test_a_folder_of_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("do not delete")
    with pytest.raises(DataError, match=r"holds thesis\.txt, not parts of a job; expected a folder of its own"):
        list(run_shards(doubling, SHARDS, keep=keep(tmp_path)))
    list(run_shards(doubling, SHARDS, engine=Engine(workers=1), keep=keep(tmp_path / "parts")))
    (tmp_path / "parts" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"notes\.txt"):
        list(run_shards(doubling, SHARDS, engine=Engine(workers=1), keep=keep(tmp_path / "parts", "other")))
    assert (tmp_path / "parts" / "notes.txt").read_text() == "mine"


def test_two_processes_do_not_share_a_folder_of_parts(tmp_path):
    first = run_shards(doubling, SHARDS, engine=Engine(workers=1), keep=keep(tmp_path))
    next(first)
    with pytest.raises(DataError, match="another process is working on these parts"):
        next(run_shards(doubling, SHARDS, engine=Engine(workers=1), keep=keep(tmp_path)))
    first.close()


def test_an_error_of_a_worker_arrives_with_its_class_and_its_message():
    with pytest.raises(UnknownNameError, match="did you mean 'mtcnn'"):
        list(run_shards(naming, SHARDS, engine=Engine(workers=2)))


def test_a_worker_that_dies_is_named():
    with pytest.raises(WorkerError, match="a worker process ended unexpectedly"):
        list(run_shards(dying, SHARDS, engine=Engine(workers=2)))


def test_an_engine_is_checked():
    with pytest.raises(UnknownNameError, match="unknown engine 'rai'; did you mean 'ray'"):
        run_shards_of("rai")
    with pytest.raises(ConfigError, match="workers is 0; expected 1 or more"):
        Engine(workers=0)
    with pytest.raises(ConfigError, match="goes with engine 'ray'"):
        Engine(address="host:6379")
    with pytest.raises(ConfigError, match="give one of the two"):
        Engine("ray", 4, "host:6379")
    with pytest.raises(ConfigError, match="'gpu:1', a GPU of this machine"):
        list(run_shards(doubling, SHARDS, engine="ray", device="gpu:1"))


def run_shards_of(name):
    return list(run_shards(doubling, SHARDS, engine=name))


def test_a_cluster_that_does_not_answer():
    with pytest.raises(ConfigError, match=r"no connection to the Ray cluster 127\.0\.0\.1:1 .*ray start --head"):
        list(run_shards(doubling, [[1]], engine=Engine("ray", address="127.0.0.1:1")))
