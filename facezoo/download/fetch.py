"""Download one published file into a folder: the correct file under its name, or no file."""

from __future__ import annotations

import logging
import os
import shutil
import zlib
from dataclasses import replace
from pathlib import Path

from facezoo.download import hub, offline, receipts
from facezoo.download.part import Part
from facezoo.download.remote import Options, RemoteFile, shown
from facezoo.download.transfer import RefusedError, TransientError, attempt
from facezoo.errors import DownloadError
from facezoo.io.files import atomic_write
from facezoo.io.progress import OnProgress, ignore_progress

logger = logging.getLogger(__name__)

PROGRESS = 64 << 10  # bytes; an attempt that adds fewer counts as one without progress


def fetch(
    remote: RemoteFile,
    folder: str | Path,
    *,
    shelf: str = "",
    options: Options | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Path:
    """The file's path in ``folder``; it is downloaded if it is not there yet.

    A file already there is hashed before it is returned. If the environment variable ``FACEZOO_MIRROR``
    names a folder, that folder is the only source and the network is not used; if it is an http(s) address, that server
    is the only source. ``FACEZOO_OFFLINE`` forbids both kinds of downloads, but not the folder.

    Args:
        remote: the file.
        folder: the target folder; created if missing.
        shelf: the sub-folder of the offline folder that is searched first, such as the data set's name.
        options: retries and time limits.
        on_progress: called with the number of bytes on disk and, if known, of all.

    Raises:
        DownloadError: no mirror gave the correct file; then there is no file under the final name, unless one
            was there before.
    """
    options = options or Options()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / remote.name
    with _Lock(target, options.lock_timeout):
        if target.exists() and _accepted(remote, target):
            receipts.touch(target)
            logger.debug("%s is in the cache: %s", remote.name, target)
            return target
        mirror, address = offline.folder(), offline.address()
        if mirror is not None:
            _copy(offline.find(mirror, remote, shelf), remote, target)
        elif offline.forbidden():
            raise DownloadError(
                f"{offline.OFFLINE} is set, and {remote.name} is not at {target}; unset it to download the file, or "
                f"put the file there"
            )
        elif address is not None:
            urls = offline.addresses(address, remote.name, shelf)
            _from_mirrors(replace(remote, urls=urls), target, options, on_progress)
        else:
            _from_mirrors(remote, target, options, on_progress)
    return target


def _accepted(remote: RemoteFile, target: Path) -> bool:
    """Whether the file on disk matches the published hash or, without one, its receipt."""
    if remote.fault(target) is not None:
        return False
    return remote.hashed or receipts.unchanged(target)


class _Lock:
    """Lets a second process that fetches the same file wait for the first."""

    def __init__(self, target: Path, timeout: float) -> None:
        import filelock

        self._lock = filelock.FileLock(str(target.with_name(f".{target.name}.lock")), timeout=timeout)
        self._name, self._timeout = target.name, timeout

    def __enter__(self) -> None:
        import filelock

        try:
            self._lock.acquire()
        except filelock.Timeout as error:
            raise DownloadError(
                f"{self._name} is locked by another process, after waiting {self._timeout:.0f} s "
                f"(lock file {self._lock.lock_file})"
            ) from error

    def __exit__(self, *exc: object) -> None:
        self._lock.release()


def _copy(source: Path, remote: RemoteFile, target: Path) -> None:
    with atomic_write(target) as part:
        shutil.copyfile(source, part)
        fault = remote.fault(part)
        if fault is not None:
            raise DownloadError(f"{source} {fault}")
    receipts.write(target, remote, str(source))


def _from_mirrors(remote: RemoteFile, target: Path, options: Options, on_progress: OnProgress) -> None:
    failures = []
    for url in remote.urls:
        try:
            _from_one(url, remote, target, options, on_progress)
            receipts.write(target, remote, shown(url))
            return
        except (RefusedError, TransientError) as error:
            failures.append(f"{shown(url)}: {error}")
    reasons = "; ".join(failures) or "no URL is known"
    raise DownloadError(f"cannot fetch {remote.name}: {reasons}. To add it by hand, put it at {target}")


def _from_one(url: str, remote: RemoteFile, target: Path, options: Options, on_progress: OnProgress) -> None:
    logger.debug("fetching %s from %s to %s", remote.name, shown(url), target)
    part = Part(target)
    if hub.handles(url):
        hub.download(url, part.path)
    elif not _complete(part, remote):
        _retry(hub.plain(url), remote, part, options, on_progress)
    fault = remote.fault(part.path)
    if fault is not None:
        part.discard()
        if not part.pieced:
            raise RefusedError(f"the server's file {fault}")
        # pieces of two versions, or a damaged piece: download again without resuming
        _retry(hub.plain(url), remote, part, options, on_progress)
        fault = remote.fault(part.path)
        if fault is not None:
            part.discard()
            raise RefusedError(f"the server's file {fault}")
    _publish(part, target)


def _complete(part: Part, remote: RemoteFile) -> bool:
    """Whether an earlier call was stopped after the last byte and before the renaming."""
    return remote.hashed and part.size > 0 and remote.size == part.size and remote.fault(part.path) is None


def _retry(url: str, remote: RemoteFile, part: Part, options: Options, on_progress: OnProgress) -> None:
    """Repeat attempts until the server's answer is complete.

    Attempts that do not get beyond the furthest position so far are counted, so that a server which gives the same
    bytes again and again is left. The bytes on disk are kept for a later call.
    """
    fruitless, furthest = 0, part.size
    for number in range(1, options.max_attempts + 1):
        try:
            attempt(url, remote, part, options, on_progress)
            return
        except TransientError as error:
            fruitless = 0 if part.size - furthest >= PROGRESS else fruitless + 1
            furthest = max(furthest, part.size)
            if fruitless >= options.retries or number == options.max_attempts:
                tries = f"after {options.retries} tries" if fruitless >= options.retries else f"after {number} tries"
                raise RefusedError(f"{error} ({tries})") from error
            pause = options.backoff * 2.0 ** max(fruitless - 1, 0)
            pause *= 1.0 + zlib.crc32(f"{url}{fruitless}{os.getpid()}".encode()) / 2**33  # clients differ
            options.sleep(min(max(pause, error.wait or 0.0), options.max_backoff))


def _publish(part: Part, target: Path) -> None:
    handle = os.open(part.path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(part.path, target)
    part.forget_origin()
