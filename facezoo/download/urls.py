"""Paths that may be URLs: ``s3://``, ``gs://``, ``hf://``, ``https://`` and others of fsspec, kept in the cache folder.

A file, or all files of a folder, is downloaded once to ``CACHE/urls/PROTOCOL/...``. When it is used again, sizes and
versions are compared with the server, and only what changed is fetched again.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from filelock import FileLock

from facezoo.download import cache, offline
from facezoo.errors import ConfigError, DataError, DownloadError, UnknownNameError, UnsafeFileError
from facezoo.io.json_text import parse_json

PACKAGES = {  # protocol -> the package that fsspec needs for it
    "http": "aiohttp", "https": "aiohttp", "s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs",
    "hf": "huggingface_hub", "az": "adlfs", "abfs": "adlfs", "sftp": "paramiko", "ftp": "", "memory": "", "file": "",
}  # fmt: skip
KEYS = {  # protocol -> where its credentials come from
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile of ~/.aws",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or: gcloud auth application-default login",
    "hf": "HF_TOKEN, or: hf auth login",
}
# pathlib turns // into /, so that a URL that went through a Path has one slash
_FORM = re.compile(rf"({'|'.join(PACKAGES)}):/{{1,2}}(?!/)(.+)|file:///?(.+)", re.IGNORECASE | re.DOTALL)
_OTHER = re.compile(r"([a-zA-Z][a-zA-Z0-9+-]+):/")
_AT_ONCE = 256  # files of one request to fsspec
_VERSIONS = ("ETag", "etag", "md5Hash", "blob_id", "LastModified", "mtime", "created", "content_md5")


class _Remote(NamedTuple):
    """A file of a folder: its path for fsspec, its size where the server says it, and a text that changes with it."""

    path: str
    size: int | None
    version: str


def is_url(path: str | os.PathLike[str]) -> bool:
    """Whether this is a URL, also after it went through a :class:`pathlib.Path`.

    >>> is_url("s3://faces/train.rec"), is_url(Path("https://host/a.bin")), is_url("C:/faces"), is_url("faces")
    (True, True, False, False)
    """
    return _FORM.fullmatch(os.fspath(path)) is not None


def full_url(path: str | os.PathLike[str]) -> str:
    """The URL with both slashes.

    >>> full_url(Path("s3://faces/train.rec"))
    's3://faces/train.rec'
    """
    protocol, _, rest = os.fspath(path).partition(":")
    return f"{protocol.lower()}://{'/' if protocol.lower() == 'file' else ''}{rest.lstrip('/')}"


def without_password(url: str) -> str:
    """The URL as it may be shown.

    >>> without_password("https://me:secret@host/a?token=1")
    'https://host/a'
    """
    return re.sub(r"://[^/@]*@", "://", url.partition("?")[0])


def local_path(path: str | os.PathLike[str], *, compare: bool = True) -> Path:
    """The path itself, or that of the copy of a URL in the cache, a file or a folder.

    ``FACEZOO_OFFLINE`` and a folder in ``FACEZOO_MIRROR`` forbid the network: the copy in the cache is used as it is.

    Args:
        path: a path, or a URL of a file or a folder. An address of a web server is that of a folder if its last part
            has no extension; the server must answer with a page of links.
        compare: compare a copy that is in the cache with the server.

    Raises:
        ConfigError: a package for this kind of URL is missing, or fsspec knows no such kind.
        DataError: nothing is there.
        DownloadError: the server cannot be reached, refuses access, or sends a file of another size than it states.
        UnsafeFileError: a name on the server leads out of the folder.
    """
    if not is_url(path):
        _check_protocol(Path(path))
        return Path(path)
    url = full_url(path)
    protocol, _, rest = url.partition("://")
    if protocol == "file":
        return Path(rest)
    target = cache.root() / "urls" / protocol / _safe(without_password(f"x://{rest}")[4:].strip("/"))
    index = cache.root() / "urls" / ".index" / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"
    if not compare and index.is_file() and target.is_file():
        return target
    index.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(index.with_suffix(".lock")):  # several processes of a run open the same data
        if protocol != "memory" and (offline.forbidden() or offline.folder() is not None):
            return _cached(url, target, index)
        with _explained(url, protocol):
            return _fetched(url, target, index)


def shown_path(path: str | os.PathLike[str]) -> str:
    """The path, or the URL as it may be shown."""
    return without_password(full_url(path)) if is_url(path) else os.fspath(path)


def _check_protocol(path: Path) -> None:
    """Refuse ``s4://...``, which would be looked for as a folder ``s4:``."""
    found = _OTHER.match(str(path))
    if found and not path.exists():
        raise UnknownNameError("protocol of a URL", found[1], PACKAGES)


def beside(path: str | os.PathLike[str], name: str) -> str | Path:
    """A file beside another one, a path or a URL."""
    if not is_url(path):
        return Path(path).parent / name
    return f"{full_url(path).rpartition('/')[0]}/{name}"


def _cached(url: str, target: Path, index: Path) -> Path:
    if index.is_file() and target.exists():
        return target
    raise DownloadError(
        f"{without_password(url)} is not in the cache, and FACEZOO_OFFLINE or FACEZOO_MIRROR forbids to fetch it; "
        "unset the variable, or give the path of a copy"
    )


