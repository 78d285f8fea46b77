"""Models on the Hugging Face Hub: a repository with the weight file, its card as README, and its index entry."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from facezoo import backends
from facezoo.checkpoints.weights import load_weights
from facezoo.download import offline
from facezoo.errors import ConfigError, DownloadError
from facezoo.weights.card import ModelCard, read_card
from facezoo.weights.publish import publish

REPO = re.compile(r"[\w.-]+/[\w.-]+")


def push_to_hub(
    weights: str | Path,
    repo_id: str,
    *,
    card: ModelCard | None = None,
    licence: str = "unknown",
    private: bool = False,
    token: str | None = None,
    message: str = "Upload weights and card",
) -> str:
    """Upload a weight file with its card, calibration, index entry and hashes.

    Args:
        weights: a file that facezoo wrote; it is read and checked first.
        repo_id: "OWNER/NAME"; made if it does not exist. The file is named NAME in lower case.
        card: replaces the one beside the weights.
        licence: licence of the weights; "unknown" takes that of the card.
        private: of a new repository.
        token: None takes the one that ``hf auth login`` stored, or ``HF_TOKEN``.
        message: of the commit.

    Returns:
        The address of the commit.

    Raises:
        ConfigError: ``repo_id`` is not of this form, or NAME cannot name a model.
        CheckpointError: the weight file is not valid.
        DownloadError: huggingface_hub is not installed, ``FACEZOO_OFFLINE`` is set, or the Hub refused; the message is
            the Hub's.
    """
    name = _name(repo_id)
    if offline.forbidden():
        raise DownloadError(f"{offline.OFFLINE} is set, which forbids an upload to {repo_id}")
    address = f"https://huggingface.co/{repo_id}/resolve/main"
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / name
        publish(weights, folder, name=name, urls=(address,), licence=licence, card=card)
        written = read_card(folder / f"{name}.safetensors")
        if written is not None:
            (folder / "README.md").write_text(readme(written, repo_id), encoding="utf-8")
        hub = _library()
        try:
            api = hub.HfApi(token=token)
            api.create_repo(repo_id, private=private, exist_ok=True)
            return str(api.upload_folder(repo_id=repo_id, folder_path=str(folder), commit_message=message))
        except Exception as error:  # the types depend on its version
            raise DownloadError(f"{repo_id}: {' '.join(str(error).split())[:300]}") from error


def from_pretrained(
    repo_id_or_folder: str | Path, *, backend: str | None = None, revision: str | None = None, token: str | None = None
) -> Any:
    """A backbone that :func:`push_to_hub` or ``facezoo weights publish`` wrote, in evaluation mode.

    Args:
        repo_id_or_folder: "OWNER/NAME", or a folder with one ``.safetensors`` file.
        backend: "torch" or "paddle"; by default the installed one, "torch" where both are.
        revision: branch, tag or commit of the repository.
        token: as in :func:`push_to_hub`.

    Returns:
        A torch.nn.Module or paddle.nn.Layer.

    Raises:
        ConfigError: neither a folder nor of the form OWNER/NAME, or the folder does not hold one weight file.
        DownloadError: the Hub refused, huggingface_hub is not installed, or it is not in the Hub's cache while
            ``FACEZOO_OFFLINE`` forbids downloads.
        CheckpointError: the file is not one of facezoo.
    """
    folder = Path(repo_id_or_folder)
    if not folder.is_dir():
        _name(str(repo_id_or_folder))
        try:
            folder = Path(
                _library().snapshot_download(
                    str(repo_id_or_folder), revision=revision, token=token, local_files_only=offline.forbidden(),
                    allow_patterns=["*.safetensors", "*.json"],
                )
            )  # fmt: skip
        except DownloadError:
            raise
        except Exception as error:  # the types depend on its version
            raise DownloadError(f"{repo_id_or_folder}: {' '.join(str(error).split())[:300]}") from error
    found = sorted(folder.glob("*.safetensors"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found[:5]) or "none"
        raise ConfigError(f"{repo_id_or_folder} holds {names}; expected one .safetensors file, written by facezoo")
    return load_weights(found[0], backend=backend or backends.default_backend())


def readme(card: ModelCard, repo_id: str) -> str:
    """The card with the metadata that the Hub reads: licence, library, tags, data sets."""
    head: dict[str, Any] = {
        "library_name": "facezoo",
        "tags": ["face-recognition", card.backbone, card.head.partition(" ")[0]],
    }
    if card.licence != "unknown":
        head["license"] = card.licence.lower()
    usage = (
        "## Use\n\n```python\nfrom facezoo.weights.hub import from_pretrained\n\n"
        f'network = from_pretrained("{repo_id}", backend="torch")  # or "paddle"\n```\n'
    )
    return f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n\n{card.to_markdown()}\n{usage}"


def _name(repo_id: str) -> str:
    if not REPO.fullmatch(repo_id):
        raise ConfigError(f"{repo_id!r} is not a folder or a repository; expected OWNER/NAME, such as me/mobilefacenet")
    return repo_id.partition("/")[2].lower()


def _library() -> ModuleType:
    try:
        import huggingface_hub
    except ImportError as error:
        raise DownloadError("the Hub needs huggingface_hub: pip install 'facezoo[hub]'") from error
    return huggingface_hub
