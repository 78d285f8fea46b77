"""``hf://OWNER/REPO[@REVISION]/PATH``: by huggingface_hub if it is installed, else over https.

huggingface_hub uses the user's token, which opens gated and private repositories, and the user's cache (``HF_HOME``): a
file that is there is not downloaded again.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from pathlib import Path
from urllib.parse import quote

from facezoo.download.transfer import RefusedError
from facezoo.errors import ConfigError

_FORM = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+?)(?:@(?P<revision>[\w./-]+?))?/(?P<path>[^@]+)")


def split(url: str) -> tuple[str, str, str]:
    """(repository, revision, path in the repository).

    >>> split("hf://minchul/cvlface_adaface_ir18_casia/pretrained_model/model.pt")
    ('minchul/cvlface_adaface_ir18_casia', 'main', 'pretrained_model/model.pt')
    """
    found = _FORM.fullmatch(url)
    if found is None:
        raise ConfigError(f"{url!r} is not of the form hf://OWNER/REPO[@REVISION]/PATH")
    return found["repo"], found["revision"] or "main", found["path"]


def handles(url: str) -> bool:
    """Whether :func:`download` takes this URL: it starts with ``hf://`` and huggingface_hub is installed."""
    return url.startswith("hf://") and importlib.util.find_spec("huggingface_hub") is not None


def plain(url: str) -> str:
    """The https address of an ``hf://`` URL; any other URL unchanged.

    >>> plain("hf://a/b@v1/c.bin")
    'https://huggingface.co/a/b/resolve/v1/c.bin'
    """
    if not url.startswith("hf://"):
        return url
    repo, revision, path = split(url)
    return f"https://huggingface.co/{repo}/resolve/{quote(revision, safe='')}/{quote(path)}"


def download(url: str, to: Path) -> None:
    """Download by huggingface_hub into its cache, and link or copy the file to the path ``to``.

    Raises:
        RefusedError: with the message of huggingface_hub.
    """
    import huggingface_hub

    repo, revision, path = split(url)
    try:
        found = huggingface_hub.hf_hub_download(repo, path, revision=revision)
    except Exception as error:  # the types depend on its version
        raise RefusedError(" ".join(str(error).split())[:200] or type(error).__name__) from error
    to.unlink(missing_ok=True)
    try:
        os.link(os.path.realpath(found), to)  # takes no space
    except OSError:  # the caches are on two disks, or the file system has no links
        shutil.copyfile(found, to)
