"""Protocol files: the shipped ones are valid, and errors name the key and the value."""

import os
import subprocess
import sys
from typing import Literal

import pytest

from facezoo.errors import ProtocolError, UnknownNameError
from facezoo.evaluation.protocols.protocol import FOLDER, list_protocols, load_protocol
from facezoo.evaluation.protocols.tasks.table import TASKS

GOOD = """
name: mine
title: My pairs
tasks:
  - {name: mine, kind: pairs, pairs: list.txt, layout: paths}
"""


def write(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", list_protocols())
def test_shipped_protocols(name):
    protocol = load_protocol(name)
    assert protocol.name == name
    assert protocol.title
    assert len(protocol.sha256) == 64
    if protocol.ranking:
        assert sum(protocol.ranking.values()) == pytest.approx(1)


def test_the_wanted_protocols_are_there():
    assert {
        "lfw", "cfp_ff", "cfp_fp", "agedb_30", "calfw", "cplfw", "vgg2_fp", "mfr2", "rfw", "mfr_ongoing",
        "webface260m", "ijba", "ijbb", "ijbc", "ijba_1n", "ijbb_1n", "ijbc_1n", "megaface", "iqiyi_vid",
    } <= set(list_protocols())  # fmt: skip


def test_hash_depends_on_the_values_and_not_on_the_layout(tmp_path):
    one = load_protocol(write(tmp_path, GOOD))
    two = load_protocol(write(tmp_path, GOOD + "# a comment\n"))
    three = load_protocol(write(tmp_path, GOOD.replace("layout: paths", "layout: paths, far: [0.01]")))
    assert one.sha256 == two.sha256 != three.sha256


def test_a_copy_equals_the_shipped_protocol(tmp_path):
    copy = write(tmp_path, (FOLDER / "lfw.yaml").read_text())
    assert load_protocol(copy) == load_protocol("lfw")


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("title: My pairs\n", "", "title is missing: Field required"),
        ("title: My", "titel: x\ntitle: My", "unknown key 'titel'; did you mean 'title'"),
        ("layout: paths", "layot: paths", "did you mean 'layout'"),
        ("layout: paths", "layout: lists", "tasks.0.pairs.layout is 'lists'"),
        ("kind: pairs", "kind: pair", r"tasks.0.kind is 'pair'; did you mean 'pairs'\? kinds are pairs, all-pairs,"),
        ("kind: pairs,", "", "tasks.0 is"),
        ("layout: paths", "far: [0]", "greater than 0"),
        ("layout: paths", "folds: 1", "folds is 1"),
        ("name: mine, kind", "name: My Pairs, kind", "tasks.0.pairs.name is 'My Pairs'"),
        ("tasks:\n", "ranking: {other: 1}\ntasks:\n", "ranking names task 'other'; tasks are mine"),
        ("tasks:\n", "tasks:\n  - {name: mine, kind: reject}\n", "two tasks are called 'mine'"),
        ("tasks:\n", "embedding: {flip: twice}\ntasks:\n", "embedding.flip is 'twice'"),
        ("tasks:\n", "embedding: {flop: sum}\ntasks:\n", "did you mean 'flip'"),
        ("layout: paths", "layout: paths, sha256: abc", "sha256 is 'abc'"),
        ("kind: pairs, pairs: list.txt, layout: paths", "kind: search", "give either shots, or both"),
        ("name: mine\n", "name: [\n", "not YAML"),
    ],
)
def test_bad_protocols(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(ProtocolError, match=message):
        load_protocol(write(tmp_path, GOOD.replace(old, new, 1)))


def test_messages_are_short_whatever_the_file_holds(tmp_path):
    long = "x" * 5000
    for old, new in (
        ("layout: paths", f"layout: {long}"),
        ("layout: paths", f"{long}: 1"),
        ("kind: pairs", f"kind: {long}"),
        ("title: My", f"embedding: {long}\ntitle: My"),
        ("tasks:\n", f"ranking: {{{long}: 1}}\ntasks:\n"),
    ):
        with pytest.raises(ProtocolError) as error:
            load_protocol(write(tmp_path, GOOD.replace(old, new, 1)))
        assert len(str(error.value).removeprefix(str(tmp_path))) < 400


def test_the_table_of_kinds_matches_the_classes():
    for kind, task in TASKS.items():
        assert task.model_fields["kind"].annotation == Literal[kind]


NEW_KIND = """
from typing import Literal
import numpy as np
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.protocols.result import Figure, TaskResult
from facezoo.evaluation.protocols.tasks.base import Task
from facezoo.evaluation.protocols.tasks.table import TASKS

class CountTask(Task):
    kind: Literal["count"]
    factor: int = 1

    def run(self, store, settings):
        figure = Figure("rows", self.factor * len(store), percent=False)
        return TaskResult(name=self.name, kind=self.kind, figures=[figure], detail={})

TASKS["count"] = CountTask  # the one line; the union of kinds is built when protocol.py is imported
import importlib
from facezoo.errors import ProtocolError
from facezoo.evaluation.protocols import protocol
from facezoo.evaluation.protocols.run import run_protocol
importlib.reload(protocol)
result = run_protocol(protocol.load_protocol("new.yaml"), EmbeddingSet.build(np.eye(3), {}))
print(result.tasks[0].figures[0].value)
try:
    protocol.load_protocol("bad.yaml")
except ProtocolError as error:
    print(error)
"""


def test_a_new_kind_is_one_class_and_one_line_of_the_table(tmp_path):
    task = "name: mine\ntitle: Mine\ntasks:\n  - {name: rows, kind: count, factor: 2}\n"
    (tmp_path / "new.yaml").write_text(task)
    (tmp_path / "bad.yaml").write_text(task.replace("factor", "facter"))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", NEW_KIND], capture_output=True, text=True, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "6"
    assert "unknown key 'tasks.0.count.facter'; did you mean 'factor'" in done.stdout


def test_another_list_of_pairs():
    changed = load_protocol("lfw").with_pair_list("mine.txt")
    assert changed.list_files() == ["mine.txt"]
    assert changed.sha256 != load_protocol("lfw").sha256
    with pytest.raises(ProtocolError, match="has no list of pairs"):
        load_protocol("all_pairs").with_pair_list("mine.txt")


def test_missing_protocols(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'agedb_30'"):
        load_protocol("agedb30")
    with pytest.raises(ProtocolError, match="no protocol file"):
        load_protocol(tmp_path / "none.yaml")
    with pytest.raises(ProtocolError, match="holds a list"):
        load_protocol(write(tmp_path, "- a\n"))
