"""Mirrors, resuming after a dead process, locks, the offline folder, space, downgrades, proxies."""

import multiprocessing
import os
import shutil
from collections import namedtuple

import pytest
from faulty_server import BODY, redirect, reset, serve, slow, stall, status
from test_fetch_faults import HALF, OTHER, SHA256, left_over, patient, remote

from facezoo.download import RemoteFile, fetch, transfer
from facezoo.errors import ConfigError, DownloadError


def test_mirrors_are_asked_in_order(server, tmp_path):
    urls = [
        server.url("/gone", status(404)),
        server.url("/wrong", serve(OTHER)),
        server.url("/dying", serve(upto=HALF), reset),
        server.url("/good", serve()),
        server.url("/unasked", serve()),
    ]
    path = fetch(remote(*urls), tmp_path, options=patient())
    assert path.read_bytes() == BODY
    assert server.seen["/good"][0]["Range"] == f"bytes={HALF}-"  # the hash decides, so pieces may be joined
    assert "/unasked" not in server.seen
    assert left_over(tmp_path) == ["w.bin"]


def test_a_later_call_resumes(server, tmp_path):
    url = server.url("/w.bin", serve(upto=HALF), reset)
    with pytest.raises(DownloadError):
        fetch(remote(url), tmp_path, options=patient())
    assert left_over(tmp_path) == []
    server.url("/w.bin", serve())
    asked = len(server.seen["/w.bin"])
    assert fetch(remote(url), tmp_path, options=patient()).read_bytes() == BODY
    assert server.seen["/w.bin"][asked]["Range"] == f"bytes={HALF}-"


def test_stopped_before_the_renaming(server, tmp_path):
    (tmp_path / ".w.bin.part").write_bytes(BODY)
    url = server.url("/w.bin", status(500))
    assert fetch(remote(url), tmp_path, options=patient()).read_bytes() == BODY
    assert "/w.bin" not in server.seen


def test_present_file_is_hashed_before_use(server, tmp_path):
    url = server.url("/w.bin", serve())
    fetch(remote(url), tmp_path, options=patient())
    fetch(remote(url), tmp_path, options=patient())
    assert len(server.seen["/w.bin"]) == 1
    (tmp_path / "w.bin").write_bytes(OTHER)  # same size, damaged
    assert fetch(remote(url), tmp_path, options=patient()).read_bytes() == BODY
    assert len(server.seen["/w.bin"]) == 2


def test_damage_is_detected_even_when_no_hash_is_published(server, tmp_path):
    url = server.url("/w.bin", serve())
    path = fetch(RemoteFile("w.bin", (url,)), tmp_path, options=patient())
    path.write_bytes(OTHER)
    assert fetch(RemoteFile("w.bin", (url,)), tmp_path, options=patient()).read_bytes() == BODY


def test_file_put_there_by_hand_is_used(tmp_path):
    (tmp_path / "w.bin").write_bytes(BODY)
    assert fetch(RemoteFile("w.bin", ()), tmp_path).read_bytes() == BODY
    with pytest.raises(DownloadError, match=r"no URL is known. To add it by hand, put it at .*v.bin"):
        fetch(RemoteFile("v.bin", ()), tmp_path)


def test_failure_keeps_the_file_that_was_there(server, tmp_path):
    (tmp_path / "w.bin").write_bytes(OTHER)
    with pytest.raises(DownloadError):
        fetch(remote(server.url("/w.bin", status(404))), tmp_path, options=patient())
    assert (tmp_path / "w.bin").read_bytes() == OTHER


def _child(url, folder, queue):
    path = fetch(remote(url), folder, options=patient(stall_timeout=10.0))
    queue.put(path.read_bytes() == BODY)


def test_two_processes_download_once(server, tmp_path):
    url = server.url("/w.bin", slow(0.5, serve()))
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=_child, args=(url, tmp_path, queue)) for _ in range(2)]
    for child in children:
        child.start()
    assert [queue.get(timeout=30) for _ in children] == [True, True]
    for child in children:
        child.join(10)
    assert len(server.seen["/w.bin"]) == 1


def test_lock_that_is_never_released(server, tmp_path):
    import filelock

    with (
        filelock.FileLock(str(tmp_path / ".w.bin.lock")),
        pytest.raises(DownloadError, match="another process"),
    ):
        fetch(remote(server.url("/w.bin", serve())), tmp_path, options=patient(lock_timeout=0.1))


