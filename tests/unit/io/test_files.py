"""Files written under a temporary name: what a killed process left is deleted, what a living one writes is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from facezoo.io import files
from facezoo.io.files import atomic_folder, atomic_write

WRITER = """
import sys, time
from facezoo.io.files import {name}
with {name}(sys.argv[1]) as part:
    target = part / "a.txt" if part.is_dir() else part
    target.write_text("half")
    print(part, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writer(tmp_path):
    """A function that starts a process in the middle of writing tmp_path/NAME; it gives the temporary path."""
    started = []

    def start(function):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER.format(name=function.__name__), str(tmp_path / "out")],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        part = process.stdout.readline().strip()
        os.utime(part, (0, 0))  # old enough
        return process, part

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("function", [atomic_write, atomic_folder])
def test_what_a_killed_process_left_is_deleted_by_the_next(tmp_path, writer, function):
    process, part = writer(function)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert os.path.exists(part)
    with function(tmp_path / "out") as new:
        assert not os.path.exists(part)
        (new / "a.txt" if new.is_dir() else new).write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("function", [atomic_write, atomic_folder])
def test_what_another_process_writes_now_is_left_alone(tmp_path, writer, function):
    _, part = writer(function)
    with function(tmp_path / "out"):
        assert os.path.exists(part)
    assert os.path.exists(part)


def test_only_old_temporary_paths_of_the_same_name_are_deleted(tmp_path):
    other = tmp_path / ".other.abcd1234.part"
    download = tmp_path / ".out.part"
    new = tmp_path / ".out.abcd1234.part"
    for path in (other, download, new):
        path.write_text("x")
    for path in (other, download):
        os.utime(path, (0, 0))
    with atomic_write(tmp_path / "out") as part:
        part.write_text("whole")
    assert all(path.exists() for path in (other, download, new))
    os.utime(new, (0, new.stat().st_mtime - 2 * files.ABANDONED))
    with atomic_write(tmp_path / "out") as part:
        part.write_text("whole")
    assert not new.exists()


def test_a_failed_write_leaves_the_file_before(tmp_path):
    (tmp_path / "out").write_text("before")
    with pytest.raises(ZeroDivisionError), atomic_write(tmp_path / "out") as part:
        part.write_text(f"half {1 / 0}")
    assert (tmp_path / "out").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
