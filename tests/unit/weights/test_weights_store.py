"""From a name to a checked file: mirrors, members of archives, unknown licences and hashes, pruning, verification."""

import errno
import hashlib
import io
import json
import os
import sys
import zipfile

import pytest
import yaml
from faulty_server import BODY, reset, serve, status

from facezoo import weights
from facezoo.cli.main import main
from facezoo.download import Options, cache, hub, receipts
from facezoo.errors import ConfigError, DownloadError
from facezoo.weights.index import dump_entry
from facezoo.weights.verify import verify

SHA256 = hashlib.sha256(BODY).hexdigest()
QUICK = Options(backoff=0.0, reserve=0, sleep=lambda seconds: None)


@pytest.fixture
def add(tmp_path, monkeypatch):
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("FACEZOO_WEIGHTS_INDEX", str(folder))
    base = yaml.safe_load(dump_entry(weights.get("insightface-buffalo-sc")))

    def add(name, *files, **changes):
        entry = {**base, "name": name, "files": list(files), **changes}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(entry))

    return add


def one(*urls, **more):
    return {"name": "w.bin", "holds": "x", "urls": list(urls), "sha256": SHA256, **more}


def test_two_mirrors_the_first_faulty(add, server):
    add("toy", one(server.url("/1", serve(upto=1000, then=reset), reset), server.url("/2", serve())))
    path = weights.fetch("toy", options=QUICK)
    assert path.read_bytes() == BODY
    assert path.parent == weights.folder_of("toy")
    assert receipts.read(path)["checked_against"] == "sha256"
    assert weights.fetch("toy", options=QUICK) == path
    assert len(server.seen["/2"]) == 1
    (verdict,) = verify("toy")
    assert (verdict.against, verdict.fault, verdict.sha256) == ("index", None, SHA256)
    path.write_bytes(BODY[:-1])
    assert "published file has" in verify("toy")[0].fault or verify("toy")[0].fault.startswith("has sha256")


def packed(content, name="pack/model.onnx"):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
        archive.writestr("pack/other.onnx", b"other")
    return stream.getvalue()


def test_member_of_an_archive(add, server):
    data = packed(b"weights")
    url = server.url("/pack.zip", serve(data))
    member = {"member": "model.onnx", "member_sha256": hashlib.sha256(b"weights").hexdigest()}
    file = one(url, sha256=hashlib.sha256(data).hexdigest(), **member) | {"name": "pack.zip"}
    add("packed", file)
    path = weights.fetch("packed", options=QUICK)
    assert (path.name, path.read_bytes()) == ("model.onnx", b"weights")
    assert sorted(p.name for p in path.parent.iterdir() if not p.name.startswith(".")) == ["model.onnx", "pack.zip"]
    path.write_bytes(b"damaged")
    assert weights.fetch("packed", options=QUICK).read_bytes() == b"weights"
    add("wrong", file | {"member_sha256": "0" * 64})
    with pytest.raises(DownloadError, match="sha256"):
        weights.fetch("wrong", options=QUICK)
    assert not (weights.folder_of("wrong") / "model.onnx").exists()
    add("none", file | {"member": "*.pth"})
    with pytest.raises(DownloadError, match=r"holds 0 members that match '\*.pth'"):
        weights.fetch("none", options=QUICK)


def test_unknown_facts_are_asked_about_once(add, server, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    add("doubtful", one(server.url("/w", serve()), sha256="unknown"))
    with pytest.raises(DownloadError, match=r"no SHA-256 of w.bin is published .*download doubtful --yes"):
        weights.fetch("doubtful", options=QUICK)
    assert main(["weights", "download", "doubtful", "--quiet"]) == 2
    assert "/w" not in server.seen
    assert main(["weights", "download", "doubtful", "--quiet", "--yes"]) == 0
    printed = capsys.readouterr()
    assert printed.out.strip().endswith("w.bin")
    assert "licence of the weights: non-commercial" in printed.err
    assert weights.fetch("doubtful", options=QUICK).read_bytes() == BODY  # accepted before
    assert verify("doubtful")[0].against == "receipt"
    weights.fetch("doubtful").write_bytes(BODY[::-1])
    assert "when it was downloaded" in verify("doubtful")[0].fault
    assert main(["weights", "verify", "doubtful"]) == 2


def test_by_hand(add):
    add("hand", {"name": "w.bin", "holds": "x", "page": "https://example.org/w", "sha256": SHA256})
    with pytest.raises(DownloadError, match=r"downloaded by hand, from https://example.org/w; put it at .*hand/w.bin"):
        weights.fetch("hand")
    place = weights.folder_of("hand")
    place.mkdir(parents=True)
    (place / "w.bin").write_bytes(BODY)
    assert weights.fetch("hand") == place / "w.bin"
    (place / "w.bin").write_bytes(b"another")
    with pytest.raises(DownloadError, match="no URL is known"):
        weights.fetch("hand")


def test_offline_folder(add, tmp_path, monkeypatch):
    add("far", one("https://example.org/w.bin"))
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "w.bin").write_bytes(BODY)
    monkeypatch.setenv("FACEZOO_MIRROR", str(tmp_path / "mirror"))
    assert weights.fetch("far", cache_dir=tmp_path / "elsewhere").parent == tmp_path / "elsewhere" / "weights" / "far"