def test_offline_folder(server, tmp_path, monkeypatch):
    mirror = tmp_path / "mirror"
    (mirror / "lfw").mkdir(parents=True)
    monkeypatch.setenv("FACEZOO_MIRROR", str(mirror))
    file = remote(server.url("/w.bin", serve()))
    with pytest.raises(DownloadError, match=r"lfw/w.bin is not there: put the file there .*sha256"):
        fetch(file, tmp_path / "out", shelf="lfw")
    (mirror / "lfw" / "w.bin").write_bytes(OTHER)
    with pytest.raises(DownloadError, match="sha256"):
        fetch(file, tmp_path / "out", shelf="lfw")
    assert left_over(tmp_path / "out") == []
    (mirror / "lfw" / "w.bin").unlink()
    (mirror / "w.bin").write_bytes(BODY)
    assert fetch(file, tmp_path / "out", shelf="lfw").read_bytes() == BODY
    assert "/w.bin" not in server.seen
    monkeypatch.setenv("FACEZOO_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(DownloadError, match="not a folder"):
        fetch(file, tmp_path / "out2")


def test_no_room(server, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 0, 100_000))
    with pytest.raises(DownloadError, match="262144 bytes are missing and only 90000 are free"):
        fetch(remote(server.url("/w.bin", serve())), tmp_path, options=patient(reserve=10_000))
    assert left_over(tmp_path) == []


def test_https_is_not_downgraded(monkeypatch):
    class Answer:
        def __init__(self):
            self.is_redirect = True
            self.headers = {"Location": "http://example.org/w.bin"}

        def close(self):
            pass

    class Session:
        def get(self, url, **rest):
            assert url.startswith("https://")
            return Answer()

    with pytest.raises(transfer.RefusedError, match="redirected from https"):
        transfer._get(Session(), "https://example.org/w.bin", {}, patient())


def test_proxy_from_the_environment(server, tmp_path, monkeypatch):
    server.plans["http://files.invalid/w.bin"] = [serve()]  # a proxy is asked for the full address
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "")
    assert fetch(remote("http://files.invalid/w.bin"), tmp_path, options=patient()).read_bytes() == BODY


def test_retry_after_and_backoff(server, tmp_path):
    pauses = []
    plan = [status(503), status(503, Retry_After=7), status(503, Retry_After=9999), serve()]
    options = patient(retries=5, backoff=1.0, max_backoff=20.0, sleep=pauses.append)
    fetch(remote(server.url("/w.bin", *plan)), tmp_path, options=options)
    assert 1.0 <= pauses[0] <= 1.5
    assert pauses[1:] == [7.0, 20.0]


def test_interrupted_by_the_user_then_resumed(server, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "CHUNK", 10_000)

    def stop(done, total=None, text=""):
        if done >= HALF:
            raise KeyboardInterrupt

    url = server.url("/w.bin", serve())
    with pytest.raises(KeyboardInterrupt):
        fetch(remote(url), tmp_path, options=patient(), on_progress=stop)
    assert left_over(tmp_path) == []
    kept = os.path.getsize(tmp_path / ".w.bin.part")
    assert fetch(remote(url), tmp_path, options=patient()).read_bytes() == BODY
    assert server.seen["/w.bin"][1]["Range"] == f"bytes={kept}-"


def test_secrets_are_not_printed(server, tmp_path):
    url = server.url("/w.bin?token=s3cret", redirect("file:///x"), stall)
    with pytest.raises(DownloadError) as caught:
        fetch(RemoteFile("w.bin", (url,), sha256=SHA256), tmp_path, options=patient())
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "..", "../w", "a/b", "a\\b", "c:w", "/etc/x"])
def test_names_stay_in_the_folder(name):
    with pytest.raises(ConfigError):
        RemoteFile(name, ())


@pytest.mark.parametrize("known", [{"sha256": "12"}, {"md5": "x" * 32}])
def test_a_hash_is_a_hash(known):
    with pytest.raises(ConfigError, match="hex digits"):
        RemoteFile("w.bin", (), **known)


def test_the_mirror_may_be_a_server(server, tmp_path, monkeypatch):
    server.url("/mirror/lfw/a.bin", status(404))
    server.url("/mirror/a.bin", serve())
    server.url("/original", serve())
    monkeypatch.setenv("FACEZOO_MIRROR", f"http://127.0.0.1:{server.server_port}/mirror/")
    original = f"http://127.0.0.1:{server.server_port}/original"
    path = fetch(RemoteFile("a.bin", (original,), sha256=SHA256), tmp_path, shelf="lfw", options=patient())
    assert path.read_bytes() == BODY
    assert server.seen["/mirror/lfw/a.bin"]
    assert not server.seen["/original"]
    monkeypatch.setenv("FACEZOO_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(DownloadError, match=r"not a folder or an http\(s\) address"):
        fetch(RemoteFile("b.bin", (original,), sha256=SHA256), tmp_path, options=patient())
