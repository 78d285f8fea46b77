"""For every fault of a server, the resulting file is correct or absent."""

import hashlib

import pytest
from faulty_server import (
    BODY,
    chunked,
    lying_range,
    redirect,
    reset,
    serve,
    stall,
    status,
    trickle,
    wrong_range,
)

from facezoo.download import Options, RemoteFile, fetch
from facezoo.errors import DownloadError

SHA256 = hashlib.sha256(BODY).hexdigest()
MD5 = hashlib.md5(BODY).hexdigest()
OTHER = BODY[::-1]
HALF = len(BODY) // 2


def patient(**changes):
    base = {"retries": 3, "backoff": 0.0, "stall_timeout": 0.3, "reserve": 0, "sleep": lambda seconds: None}
    return Options(**{**base, **changes})


def remote(*urls, name="w.bin", **known):
    return RemoteFile(name, urls, **(known or {"sha256": SHA256, "size": len(BODY)}))


def left_over(folder):
    """Visible file names; locks, receipts and partial files are hidden."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


RECOVERS = {
    "truncates": [serve(upto=HALF), serve()],
    "truncates three times": [serve(upto=HALF), serve(upto=HALF // 2), serve(upto=1000), serve()],
    "stalls": [serve(upto=HALF, then=stall), serve()],
    "stalls before the first byte": [stall, serve()],
    "resets": [serve(upto=HALF, then=reset), serve()],
    "resets before answering": [reset, serve()],
    "trickles": [serve(upto=100, then=trickle), serve()],
    "busy": [status(503), status(429, Retry_After=0), serve()],
    "ignores Range": [serve(upto=HALF), serve(ranges=False)],
    "answers another range": [serve(upto=HALF), wrong_range(), serve()],
    "lies about the range": [serve(upto=HALF), lying_range, serve()],
    "changes the file between attempts": [serve(OTHER, etag='"v0"', upto=HALF), serve()],
    "changes the file, says nothing": [serve(OTHER, etag=None, upto=HALF), serve(etag=None)],
    "changes the file under one ETag": [serve(OTHER, upto=HALF), serve()],
    "range past the end": [serve(upto=HALF), status(416), serve()],
    "chunked": [chunked()],
    "chunked, truncated": [chunked(BODY[:HALF], finish=False), chunked()],
    "no length": [serve(length=False)],
    "no length, truncated": [serve(length=False, upto=HALF), serve()],
    "redirects": [redirect("/moved"), redirect("/moved")],
    "claims compression": [serve(Content_Encoding="x-gzip")],
}


@pytest.mark.parametrize("plan", RECOVERS.values(), ids=RECOVERS)
def test_recovers(server, tmp_path, plan):
    server.url("/moved", serve(upto=HALF), serve())
    path = fetch(remote(server.url("/w.bin", *plan)), tmp_path, options=patient())
    assert path.read_bytes() == BODY
    assert left_over(tmp_path) == ["w.bin"]
    assert not list(tmp_path.glob(".*.part*"))


FAILS = {
    "wrong bytes": ([serve(OTHER)], "sha256"),
    "wrong size": ([serve(BODY[:-1])], "262143 bytes; the published one has 262144"),
    "too long": ([serve(BODY + b"x")], "262145 bytes"),
    "not there": ([status(404)], "HTTP 404"),
    "forbidden": ([status(403)], "HTTP 403"),
    "always busy": ([status(503)], "HTTP 503 (after 3 tries)"),
    "always truncates at once": ([serve(upto=0)], "interrupted after 0 bytes"),
    "always stalls": ([stall], "after 3 tries"),
    "dies half-way and never comes back": ([serve(upto=HALF, then=reset), reset], "after 3 tries"),
    "redirects for ever": ([redirect("/w.bin")], "more than 5 redirects"),
    "redirects to a file on this machine": ([redirect("file:///etc/passwd")], "not http or https"),
    "redirects nowhere": ([redirect("/nowhere")], "HTTP 404"),
    "always another range": (
        [serve(upto=HALF), wrong_range()],
        "another range",
    ),
}


@pytest.mark.parametrize("plan, words", FAILS.values(), ids=FAILS)
def test_fails_and_leaves_no_file(server, tmp_path, plan, words):
    server.url("/nowhere", status(404))
    with pytest.raises(DownloadError) as caught:
        fetch(remote(server.url("/w.bin", *plan)), tmp_path, options=patient())
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert left_over(tmp_path) == []


def test_a_web_page_is_not_a_file_when_no_hash_is_known(server, tmp_path):
    page = server.url("/w.bin", serve(b"<html>log in</html>", Content_Type="text/html; charset=utf-8"))
    with pytest.raises(DownloadError, match="web page"):
        fetch(RemoteFile("w.bin", (page,)), tmp_path, options=patient())
    assert left_over(tmp_path) == []


def test_without_hash_size_and_length_nothing_is_taken(server, tmp_path):
    with pytest.raises(DownloadError, match="does not state the file's length"):
        fetch(RemoteFile("w.bin", (server.url("/w.bin", serve(length=False)),)), tmp_path, options=patient())
    assert left_over(tmp_path) == []


def test_unhashed_pieces_are_joined_only_under_a_validator(server, tmp_path):
    url = server.url("/a.bin", serve(etag=None, upto=HALF), serve(etag=None))
    assert fetch(RemoteFile("a.bin", (url,)), tmp_path, options=patient()).read_bytes() == BODY
    assert "Range" not in server.seen["/a.bin"][1]
    url = server.url("/b.bin", serve(upto=HALF), serve())
    assert fetch(RemoteFile("b.bin", (url,)), tmp_path, options=patient()).read_bytes() == BODY
    assert server.seen["/b.bin"][1]["Range"] == f"bytes={HALF}-"
    assert server.seen["/b.bin"][1]["If-Range"] == '"v1"'
    url = server.url("/c.bin", serve(OTHER, etag='W/"v1"', upto=HALF), serve())
    assert fetch(RemoteFile("c.bin", (url,)), tmp_path, options=patient()).read_bytes() == BODY
    assert "Range" not in server.seen["/c.bin"][1]  # a weak tag does not promise equal bytes


def test_md5_is_checked_where_nothing_better_is_published(server, tmp_path):
    fetch(remote(server.url("/w.bin", serve()), md5=MD5), tmp_path, options=patient())
    with pytest.raises(DownloadError, match="md5"):
        fetch(remote(server.url("/v.bin", serve(OTHER)), name="v.bin", md5=MD5), tmp_path, options=patient())
    assert left_over(tmp_path) == ["w.bin"]


def broken_range(handler):
    handler.start(416, Content_Range="bytes */1", Content_Length=0)


ENDLESS = {
    "the same 100 KiB, then 416": [serve(upto=100 << 10), broken_range] * 40,
    "the same 100 KiB, then another range": [serve(upto=100 << 10), wrong_range()] * 40,
}


@pytest.mark.parametrize("plan", ENDLESS.values(), ids=ENDLESS)
def test_the_same_bytes_again_and_again_are_no_progress(server, tmp_path, plan):
    url = server.url("/w.bin", *plan)
    with pytest.raises(DownloadError, match="after 3 tries"):
        fetch(remote(url), tmp_path, options=patient())
    assert len(server.seen["/w.bin"]) < 8


def test_attempts_are_limited_also_with_progress(server, tmp_path):
    url = server.url("/w.bin", serve(upto=70_000))
    with pytest.raises(DownloadError, match="after 2 tries"):
        fetch(remote(url), tmp_path, options=patient(max_attempts=2))


def test_headers_that_drip_are_given_up(server, tmp_path):
    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        trickle(handler)

    url = server.url("/w.bin", drip, serve())
    path = fetch(remote(url), tmp_path, options=patient(header_timeout=0.5))
    assert path.read_bytes() == BODY
    url = server.url("/v.bin", drip)
    with pytest.raises(DownloadError, match="no complete headers after"):
        fetch(remote(url, name="v.bin"), tmp_path, options=patient(header_timeout=0.2, retries=1))


def test_an_endless_body_without_a_size_leaves_nothing(server, tmp_path, monkeypatch):
    def endless(handler):
        handler.start(200, Transfer_Encoding="chunked")
        while not handler.server.released.is_set():
            handler.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")

    monkeypatch.setattr("facezoo.download.transfer.shutil.disk_usage", lambda path: Disk(8 << 20))
    url = server.url("/w.bin", endless)
    with pytest.raises(DownloadError, match="half of the space, as no size is known"):
        fetch(remote(url, sha256=SHA256), tmp_path, options=patient())
    assert not list(tmp_path.glob(".w.bin.part*"))


class Disk:
    def __init__(self, free):
        self.free = free


def test_more_bytes_than_announced_leave_nothing(server, tmp_path):
    url = server.url("/w.bin", chunked(BODY + BODY))
    with pytest.raises(DownloadError, match="sent more than the 262144 bytes"):
        fetch(remote(url), tmp_path, options=patient())
    assert not list(tmp_path.glob(".w.bin.part*"))


@pytest.mark.parametrize("address", ["http://[::1:bad", "http://example.org:port/", "http://"])
def test_a_malformed_redirect_goes_to_the_next_mirror(server, tmp_path, address):
    bad, good = server.url("/w.bin", redirect(address)), server.url("/v.bin", serve())
    assert fetch(remote(bad, good), tmp_path, options=patient()).read_bytes() == BODY
