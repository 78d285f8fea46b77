"""A staged folder: one writer at a time, and nothing left of a killed one."""

import os
import signal
import subprocess
import sys

import pytest

from facezoo.download import staged_folder
from facezoo.errors import DataError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_two_writers_of_one_folder(tmp_path):
    with staged_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("first")
        with pytest.raises(DataError, match="is being written by another process"), staged_folder(tmp_path / "out"):
            pass
        assert (folder / "a").exists()  # the second did not take it for a leftover
        with staged_folder(tmp_path / "other") as other:
            (other / "b").touch()
    assert names(tmp_path) == ["other", "out"]
    with pytest.raises(DataError, match="exists already"), staged_folder(tmp_path / "out"):
        pass


def test_a_target_that_appears_meanwhile(tmp_path):
    def appears():
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine").touch()

    with pytest.raises(DataError, match="cannot be created"), staged_folder(tmp_path / "out"):
        appears()
    assert names(tmp_path) == ["out"]


def test_a_killed_writer_leaves_nothing_after_the_next(tmp_path):
    code = f"""
from pathlib import Path
from facezoo.download import staged_folder
with staged_folder(Path({str(tmp_path / "out")!r})) as folder:
    (folder / "big").write_bytes(bytes(1000))
    print("ready", flush=True)
    input()
"""
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    assert writer.stdout.readline() == b"ready\n"
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    assert any(name.endswith(".part") for name in names(tmp_path))
    (tmp_path / ".out.mine.part").mkdir()  # of another form: not made by staged_folder
    with staged_folder(tmp_path / "out") as folder:
        (folder / "a").touch()
    assert names(tmp_path) == [".out.mine.part", "out"]


def test_a_parent_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"), staged_folder(tmp_path / "file" / "out"):
        pass
