"""Paths that are URLs: fetched once from a local web server and from fsspec's file system in memory."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading
from pathlib import Path

import fsspec
import numpy as np
import pytest
from fsspec.registry import known_implementations
from PIL import Image

import facezoo
from facezoo.cli.main import main
from facezoo.data.image import read_image
from facezoo.data.sources.open_source import open_source
from facezoo.data.tools.check import check_data
from facezoo.data.tools.pack import pack
from facezoo.download.urls import full_url, is_url, local_path, without_password
from facezoo.errors import ConfigError, DataError, DownloadError, ImageError, UnknownNameError, UnsafeFileError


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and notes what was asked for."""

    asked: list[str] = []  # noqa: RUF012
    refused = False

    def do_GET(self):
        self.asked.append(self.path)
        if self.refused:
            self.send_error(403)
        else:
            super().do_GET()

    def log_message(self, *words):
        pass


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FACEZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def faces(tmp_path):
    """Identity folders, a RecordIO pack and tar shards of the same six images, and a list of them."""
    folder = tmp_path / "served" / "faces"
    rng = np.random.default_rng(0)
    for name in ("ann", "bo"):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            pixels = rng.integers(0, 256, (100, 100, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    for format in ("rec", "shards"):
        pack(folder, tmp_path / "served" / format, format, per_shard=4)
    pack(folder, tmp_path / "served" / "pairs.bin", "bin", pairs=4)
    lines = [f"faces/{path.parent.name}/{path.name}\t{path.parent.name}\n" for path in sorted(folder.rglob("*.png"))]
    (tmp_path / "served" / "list.txt").write_text("".join(lines))
    return tmp_path / "served"


@pytest.fixture
def web(faces):
    handler = type("Mine", (Handler,), {"asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(faces)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    server.url, server.handler = f"http://127.0.0.1:{server.server_port}", handler
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def memory(faces):
    """The same files under ``memory://bucket``."""
    files = fsspec.filesystem("memory")
    files.put(str(faces), "/bucket", recursive=True)
    yield files
    files.rm("/bucket", recursive=True)


def labels_and_pixels(path):
    report = check_data(path)
    assert not report.broken
    return report.kind, report.images, report.identities, report.sizes


PLACES = ["faces", "rec", "rec/train.rec", "shards", "list.txt", "pairs.bin"]


@pytest.mark.parametrize("place", PLACES)
def test_every_layout_is_read_over_http(web, faces, cache, place):
    assert labels_and_pixels(f"{web.url}/{place}") == labels_and_pixels(faces / place)
    del web.handler.asked[:]
    assert labels_and_pixels(f"{web.url}/{place}") == labels_and_pixels(faces / place)
    fetched = [path for path in web.handler.asked if Path(path).suffix]  # pages of links are read again, files are not
    assert fetched == []


@pytest.mark.parametrize("place", PLACES)
def test_every_layout_is_read_from_fsspec(memory, faces, cache, place):
    assert labels_and_pixels(f"memory://bucket/{place}") == labels_and_pixels(faces / place)
    assert labels_and_pixels(Path(f"memory://bucket/{place}")) == labels_and_pixels(faces / place)  # one slash left


def test_what_changed_on_the_server_is_fetched_again(web, faces, cache):
    url = f"{web.url}/faces"
    assert len(open_source(url)) == 6
    shutil.copy(faces / "faces" / "ann" / "0.png", faces / "faces" / "bo" / "9.png")
    (faces / "faces" / "ann" / "1.png").unlink()
    (faces / "faces" / "ann" / "2.png").write_bytes(b"longer or shorter")
    changed = open_source(url)
    names = [Path(changed.key(index)).name for index in range(len(changed))]
    assert names == ["0.png", "2.png", "0.png", "1.png", "2.png", "9.png"]
    assert Path(changed.key(1)).read_bytes() == b"longer or shorter"


def test_a_damaged_copy_is_fetched_again(memory, faces, cache):
    place = local_path("memory://bucket/pairs.bin")
    place.write_bytes(b"cut")
    assert local_path("memory://bucket/pairs.bin").read_bytes() == (faces / "pairs.bin").read_bytes()


def test_offline_uses_the_copy(web, cache, monkeypatch):
    url = f"{web.url}/pairs.bin"
    monkeypatch.setenv("FACEZOO_OFFLINE", "1")
    with pytest.raises(DownloadError, match=r"pairs\.bin is not in the cache, and FACEZOO_OFFLINE"):
        local_path(url)
    assert web.handler.asked == []
    monkeypatch.delenv("FACEZOO_OFFLINE")
    place = local_path(url)
    monkeypatch.setenv("FACEZOO_OFFLINE", "1")
    web.shutdown()
    assert local_path(url) == place


def test_a_plain_path_and_a_file_url_are_not_copied(faces, cache):
    assert local_path(faces / "list.txt") == faces / "list.txt"
    assert local_path(f"file://{faces}/list.txt") == faces / "list.txt"
    assert local_path(Path(f"file://{faces}/list.txt")) == faces / "list.txt"
    assert not cache.exists()
    for path in ("faces", "/s3:/a/b", "C:/faces", "a:b", "ns3://a", "s3:", "s3://"):
        assert not is_url(path)
    assert full_url(Path("HTTPS://host/a")) == "https://host/a"


def test_errors_name_the_url_and_what_to_do(web, memory, cache, monkeypatch):
    for missing in (f"{web.url}/none.bin", f"{web.url}/none", "memory://nobucket", "memory://bucket/none.bin"):
        with pytest.raises(DataError, match="no such file, folder or bucket"):
            local_path(missing)
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:9/a\.bin: cannot be fetched \(ClientConnectorError"):
        local_path("http://127.0.0.1:9/a.bin")
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:9/folder: cannot be fetched"):
        local_path("http://127.0.0.1:9/folder")
    with pytest.raises(UnknownNameError, match="unknown protocol of a URL 's4'; did you mean 's3'"):
        local_path(Path("s4://bucket/a"))
    with pytest.raises(UnsafeFileError, match="leads out of its folder"):
        local_path("memory://bucket/../../etc/passwd")
    web.handler.refused = True
    with pytest.raises(DownloadError, match="access refused, or no credentials"):
        local_path(f"{web.url}/pairs.bin")
    monkeypatch.setitem(known_implementations, "gs", {"class": "no_such_package.Files", "err": "no"})
    with pytest.raises(ConfigError, match=r"gs://bucket/a needs gcsfs: pip install 'facezoo\[remote\]' gcsfs"):
        local_path("gs://bucket/a")
    with pytest.raises(ImageError, match="no such file, folder or bucket"):
        read_image("memory://bucket/none.png")


def test_a_password_is_not_shown(cache):
    with pytest.raises(DownloadError) as caught:
        local_path("http://me:secret@127.0.0.1:9/a.bin?token=secret")
    assert "secret" not in str(caught.value)
    assert without_password("s3://bucket/key") == "s3://bucket/key"


def test_a_file_of_another_size_than_stated_is_refused(memory, cache, monkeypatch):
    real = type(memory).info
    monkeypatch.setattr(type(memory), "info", lambda self, path, **more: {**real(self, path, **more), "size": 5})
    with pytest.raises(DownloadError, match=r"pairs\.bin: got \d+ bytes; the server states 5"):
        local_path("memory://bucket/pairs.bin")
    assert not list(cache.rglob("pairs.bin"))


def test_weights_photos_and_embeddings_are_read_from_urls(web, faces, cache, tmp_path, capsys):
    net = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=8, seed=0)
    facezoo.save_weights(net, faces / "w.safetensors")
    out = tmp_path / "e.npz"
    words = ["embed", f"{web.url}/faces", "--weights", f"{web.url}/w.safetensors", "--backend", "torch", "--aligned"]
    assert main([*words, "--workers", "1", "--out", str(out)]) == 0
    shutil.copy(out, faces / "e.npz")
    words = ["evaluate", "--protocol", "all_pairs", "--embeddings", f"{web.url}/named.npz", "--json"]
    stored = np.load(out)
    np.savez(faces / "named.npz", embeddings=stored["embeddings"], label=stored["labels"])
    capsys.readouterr()
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["protocol"] == "all_pairs"
    assert facezoo.load_weights(f"{web.url}/w.safetensors", backend="torch").embedding_size == 8
