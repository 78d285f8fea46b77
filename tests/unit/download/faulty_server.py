"""A local HTTP server that fails on command: each request to a path takes the next behaviour of its plan."""

from __future__ import annotations

import http.server
import socket
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable

import pytest

Behaviour = Callable[["Handler"], None]
BODY = bytes(range(256)) * 1024  # 256 KiB
ETAG = '"v1"'


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyServer

    def do_GET(self):
        self.server.seen[self.path].append(dict(self.headers))
        plan = self.server.plans[self.path]
        behaviour = plan.pop(0) if len(plan) > 1 else plan[0]
        self.close_connection = True
        behaviour(self)

    def log_message(self, *args):
        pass

    def start(self, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Connection", "close")
        self.end_headers()


class FaultyServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.plans: dict[str, list[Behaviour]] = {}
        self.seen: dict[str, list[dict[str, str]]] = defaultdict(list)
        self.released = threading.Event()  # ends stalled answers when the test ends
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, path: str, *plan: Behaviour) -> str:
        self.plans[path] = list(plan)
        return f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, request, client_address):
        pass  # these tests interrupt clients on purpose

    def stop(self):
        self.released.set()
        self.shutdown()
        self.server_close()


def _wanted(handler: Handler, body: bytes, etag: str | None) -> int | None:
    """The requested offset, if the condition holds."""
    asked = handler.headers.get("Range")
    condition = handler.headers.get("If-Range")
    if asked is None or (condition is not None and condition != etag):
        return None
    return int(asked.removeprefix("bytes=").removesuffix("-"))


def serve(body=BODY, *, etag=ETAG, ranges=True, upto=None, then=None, length=True, **headers) -> Behaviour:
    """Answer correctly, or up to ``upto`` bytes of the body and then do ``then``."""

    def behave(handler):
        begin = _wanted(handler, body, etag) if ranges else None
        if begin is not None and begin >= len(body):
            handler.start(416, Content_Range=f"bytes */{len(body)}", Content_Length=0)
            return
        rest = body[begin or 0 :]
        place = f"bytes {begin}-{len(body) - 1}/{len(body)}" if begin is not None else None
        size = len(rest) if length else None
        handler.start(206 if begin is not None else 200, ETag=etag, Content_Range=place, Content_Length=size, **headers)
        handler.wfile.write(rest if upto is None else rest[:upto])
        handler.wfile.flush()
        if then is not None:
            then(handler)

    return behave


def stall(handler):
    handler.server.released.wait(30)


def reset(handler):
    """Close with RST instead of FIN."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def trickle(handler):
    for _ in range(200):
        if handler.server.released.wait(0.05):
            return
        handler.wfile.write(b"x")
        handler.wfile.flush()


def status(code, **headers) -> Behaviour:
    return lambda handler: handler.start(code, Content_Length=0, **headers)


def redirect(to, code=302) -> Behaviour:
    return status(code, Location=to)


def wrong_range(shift=7) -> Behaviour:
    """206 for other bytes than those asked for."""

    def behave(handler):
        begin = (_wanted(handler, BODY, None) or 0) + shift
        handler.start(
            206,
            ETag=ETAG,
            Content_Range=f"bytes {begin}-{len(BODY) - 1}/{len(BODY)}",
            Content_Length=len(BODY) - begin,
        )
        handler.wfile.write(BODY[begin:])

    return behave


def lying_range(handler):
    """A correct Content-Range header with bytes of another range."""
    begin = _wanted(handler, BODY, None)
    if begin is None:
        return serve()(handler)
    handler.start(
        206,
        ETag=ETAG,
        Content_Range=f"bytes {begin}-{len(BODY) - 1}/{len(BODY)}",
        Content_Length=len(BODY) - begin,
    )
    handler.wfile.write(BODY[: len(BODY) - begin][::-1])


def chunked(body=BODY, *, finish=True, piece=50_000) -> Behaviour:
    def behave(handler):
        handler.start(200, Transfer_Encoding="chunked")
        for at in range(0, len(body), piece):
            part = body[at : at + piece]
            handler.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        if finish:
            handler.wfile.write(b"0\r\n\r\n")

    return behave


def slow(seconds, behaviour) -> Behaviour:
    def behave(handler):
        time.sleep(seconds)
        behaviour(handler)

    return behave


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("FACEZOO_MIRROR", raising=False)
    running = FaultyServer()
    yield running
    running.stop()
