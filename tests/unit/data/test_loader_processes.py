"""How the loader's processes end: with the script, with Ctrl-C, and when the script is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import multiprocessing, sys, time
from facezoo.data.loading.loader import Loader
from facezoo.data.sources.synthetic import SyntheticFaces

def main():
    loader = Loader(SyntheticFaces(40, 10, size=32), batch_size=4, size=32, workers=2, cache=True)
    for at, batch in enumerate(loader.epoch(0)):
        if at == 0:
            print(*[child.pid for child in multiprocessing.active_children()], flush=True)
        MIDDLE
    print("end", flush=True)

END
"""
GUARDED = 'if __name__ == "__main__":\n    main()'

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")


def start(tmp_path, middle="time.sleep(0.05)", end=GUARDED):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.replace("MIDDLE", middle).replace("END", end))
    pipe = subprocess.PIPE

    def listen():  # tests started in the background inherit that Ctrl-C is ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return subprocess.Popen(
        [sys.executable, path], stdout=pipe, stderr=pipe, text=True, start_new_session=True, preexec_fn=listen
    )


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")  # on Linux: ended, but not yet collected by its new parent
    return not (stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def all_end(pids, seconds=20.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(map(alive, pids)):
        time.sleep(0.05)
    return not any(map(alive, pids))


def workers_of(process):
    pids = [int(word) for word in process.stdout.readline().split()]
    assert len(pids) == 2
    assert all(map(alive, pids))
    return pids


def shared_memory():
    folder = Path("/dev/shm")
    return set(os.listdir(folder)) if folder.exists() else set()


@pytest.mark.parametrize("middle, code", [("if at > 1: break", 0), ("if at > 1: raise ValueError('mine')", 1)])
def test_workers_end_with_the_script(tmp_path, middle, code):
    process = start(tmp_path, middle)
    pids = workers_of(process)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert all_end(pids)
    assert err == "" if code == 0 else err.rstrip().endswith("ValueError: mine")


def test_ctrl_c_ends_workers_without_output_from_them(tmp_path):
    process = start(tmp_path)
    pids = workers_of(process)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does: the whole group gets it
    out, err = process.communicate(timeout=60)
    assert "end" not in out
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert err.count("Traceback") == 1
    assert all_end(pids)


def test_workers_end_when_the_script_is_killed(tmp_path):
    before = shared_memory()
    process = start(tmp_path)
    pids = workers_of(process)
    process.kill()
    process.communicate(timeout=60)
    assert all_end(pids)
    assert not [name for name in shared_memory() - before if name.startswith(("pym", "psm"))]


def test_a_script_without_a_main_guard_gets_a_hint(tmp_path):
    process = start(tmp_path, end="main()")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert 'a script that starts workers needs `if __name__ == "__main__":`' in err.rstrip().splitlines()[-1]
