"""The index: every entry is valid, and states "unknown" where a fact is not known."""

import pytest
import yaml

from facezoo.datasets import catalogue, get, list_datasets, load_index
from facezoo.datasets.schema import DataSet
from facezoo.errors import DataError, UnknownNameError

NAMED = [
    "LFW",
    "CALFW",
    "CPLFW",
    "CFP-FP",
    "CFP-FF",
    "AgeDB-30",
    "VGGFace2-FP",
    "CASIA-WebFace",
    "MS-Celeb-1M",
    "MS1MV2",
    "MS1MV3",
    "Glint360K",
    "VGGFace2",
    "WebFace4M",
    "WebFace12M",
    "WebFace42M",
    "WebFace260M",
    "IJB-A",
    "IJB-B",
    "IJB-C",
    "UMDFaces",
    "CelebA",
    "CACD-VS",
    "YTF",
    "DeepGlint",
    "UTKFace",
    "BUAA-VisNir",
    "CASIA-NIR-VIS-2",
    "Oulu-CASIA",
    "NUAA",
    "CASIA-SURF",
    "CASIA-FASD",
    "CASIA-MFSD",
    "Replay-Attack",
    "MFR2",
    "RFW",
    "MegaFace",
    "TinyFace",
    "IQIYI-VID",
    "IMDB-Face",
]


@pytest.mark.parametrize("name", NAMED)
def test_entry(name):
    entry = get(name)
    assert len(entry.how) > 10, "a person must learn what to do"
    assert entry.terms
    if entry.obtained == "gone":
        assert not any(file.urls for file in entry.files)
    for file in entry.files:
        assert file.remote().name == file.name


def test_the_index_holds_nothing_else():
    assert len(list_datasets()) == len(NAMED) == len(set(NAMED))


def test_published_counts():
    assert (get("lfw").identities, get("lfw").images) == (5749, 13233)
    assert (get("celeba").identities, get("celeba").images) == (10177, 202599)
    assert (get("iqiyi-vid").identities, get("iqiyi-vid").videos) == (10000, 200000)
    assert (get("imdb-face").identities, get("imdb-face").images) == (59000, 1700000)
    assert get("cacd-vs").images == "unknown"  # CACD's figures are not those of its verification pairs
    assert "2000 genuine and 2000 impostor pairs" in get("cacd-vs").figures


def test_pages_that_are_gone():
    for name in ("webface4m", "webface12m", "webface42m", "webface260m"):
        assert "gone since July 2025" in get(name).how


def test_direct_urls_carry_a_hash():
    for entry in load_index().values():
        for file in entry.files:
            if file.urls:
                assert file.sha256 != "unknown" or file.md5 != "unknown", f"{entry.name}: {file.name}"


def test_unknown_name_gives_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'celeba'"):
        get("celebra")


BASE = {
    "name": "x",
    "title": "X",
    "purpose": ["training"],
    "identities": 1,
    "images": "unknown",
    "figures": "f",
    "home": "unknown",
    "terms": "t",
    "obtained": "form",
    "how": "h",
    "layout": "l",
    "importer": "none",
    "paper": "p",
}
BROKEN = {
    "an unknown key": ({"colour": 1}, "colour"),
    "no identities": ({"identities": 0}, "identities"),
    "a guess for a count": ({"images": "about 5"}, "images"),
    "a home that is no URL": ({"home": "example.org"}, "home"),
    "no purpose": ({"purpose": []}, "purpose"),
    "an unknown importer": ({"importer": "zip"}, "importer"),
    "direct without an address": ({"obtained": "direct"}, "no file has an address"),
    "a hash that is none": ({"files": [{"name": "a", "holds": "b", "sha256": "12"}]}, "sha256"),
    "a file name that escapes": ({"files": [{"name": "../a", "holds": "b"}]}, "plain path component"),
    "a script as a URL": ({"files": [{"name": "a", "holds": "b", "urls": ["file:///etc/passwd"]}]}, "urls"),
    "two files of one name": ({"files": [{"name": "a", "holds": "b"}] * 2}, "two files have the same name"),
    "another name": ({"name": "y"}, "expected y.yaml"),
}


@pytest.mark.parametrize("change, words", BROKEN.values(), ids=BROKEN)
def test_schema_refuses(change, words):
    assert DataSet.model_validate(BASE).images == "unknown"
    with pytest.raises(DataError, match=words) as caught:
        catalogue.parse_entry(yaml.safe_dump({**BASE, **change}), "x.yaml")
    assert "\n" not in str(caught.value)
