"""Untrusted archives are unpacked completely inside their folder, or not at all."""

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile

import pytest

from facezoo.download import Limits, archives, bounds, extract
from facezoo.errors import DataError, UnsafeFileError

FILES = {"set/ann/1.jpg": b"one", "set/ann/2.jpg": b"two" * 1000, "set/bob/1.jpg": b""}


def tar_of(path, *members, mode="w:gz", fmt=tarfile.PAX_FORMAT):
    """members: (name, bytes) or a ready TarInfo."""
    with tarfile.open(path, mode, format=fmt) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size, info.mode = len(member[1]), 0o4777
            tar.addfile(info, io.BytesIO(member[1]))
    return path


def zip_of(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return path


def info(name, kind, link=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def left(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_is_unpacked(tmp_path, mode):
    packed = tar_of(tmp_path / "misnamed.zip", info("set", tarfile.DIRTYPE), *FILES.items(), mode=mode)
    assert extract(packed, tmp_path / "out") == 3
    for name, content in FILES.items():
        assert (tmp_path / "out" / name).read_bytes() == content
        assert not os.stat(tmp_path / "out" / name).st_mode & (stat.S_ISUID | stat.S_IXUSR | stat.S_IWOTH)


@pytest.mark.parametrize("fmt", [tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT])
def test_long_names(tmp_path, fmt):
    name = f"{'d' * 100}/{'e' * 40}/" + "f" * (90 if fmt == tarfile.USTAR_FORMAT else 240)
    extract(tar_of(tmp_path / "a.tgz", (name, b"x"), fmt=fmt), tmp_path / "out")
    assert (tmp_path / "out" / name).read_bytes() == b"x"


def test_zip_is_unpacked_and_renamed(tmp_path):
    packed = zip_of(tmp_path / "a.zip", ("set/", b""), *FILES.items())
    count = extract(packed, tmp_path / "out", rename=lambda name: name[4:] if "ann" in name else None)
    assert count == 2
    assert left(tmp_path / "out") == ["ann"]


ESCAPES = ["../x", "a/../../x", "/etc/x", "\\\\host\\x", "a\\..\\x", "c:/x", "C:x", "a/..", "n" * 300]


@pytest.mark.parametrize("name", ESCAPES)
def test_escapes_are_refused(tmp_path, name):
    os.mkdir(tmp_path / "in")
    for packed in (tar_of(tmp_path / "a.tgz", *FILES.items(), (name, b"x")), None):
        packed = packed or zip_of(tmp_path / "a.zip", *FILES.items(), (name, b"x"))
        with pytest.raises(UnsafeFileError, match="leaves its folder"):
            extract(packed, tmp_path / "in" / "out")
    assert left(tmp_path / "in") == []


def test_a_folder_that_escapes_is_refused(tmp_path):
    with pytest.raises(UnsafeFileError):
        extract(tar_of(tmp_path / "a.tgz", info("../up", tarfile.DIRTYPE)), tmp_path / "out")
    with pytest.raises(UnsafeFileError):
        extract(zip_of(tmp_path / "a.zip", ("../up/", b"")), tmp_path / "out")


def test_a_rename_that_escapes_is_refused(tmp_path):
    with pytest.raises(UnsafeFileError):
        extract(zip_of(tmp_path / "a.zip", ("a", b"x")), tmp_path / "out", rename=lambda name: f"../{name}")


KINDS = [
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.FIFOTYPE,
    tarfile.GNUTYPE_SPARSE,
]


@pytest.mark.parametrize("kind", KINDS)
def test_links_and_devices_are_refused(tmp_path, kind):
    os.mkdir(tmp_path / "in")
    packed = tar_of(tmp_path / "a.tgz", *FILES.items(), info("set/l", kind, "/etc/passwd"))
    with pytest.raises((UnsafeFileError, DataError)):
        extract(packed, tmp_path / "in" / "out")
    assert left(tmp_path / "in") == []


def test_link_in_a_zip_is_refused(tmp_path):
    made = zipfile.ZipInfo("l")
    made.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(UnsafeFileError, match="link or a device"):
        extract(zip_of(tmp_path / "a.zip", (made, b"/etc/passwd")), tmp_path / "out")


@pytest.mark.parametrize("second", ["set/ann/1.jpg", "./set//ann/1.jpg", "set/ann/1.jpg/deeper"])
def test_two_members_of_one_name_are_refused(tmp_path, second):
    with pytest.raises(UnsafeFileError, match="two members have the name"):
        extract(tar_of(tmp_path / "a.tgz", *FILES.items(), (second, b"x")), tmp_path / "out")


def test_bombs(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "RATIO_FROM", 1 << 20)
    zeros = bytes(8 << 20)
    os.mkdir(tmp_path / "in")
    for packed in (
        tar_of(tmp_path / "a.tgz", ("zeros", zeros)),
        zip_of(tmp_path / "a.zip", ("zeros", zeros)),
    ):
        with pytest.raises(UnsafeFileError, match="an archive bomb"):
            extract(packed, tmp_path / "in" / "out")
    with pytest.raises(UnsafeFileError, match="more than 5 bytes"):
        extract(
            tar_of(tmp_path / "b.tar", ("x", b"123456"), mode="w"),
            tmp_path / "in" / "out",
            limits=Limits(total=5),
        )
    with pytest.raises(UnsafeFileError, match="more than 2 files"):
        extract(zip_of(tmp_path / "b.zip", *FILES.items()), tmp_path / "in" / "out", limits=Limits(files=2))
    assert left(tmp_path / "in") == []


def test_bomb_in_a_skipped_member(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "RATIO_FROM", 1 << 20)
    packed = tar_of(tmp_path / "a.tgz", ("zeros", bytes(64 << 20)), ("x", b"1"))
    with pytest.raises(UnsafeFileError, match="an archive bomb"):
        extract(packed, tmp_path / "out", rename=lambda name: None)


def test_extended_header_that_states_a_huge_size(tmp_path):
    header = info("x", tarfile.XHDTYPE)
    header.size = 3 << 30
    (tmp_path / "a.tar").write_bytes(header.tobuf(tarfile.USTAR_FORMAT) + bytes(1024))
    with pytest.raises(UnsafeFileError, match="a header has 3221225472 bytes"):
        extract(tmp_path / "a.tar", tmp_path / "out")


def test_extended_header_with_a_number_too_large(tmp_path):
    line = b"9" * 30 + b" path=x\n"
    header = info("x", tarfile.XHDTYPE)
    header.size = len(line)
    (tmp_path / "a.tar").write_bytes(header.tobuf(tarfile.USTAR_FORMAT) + line.ljust(512, b"\0") + bytes(1024))
    with pytest.raises(DataError, match="broken or truncated"):
        extract(tmp_path / "a.tar", tmp_path / "out")


def test_zip_with_a_wrong_size(tmp_path):
    packed = zip_of(tmp_path / "a.zip", ("x", b"abc" * 5000))
    data = bytearray(packed.read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 3)
    packed.write_bytes(data)
    with pytest.raises(DataError, match="broken or truncated"):
        extract(packed, tmp_path / "out")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_anywhere_is_an_error(tmp_path, mode, share):
    os.mkdir(tmp_path / "in")
    many = [(f"p{i}/1.jpg", os.urandom(700)) for i in range(20)]
    packed = tar_of(tmp_path / "a.tar", *many, mode=mode)
    whole = packed.read_bytes()
    end = len(whole) if mode != "w" else 20 * (512 + 1024)
    packed.write_bytes(whole[: int(end * share)])
    with pytest.raises(DataError, match="broken or truncated"):
        extract(packed, tmp_path / "in" / "out")
    assert left(tmp_path / "in") == []


def test_plain_tar_cut_between_two_members(tmp_path):
    packed = tar_of(tmp_path / "a.tar", *FILES.items(), mode="w")
    packed.write_bytes(packed.read_bytes()[:1024])
    with pytest.raises(DataError, match="end-of-archive block is missing"):
        extract(packed, tmp_path / "out")


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\x1f\x8b", b"PK\x03\x04", gzip.compress(b"text"), os.urandom(2048)],
    ids=["empty", "text", "gzip head", "zip head", "gzip of text", "noise"],
)
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataError):
        extract(tmp_path / "a", tmp_path / "out")
    assert left(tmp_path) == ["a"]


def test_a_target_that_is_not_empty(tmp_path):
    packed = tar_of(tmp_path / "a.tgz", *FILES.items())
    (tmp_path / "out").mkdir()
    extract(packed, tmp_path / "out")
    with pytest.raises(DataError, match="exists already"):
        extract(packed, tmp_path / "out")


def test_interrupted_leaves_nothing(tmp_path):
    def stop(*counts):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(tar_of(tmp_path / "a.tgz", *FILES.items()), tmp_path / "out", on_progress=stop)
    assert left(tmp_path) == ["a.tgz"]


def test_no_room(tmp_path, monkeypatch):
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda path: _usage())
    with pytest.raises(UnsafeFileError, match="free bytes on the disk"):
        extract(tar_of(tmp_path / "a.tgz", *FILES.items()), tmp_path / "out")


def _usage():
    from collections import namedtuple

    return namedtuple("usage", "total used free")(10, 10, bounds.RESERVE + 100)
