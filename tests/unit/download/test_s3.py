"""``s3://`` against moto's server on this machine: folders, files, a missing bucket, no credentials."""

from __future__ import annotations

import numpy as np
import pytest
import requests
from PIL import Image

from facezoo.data.sources.open_source import open_source
from facezoo.data.tools.check import check_data
from facezoo.data.tools.pack import pack
from facezoo.download.urls import local_path
from facezoo.errors import DataError, DownloadError

pytestmark = pytest.mark.full


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """A bucket "faces" with identity folders, a RecordIO pack and tar shards of the same images."""
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    monkeypatch.setenv("FACEZOO_CACHE", str(tmp_path / "cache"))
    address = "http://{}:{}".format(*server.get_host_and_port())
    requests.post(f"{address}/moto-api/reset", timeout=10)  # the server keeps its buckets in this process
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    folder = tmp_path / "served" / "folders"
    rng = np.random.default_rng(0)
    for name in ("ann", "bo"):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)).save(folder / name / f"{number}.png")
    pack(folder, tmp_path / "served" / "rec", "rec")
    pack(folder, tmp_path / "served" / "shards", "shards", per_shard=4)
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    files.mkdir("faces")
    files.put(str(tmp_path / "served"), "faces/v1", recursive=True)
    yield files
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.mark.parametrize("place", ["folders", "rec", "rec/train.rec", "shards"])
def test_every_layout_is_read_from_a_bucket(bucket, tmp_path, place):
    found = check_data(f"s3://faces/v1/{place}")
    expected = check_data(tmp_path / "served" / place)
    assert (found.kind, found.images, found.identities) == (expected.kind, 6, 2)
    assert found.broken == []
    assert found.sizes == expected.sizes


def test_an_object_that_changed_is_fetched_again(bucket, tmp_path):
    assert len(open_source("s3://faces/v1/folders")) == 6
    bucket.pipe("faces/v1/folders/bo/2.png", b"of another size")
    bucket.rm("faces/v1/folders/bo/0.png")
    place = local_path("s3://faces/v1/folders")
    assert sorted(path.name for path in (place / "bo").iterdir()) == ["1.png", "2.png"]
    assert (place / "bo" / "2.png").read_bytes() == b"of another size"


def test_a_missing_bucket_and_missing_credentials_are_said(bucket, monkeypatch):
    import s3fs

    for url in ("s3://nobucket/faces", "s3://faces/none.rec"):
        with pytest.raises(DataError, match="no such file, folder or bucket"):
            local_path(url)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(DownloadError, match=r"access refused, or no credentials .*; set AWS_ACCESS_KEY_ID"):
        local_path("s3://faces/v1/rec/train.rec")