def _fetched(url: str, target: Path, index: Path) -> Path:
    import fsspec

    files, path = fsspec.core.url_to_fs(url)
    files.invalidate_cache()  # of an earlier call in this process
    found = _listed(files, url, path)
    known = _read_index(index)
    missing = {
        name: remote for name, remote in found.items() if not _same(remote, _place(target, name), known.get(name))
    }
    names = list(missing)
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        _download(files, {_place(target, name): missing[name] for name in some})
        known.update({name: [missing[name].size, missing[name].version] for name in some})
        _write_index(index, known)
    for name in set(known) - set(found):  # deleted on the server
        _place(target, name).unlink(missing_ok=True)
    _write_index(index, {name: known[name] for name in found})
    return target


def _place(target: Path, name: str) -> Path:
    return target / name if name else target


def _listed(files: Any, url: str, path: str) -> dict[str, _Remote]:
    """The file of a URL under the name "", or the files below a folder by their relative paths."""
    protocol = url.partition("://")[0]
    # a web server answers for a folder with a page; what has no extension is taken for a folder
    folder = not PurePosixPath(path).suffix if protocol in ("http", "https") else files.isdir(path)
    if not folder:
        return {"": _remote(files.info(path))}
    root = path.rstrip("/")
    if protocol in ("http", "https"):  # the links of a page, without sizes
        files.info(f"{root}/")  # find() is silent about a server that does not answer
        links = [link for link in files.find(f"{root}/") if "?" not in link and not link.endswith("/")]
        with ThreadPoolExecutor(16) as pool:
            entries = dict(zip(links, pool.map(files.info, links), strict=True))
    else:
        entries = files.find(root, detail=True)
    below = {name.removeprefix(root).lstrip("/"): entry for name, entry in entries.items() if name.startswith(root)}
    found = {_safe(name): _remote(entry) for name, entry in sorted(below.items()) if name}
    if not found:
        raise DataError(f"{without_password(url)}: no such file, folder or bucket, or it is empty")
    return found


def _remote(entry: Mapping[str, Any]) -> _Remote:
    versions = [str(entry[key]) for key in _VERSIONS if entry.get(key)]
    return _Remote(str(entry["name"]), entry.get("size"), versions[0] if versions else "")


def _same(remote: _Remote, place: Path, known: Any) -> bool:
    if not place.is_file() or known != [remote.size, remote.version]:
        return False
    return remote.size is None or place.stat().st_size == remote.size


def _download(files: Any, wanted: Mapping[Path, _Remote]) -> None:
    parts = {place: place.with_name(f".{place.name}.part") for place in wanted}
    for place in wanted:
        place.parent.mkdir(parents=True, exist_ok=True)
    try:
        files.get([remote.path for remote in wanted.values()], [str(part) for part in parts.values()])
        for place, remote in wanted.items():
            size = parts[place].stat().st_size
            if remote.size is not None and size != remote.size:
                raise DownloadError(
                    f"{without_password(remote.path)}: got {size} bytes; the server states {remote.size}. Try again"
                )
            os.replace(parts[place], place)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def _safe(name: str) -> str:
    """A relative path, checked to stay where it is put."""
    if any(part in ("..", "") for part in name.split("/") if name) or "\0" in name or "\\" in name:
        raise UnsafeFileError(f"the name {name[:80]!r} on the server leads out of its folder, or has empty parts")
    return name


def _read_index(index: Path) -> dict[str, Any]:
    try:
        known = parse_json(index.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write_index(index: Path, known: Mapping[str, Any]) -> None:
    part = index.with_suffix(".part")
    part.write_text(json.dumps(known), encoding="utf-8")
    os.replace(part, index)


@contextlib.contextmanager
def _explained(url: str, protocol: str) -> Iterator[None]:
    """Errors of fsspec and of the clients of the servers, which have no base class in common, as those of facezoo."""
    shown = without_password(url)
    try:
        yield
    except (DataError, DownloadError, UnsafeFileError, ConfigError):
        raise
    except ImportError as error:
        package = PACKAGES[protocol] if importlib.util.find_spec("fsspec") and PACKAGES[protocol] else "fsspec"
        more = "" if package in ("fsspec", "aiohttp") else f" {package}"  # these two are in the extra
        raise ConfigError(f"{shown} needs {package}: pip install 'facezoo[remote]'{more}") from error
    except Exception as error:
        found: BaseException = error
        if isinstance(error, FileNotFoundError):
            if getattr(error.__cause__, "status", 404) == 404 and "Connect" not in type(error.__cause__).__name__:
                raise DataError(f"{shown}: no such file, folder or bucket") from error
            found = error.__cause__ or error  # the client of web servers reports every failure in this way
        reason = " ".join(str(found).split())[:200].replace(url, shown)
        kind = type(found).__name__
        if isinstance(error, PermissionError) or "Credentials" in kind or re.search(r"\b40[13]\b", reason):
            keys = KEYS.get({"s3a": "s3", "gcs": "gs"}.get(protocol, protocol), "the account of the server")
            raise DownloadError(f"{shown}: access refused, or no credentials ({reason}); set {keys}") from error
        raise DownloadError(f"{shown}: cannot be fetched ({kind}: {reason})") from error
