"""Randomly damaged archives are unpacked correctly or refused with a typed error; no file is written outside.

``FACEZOO_FUZZ_SECONDS`` makes it run longer; the seed is printed.
"""

import io
import os
import random
import tarfile
import time
import zipfile

import pytest

from facezoo.download import extract, member_names
from facezoo.errors import FacezooError


def tar(mode, fmt):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode, format=fmt) as packed:
        for name in ("a/1.jpg", "a/" + "n" * 120, "b/3.jpg"):
            info = tarfile.TarInfo(name)
            info.size = 600
            packed.addfile(info, io.BytesIO(bytes(600)))
        link = tarfile.TarInfo("a/l")
        link.type, link.linkname = tarfile.SYMTYPE, "../../etc/passwd"
        if fmt == tarfile.GNU_FORMAT:
            packed.addfile(link)
    return stream.getvalue()


def packed_zip():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a/1.jpg", bytes(600))
        packed.writestr("b/2.jpg", os.urandom(100))
    return stream.getvalue()


SEEDS = {
    "tar": tar("w", tarfile.PAX_FORMAT),
    "tar with a link": tar("w", tarfile.GNU_FORMAT),
    "tgz": tar("w:gz", tarfile.PAX_FORMAT),
    "txz": tar("w:xz", tarfile.PAX_FORMAT),
    "zip": packed_zip(),
}


def damaged(chance, data):
    data = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data))
        what = chance.randrange(4)
        if what == 0:
            data[at] = chance.randrange(256)
        elif what == 1:
            data[at : at + 8] = chance.choice([b"\xff" * 8, bytes(8), b"77777777", b"../../..", b"/etc/pas"])
        elif what == 2:
            del data[at : at + chance.randint(1, 600)]
        else:
            data[at:at] = data[: chance.randint(1, 600)]
        if not data:
            return b""
    return bytes(data)


@pytest.mark.parametrize("kind", SEEDS)
def test_damaged_archives(tmp_path, kind):
    seed = int(os.environ.get("FACEZOO_FUZZ_SEED", "2026"))
    print(f"seed {seed}")
    chance = random.Random(f"{kind} {seed}")
    until = time.monotonic() + float(os.environ.get("FACEZOO_FUZZ_SECONDS", "0")) / len(SEEDS)
    inside = tmp_path / "in"
    inside.mkdir()
    archive = tmp_path / "archive"
    rounds = 0
    while rounds < 60 or time.monotonic() < until:
        rounds += 1
        archive.write_bytes(damaged(chance, SEEDS[kind]))
        try:
            extract(archive, inside / "out")
            member_names(archive)
            for path in (inside / "out").rglob("*"):
                assert not path.is_symlink()
                assert path.is_file() or path.is_dir()
            for path in sorted((inside / "out").rglob("*"), reverse=True):
                path.unlink() if path.is_file() else path.rmdir()
            (inside / "out").rmdir()
        except FacezooError:
            pass
        assert list(inside.iterdir()) == [], f"round {rounds} left something"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "in"]
    print(f"{rounds} rounds of {kind}")
