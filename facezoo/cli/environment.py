"""The environment variables that facezoo reads."""

from __future__ import annotations

import os
import urllib.request
from urllib.parse import urlsplit

VARIABLES = {  # name -> what it sets; docs/environment.md describes each
    "FACEZOO_CACHE": "folder of downloaded files",
    "FACEZOO_CACHE_LIMIT": "size of the weights kept there",
    "FACEZOO_OFFLINE": "1 forbids downloads",
    "FACEZOO_MIRROR": "folder or address that all files come from",
    "FACEZOO_WEIGHTS_INDEX": "folders with entries of your own models",
    "FACEZOO_PADDLE_ONEDNN": "0 switches oneDNN's fused convolutions of paddle off",
    "XDG_CACHE_HOME": "parent of the cache folder, where FACEZOO_CACHE is not set",
    "NO_COLOR": "no colours in the output",
    "OMP_NUM_THREADS": "threads of each process on the CPU",
    "RAY_ADDRESS": "Ray cluster of --engine ray",
    "REQUESTS_CA_BUNDLE": "file of certificate authorities, for a proxy that opens connections",
}


def set_variables() -> dict[str, str]:
    """Those of ``VARIABLES`` that are set."""
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}


def proxies() -> dict[str, str]:
    """The proxies of downloads by scheme, without user names and passwords."""
    return {scheme: without_password(address) for scheme, address in sorted(urllib.request.getproxies().items())}


def without_password(address: str) -> str:
    """An address without its user name and password.

    >>> without_password("http://me:secret@proxy:3128")
    'http://***@proxy:3128'
    """
    parts = urlsplit(address if "://" in address else f"//{address}")
    if "@" not in parts.netloc:
        return address
    return parts._replace(netloc=f"***@{parts.netloc.rpartition('@')[2]}").geturl().removeprefix("//")
