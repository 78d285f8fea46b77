"""One attempt to download from one URL into the part file."""

from __future__ import annotations

import errno
import queue
import re
import shutil
import threading
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urljoin, urlsplit

from facezoo import __version__
from facezoo.download.part import Origin, Part
from facezoo.download.remote import Options, RemoteFile, shown
from facezoo.io.progress import OnProgress, ignore_progress

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 18
RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}


class TransientError(Exception):
    """The same URL may work later; ``wait`` is the pause that the server asked for, in seconds."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class RefusedError(Exception):
    """This URL does not give the file; the next mirror may."""


class NoSpaceError(RefusedError):
    """The disk is too small."""


def attempt(
    url: str, remote: RemoteFile, part: Part, options: Options, on_progress: OnProgress = ignore_progress
) -> None:
    """Append the missing bytes to ``part``; returns when the server's whole answer is on disk.

    Raises:
        TransientError: interrupted, stalled or busy; the bytes so far are kept if the download can be resumed.
        RefusedError: not found, wrong size, an unsafe redirect, a web page instead of a file, no space.
    """
    import requests

    with requests.Session() as session:
        try:
            response = _get(session, url, _headers(url, remote, part), options)
        except requests.exceptions.SSLError as error:
            raise RefusedError(f"TLS: {_reason(error)}") from error
        except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
            raise TransientError(f"no connection ({_reason(error)})") from error
        except (requests.exceptions.RequestException, ValueError) as error:  # ValueError: a malformed address
            raise RefusedError(_reason(error)) from error
        with response:
            _receive(response, url, remote, part, options, on_progress)


def _headers(url: str, remote: RemoteFile, part: Part) -> dict[str, str]:
    # identity: the published hash is of the file, never of a compressed transfer
    headers = {"User-Agent": f"facezoo/{__version__}", "Accept-Encoding": "identity"}
    origin, size = part.origin(), part.size
    if not size:
        return headers
    if origin is not None and origin.url == url and origin.validator:
        headers["If-Range"] = origin.validator
    elif origin is None or not remote.hashed:
        part.discard()  # without a validator or a hash, the pieces could be from two versions
        return headers
    headers["Range"] = f"bytes={size}-"
    return headers


def _get(session: requests.Session, url: str, headers: dict[str, str], options: Options) -> requests.Response:
    """GET that follows redirects itself: bounded, http(s) only, never from https to http."""
    secure = urlsplit(url).scheme == "https"
    for _ in range(options.max_redirects + 1):
        if urlsplit(url).scheme not in ("http", "https"):
            raise RefusedError(f"redirected to {shown(url)}, which is not http or https")
        if secure and urlsplit(url).scheme != "https":
            raise RefusedError(f"redirected from https to {shown(url)}")
        secure = secure or urlsplit(url).scheme == "https"
        response = _headers_of(session, url, headers, options)
        if not response.is_redirect:
            return response
        url = urljoin(url, response.headers["Location"])
        response.close()
    raise RefusedError(f"more than {options.max_redirects} redirects")


def _headers_of(session: requests.Session, url: str, headers: dict[str, str], options: Options) -> requests.Response:
    """The response after its headers, within ``header_timeout``: a socket's timeout starts anew with every byte.

    Raises:
        TransientError: the headers are not complete in time; the request ends when its socket does.
    """
    answers: queue.SimpleQueue[requests.Response | BaseException] = queue.SimpleQueue()
    given_up = threading.Event()

    def ask() -> None:
        limits = (options.connect_timeout, options.stall_timeout)
        try:
            response = session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=limits)
        except BaseException as error:
            answers.put(error)
            return
        if given_up.is_set():
            response.close()
        answers.put(response)

    threading.Thread(target=ask, name="facezoo-download", daemon=True).start()
    try:
        answer = answers.get(timeout=options.header_timeout)
    except queue.Empty:
        raise TransientError(f"no complete headers after {options.header_timeout:g} s") from None
    finally:
        given_up.set()
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _receive(
    response: requests.Response,
    url: str,
    remote: RemoteFile,
    part: Part,
    options: Options,
    on_progress: OnProgress,
) -> None:
    start, total = _where(response, part)
    page = response.headers.get("Content-Type", "").startswith("text/html")
    if page and not remote.hashed and not remote.name.endswith((".html", ".htm")):
        raise RefusedError("the server sent a web page instead of the file (a login or a confirmation)")
    if total is not None and remote.size is not None and total != remote.size:
        raise RefusedError(f"the server's file has {total} bytes; the published one has {remote.size}")
    if total is None and remote.size is None and not remote.hashed and not _chunked(response):
        raise RefusedError("the server does not state the file's length, and no size or hash is published")
    expected = total if total is not None else remote.size
    free = shutil.disk_usage(part.path.parent).free
    room = (free if expected is not None else free // 2) - options.reserve  # a body without a size may be endless
    if expected is not None and expected - start > room:
        raise NoSpaceError(f"{expected - start} bytes are missing and only {max(room, 0)} are free on the disk")
    part.pieced = start > 0
    if start == 0:
        part.discard()
        part.record(Origin(url, _validator(response), total))
    with open(part.path, "r+b" if start else "wb") as file:
        file.seek(start)
        try:
            done = _copy(response, file, start, expected, room, options, on_progress)
        except RefusedError as error:
            if expected is None or not isinstance(error, NoSpaceError):
                part.discard()  # nothing that could be resumed
            raise
    if expected is not None and done < expected:
        raise TransientError(f"interrupted after {done} of {expected} bytes")


def _where(response: requests.Response, part: Part) -> tuple[int, int | None]:
    """(offset of the first byte of the answer, full size if stated).

    Raises:
        TransientError: the status is temporary, or the range is not the one asked for.
        RefusedError: any other status.
    """
    status = response.status_code
    if status == 206:
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", "").strip())
        origin = part.origin()
        total = int(found[3]) if found and found[3] != "*" else None
        known = origin.total if origin else None
        if not found or int(found[1]) != part.size or (total and known and total != known):
            part.discard()
            raise TransientError(f"answered another range: {response.headers.get('Content-Range', 'none')!r}")
        return part.size, total if total is not None else known
    if status == 200:  # the server ignores ranges, or the file has changed: the answer is the whole file
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdigit() and not _chunked(response) else None
    if status == 416:
        part.discard()
        raise TransientError("the server's file ends before the bytes on disk; starting over")
    if status in RETRY_STATUS:
        raise TransientError(f"HTTP {status}", _retry_after(response.headers.get("Retry-After")))
    raise RefusedError(f"HTTP {status}")


def _copy(
    response: requests.Response,
    file: BinaryIO,
    done: int,
    expected: int | None,
    room: int,
    options: Options,
    on_progress: OnProgress,
) -> int:
    """Copy the body to ``file``; returns the offset reached."""
    import urllib3

    begin = done
    window_start, window_done = time.monotonic(), done
    while True:
        try:
            piece = response.raw.read1(CHUNK)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise TransientError(f"stalled after {done} bytes") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise TransientError(f"interrupted after {done} bytes ({_reason(error)})") from error
        if not piece:
            return done
        done += len(piece)
        if expected is not None and done > expected:
            raise RefusedError(f"sent more than the {expected} bytes announced")
        if done - begin > room:
            raise NoSpaceError(f"no space on the disk: {_kept_free(expected, options)} must stay free")
        _write(file, piece)
        on_progress(done, expected)
        now = time.monotonic()
        if now - window_start > options.stall_timeout:
            if done - window_done < options.minimum_rate * (now - window_start):
                raise TransientError(f"slower than {options.minimum_rate:.0f} bytes/s after {done} bytes")
            window_start, window_done = now, done


def _kept_free(expected: int | None, options: Options) -> str:
    return f"{options.reserve} bytes" if expected is not None else "half of the space, as no size is known,"


def _write(file: BinaryIO, piece: bytes) -> None:
    try:
        file.write(piece)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpaceError("no space left on the disk") from error
        raise


def _validator(response: requests.Response) -> str | None:
    """A strong ETag, else the Last-Modified date; a weak ETag is not valid for a range (RFC 9110, section 13.1.5)."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")


def _chunked(response: requests.Response) -> bool:
    return "chunked" in response.headers.get("Transfer-Encoding", "").lower()


def _retry_after(value: str | None) -> float | None:
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _reason(error: Any) -> str:
    """The innermost reason of a nested network error, on one line."""
    while getattr(error, "reason", None) is not None and isinstance(error.reason, Exception):
        error = error.reason
    if error.args and isinstance(error.args[0], Exception):
        return _reason(error.args[0])
    text = " ".join(str(error).split())
    return text.split(": ", 1)[-1][:160] or type(error).__name__
