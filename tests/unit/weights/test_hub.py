"""push_to_hub and from_pretrained, with a Hub that is a folder."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import yaml

import facezoo
from facezoo.cli.main import main
from facezoo.errors import ConfigError, DownloadError
from facezoo.weights.hub import from_pretrained, push_to_hub


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """huggingface_hub, with the folder tmp_path/hub as its server; its calls are listed."""
    shelf, calls = tmp_path / "hub", []

    class HfApi:
        def __init__(self, token=None):
            calls.append(("token", token))

        def create_repo(self, repo_id, *, private, exist_ok):
            calls.append(("create", repo_id, private, exist_ok))

        def upload_folder(self, *, repo_id, folder_path, commit_message):
            if repo_id.startswith("refused"):
                raise OSError("403 Forbidden:\n you are not the owner")
            shutil.copytree(folder_path, shelf / repo_id, dirs_exist_ok=True)
            return f"https://hub.example/{repo_id}/commit/1"

    def snapshot_download(repo_id, *, revision, token, local_files_only, allow_patterns):
        calls.append(("download", repo_id, revision, local_files_only))
        if not (shelf / repo_id).is_dir():
            raise FileNotFoundError(f"404: {repo_id}")
        return str(shelf / repo_id)

    module = ModuleType("huggingface_hub")
    module.HfApi, module.snapshot_download = HfApi, snapshot_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    return SimpleNamespace(shelf=shelf, calls=calls)


@pytest.fixture
def weights(tmp_path) -> Path:
    network = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=8, seed=0)
    facezoo.save_weights(network, tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


def test_a_pushed_model_is_loaded_on_both_backends(hub, weights, backend):
    assert push_to_hub(weights, "me/MobileFace", licence="apache-2.0") == "https://hub.example/me/MobileFace/commit/1"
    assert hub.calls[:2] == [("token", None), ("create", "me/MobileFace", False, True)]
    network = from_pretrained("me/MobileFace", backend=backend, revision="v1")
    assert hub.calls[2] == ("download", "me/MobileFace", "v1", False)
    state, wanted = facezoo.get_state(network), facezoo.get_state(facezoo.load_weights(weights, backend=backend))
    assert all(np.array_equal(state[name], value) for name, value in wanted.items())
    assert from_pretrained(hub.shelf / "me" / "MobileFace", backend=backend).spec == network.spec  # a folder, too


def test_the_readme_is_the_card_with_metadata(hub, weights):
    push_to_hub(weights, "me/mbf", licence="Apache-2.0")
    folder = hub.shelf / "me" / "mbf"
    assert {"README.md", "mbf.safetensors", "mbf.card.json", "mbf.yaml", "SHA256SUMS"} <= {
        path.name for path in folder.iterdir()
    }
    _, head, text = (folder / "README.md").read_text("utf-8").split("---\n", 2)
    metadata = yaml.safe_load(head)
    assert (metadata["library_name"], metadata["license"]) == ("facezoo", "apache-2.0")
    assert "MobileFaceNet" in metadata["tags"]
    assert text.lstrip().startswith((folder / "mbf.card.md").read_text("utf-8")[:200])
    assert 'from_pretrained("me/mbf"' in text
    entry = yaml.safe_load((folder / "mbf.yaml").read_text("utf-8"))
    assert "https://huggingface.co/me/mbf/resolve/main" in str(entry["files"])


def test_refusals_are_one_line(hub, weights, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="'mbf' is not a folder or a repository; expected OWNER/NAME"):
        push_to_hub(weights, "mbf")
    with pytest.raises(DownloadError, match="refused/mbf: 403 Forbidden: you are not the owner"):
        push_to_hub(weights, "refused/mbf")
    with pytest.raises(DownloadError, match="me/none: 404"):
        from_pretrained("me/none", backend="torch")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"holds none; expected one \.safetensors"):
        from_pretrained(tmp_path / "empty", backend="torch")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DownloadError, match=r"pip install 'facezoo\[hub\]'"):
        from_pretrained("me/none", backend="torch")


def test_offline_asks_the_hubs_cache_only(hub, weights, monkeypatch):
    push_to_hub(weights, "me/mbf")
    monkeypatch.setenv("FACEZOO_OFFLINE", "1")
    from_pretrained("me/mbf", backend="torch")
    assert hub.calls[-1] == ("download", "me/mbf", None, True)
    with pytest.raises(DownloadError, match="FACEZOO_OFFLINE"):
        push_to_hub(weights, "me/mbf")


def test_the_command_pushes(hub, weights, tmp_path, capsys):
    given = ["weights", "publish", str(tmp_path / "out"), "--weights", str(weights), "--hub", "me/mbf"]
    assert main(given) == 0
    assert "https://hub.example/me/mbf/commit/1" in capsys.readouterr().out
    assert (hub.shelf / "me" / "mbf" / "mbf.safetensors").is_file()


@pytest.mark.full
def test_huggingface_hub_takes_these_arguments():
    import inspect

    import huggingface_hub

    api = huggingface_hub.HfApi
    for function, names in (
        (api.__init__, {"token"}),
        (api.create_repo, {"repo_id", "private", "exist_ok"}),
        (api.upload_folder, {"repo_id", "folder_path", "commit_message"}),
        (huggingface_hub.snapshot_download, {"revision", "token", "local_files_only", "allow_patterns"}),
    ):
        assert names <= set(inspect.signature(function).parameters)