def test_size_limit_deletes_the_least_recently_used(add, server, monkeypatch):
    for name in ("a", "b", "c"):
        add(name, one(server.url(f"/{name}", serve())))
    weights.fetch("a", options=QUICK)
    weights.fetch("b", options=QUICK)
    import os

    os.utime(receipts.path_of(weights.folder_of("a") / "w.bin"), (1, 1))
    monkeypatch.setenv("FACEZOO_CACHE_LIMIT", f"{2.5 * len(BODY):.0f}")
    weights.fetch("c", options=QUICK)
    assert not (weights.folder_of("a") / "w.bin").exists()
    assert (weights.folder_of("b") / "w.bin").exists()
    assert (weights.folder_of("c") / "w.bin").exists()


def test_prune(add, server, capsys, tmp_path):
    for name in ("a", "b"):
        add(name, one(server.url(f"/{name}", serve())))
        weights.fetch(name, options=QUICK)
    (weights.folder_of("b") / "mine.bin").write_bytes(b"by hand")
    assert main(["weights", "prune", "--keep", "0", "--dry-run"]) == 0
    assert capsys.readouterr().out.count("would delete") == 2
    assert main(["weights", "prune", "--keep", "300kB", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["left_bytes"] == len(BODY) + 7
    assert main(["weights", "prune", "--keep", "0"]) == 0
    assert (weights.folder_of("b") / "mine.bin").exists()
    assert main(["weights", "prune", "--name", "b"]) == 0
    assert not weights.folder_of("b").exists()
    assert main(["weights", "prune", "--keep", "much"]) == 2
    assert "size is 'much'" in capsys.readouterr().err


def test_stale_partial_downloads_are_pruned(tmp_path):
    import os

    old, new = tmp_path / ".a.bin.part", tmp_path / ".b.bin.part"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))
    assert [entry.path for entry in cache.prune(tmp_path)] == [old]
    assert new.exists()


def test_list_and_info(capsys, add, server):
    assert main(["weights", "list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) > 30
    assert main(["weights", "list", "--cached"]) == 0
    assert "buffalo" not in capsys.readouterr().out
    assert main(["weights", "list", "--backbone", "IResNet50"]) == 0
    assert "plsc-iresnet50-ms1mv3" in capsys.readouterr().out
    assert main(["weights", "info", "adaface-r50-ms1mv2"]) == 0
    out = capsys.readouterr().out
    assert "BGR" in out
    assert "warning: the licence of the weights is unknown" in out
    assert main(["weights", "info", "adaface-r51-ms1mv2"]) == 2
    assert "did you mean 'adaface-r50-ms1mv2'" in capsys.readouterr().err


def test_dead_links_are_named(add, server):
    add("dead", one(server.url("/1", status(404)), server.url("/2", status(410))))
    with pytest.raises(DownloadError, match=r"/1: HTTP 404; .*/2: HTTP 410. To add it by hand, put it at"):
        weights.fetch("dead", options=QUICK)


def test_hf_addresses():
    assert hub.split("hf://a/b@v1.0/c/d.bin") == ("a/b", "v1.0", "c/d.bin")
    assert hub.plain("hf://a/b/c d.bin") == "https://huggingface.co/a/b/resolve/main/c%20d.bin"
    assert hub.plain("https://example.org/x") == "https://example.org/x"
    with pytest.raises(ConfigError, match="hf://OWNER/REPO"):
        hub.split("hf://a/b")


def test_through_huggingface_hub_when_installed(add, monkeypatch, tmp_path):
    import types

    asked = []
    blob, snapshot = tmp_path / "hf" / "blobs" / "1234", tmp_path / "hf" / "snapshots" / "c.bin"
    for path in (blob, snapshot):
        path.parent.mkdir(parents=True)
    blob.write_bytes(BODY)
    snapshot.symlink_to(blob)

    def hf_hub_download(repo, path, *, revision):
        asked.append((repo, path, revision))
        return str(snapshot)

    module = types.ModuleType("huggingface_hub")
    module.hf_hub_download = hf_hub_download
    module.__spec__ = types.SimpleNamespace(name="huggingface_hub")
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    add("hub", one("hf://a/b/c.bin"))
    assert weights.fetch("hub", options=QUICK).read_bytes() == BODY
    assert asked == [("a/b", "c.bin", "main")]
    assert snapshot.read_bytes() == BODY, "the cache of Hugging Face keeps its file"

    def no_link(*paths):
        raise OSError(errno.EXDEV, "two disks")

    monkeypatch.setattr(os, "link", no_link)
    add("hub-copied", one("hf://a/b/c.bin"))
    found = weights.fetch("hub-copied", options=QUICK)
    assert (found.read_bytes(), found.is_symlink()) == (BODY, False)

    def refuse(*args, **more):
        raise RuntimeError("gated:\nask for access")

    module.hf_hub_download = refuse
    add("gated", one("hf://a/b/c.bin"))
    with pytest.raises(DownloadError, match="gated: ask for access"):
        weights.fetch("gated", options=QUICK)


def test_the_cache_follows_the_users_cache_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("FACEZOO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    if sys.platform == "linux":
        assert cache.root() == tmp_path / "xdg" / "facezoo"
    monkeypatch.setenv("FACEZOO_CACHE", str(tmp_path / "own"))
    assert cache.root() == tmp_path / "own"
