"""Every entry of the index with an importer: a miniature archive in its layout gives the right people or pairs."""

import pytest
from small_archives import jpeg, pairs_told_apart, zipped

from facezoo.data.sources.folder import ImageFolder
from facezoo.data.sources.recordio import RecordIO
from facezoo.data.sources.verification_bin import write_verification_bin
from facezoo.data.tools.writers import write_recordio
from facezoo.datasets import import_archive, load_index

FOLDERS = {  # name: members, people
    # identity folders, in folders of parts; as the index states, no public listing of the archives was found
    "webface4m": (["WebFace4M/0/0_1/a.jpg", "WebFace4M/1/1_2/a.jpg"], ["0_1", "1_2"]),
    "webface12m": (["WebFace12M/0/0_1/a.jpg", "WebFace12M/1/1_2/a.jpg"], ["0_1", "1_2"]),
    "webface42m": (["WebFace42M/0/0_1/a.jpg", "WebFace42M/1/1_2/a.jpg"], ["0_1", "1_2"]),
    "webface260m": (["WebFace260M/0/0_1/a.jpg", "WebFace260M/1/1_2/a.jpg"], ["0_1", "1_2"]),
    # InsightFace's test suite: facescrub_images and megaface_images; from memory of its README, no copy was at hand
    "megaface": (
        ["data/facescrub_images/Al_Gore/Al_Gore_1.png", "data/megaface_images/10005@N06/1_0.jpg"],
        ["10005@N06", "Al_Gore"],
    ),
    # one folder an identity, named by its Freebase number
    "ms-celeb-1m": (["MS-Celeb-1M/m.01/1.jpg", "MS-Celeb-1M/m.02/1.jpg"], ["m.01", "m.02"]),
    # VGGFace2's own archives, for those who hold them
    "vggface2": (["train/n000002/0001_01.jpg", "test/n000001/0001_01.jpg"], ["n000001", "n000002"]),
    "casia-webface": (["CASIA-WebFace/0000045/001.jpg", "CASIA-WebFace/0000099/001.jpg"], ["0000045", "0000099"]),
}
PACKS = {  # InsightFace's data set page: one folder with train.rec, train.idx, property and *.bin
    "casia-webface": "faces_webface_112x112",
    "deepglint": "faces_glintasia_and_ms1m",
    "glint360k": "glint360k",
    "ms1mv2": "faces_emore",
    "ms1mv3": "ms1m-retinaface-t1",
    "umdfaces": "faces_umd",
    "vggface2": "faces_vgg_112x112",
}
BINS = {"agedb-30": "agedb_30", "calfw": "calfw", "cplfw": "cplfw", "cfp-fp": "cfp_fp", "cfp-ff": "cfp_ff"}
BINS |= {"vggface2-fp": "vgg2_fp"}
ELSEWHERE = {  # test_dataset_import.py, test_layouts.py
    *("lfw", "celeba", "ijb-a", "ijb-b", "ijb-c"),
    *("ytf", "rfw", "tinyface", "mfr2"),
}


def test_no_entry_is_left_out():
    covered = {*FOLDERS, *PACKS, *BINS, *ELSEWHERE}
    assert {name for name, entry in load_index().items() if entry.importer != "none"} == covered


@pytest.mark.parametrize("name", FOLDERS)
def test_folders(tmp_path, name):
    members, people = FOLDERS[name]
    archive = zipped(tmp_path / "x.zip", {member: jpeg() for member in members})
    done = import_archive(archive, tmp_path / "out", dataset=name)
    assert (done.dataset, done.images, done.identities) == (name, len(members), len(people))
    assert ImageFolder(tmp_path / "out").class_names == people


@pytest.mark.parametrize("name", PACKS)
def test_packs(tmp_path, name):
    for person in ("a", "b"):
        (tmp_path / "in" / person).mkdir(parents=True)
        for number in range(2):
            (tmp_path / "in" / person / f"{number}.jpg").write_bytes(jpeg(number))
    write_recordio(ImageFolder(tmp_path / "in"), tmp_path / "pack")
    files = {f"{PACKS[name]}/{file.name}": file.read_bytes() for file in (tmp_path / "pack").iterdir()}
    done = import_archive(zipped(tmp_path / "x.zip", files), tmp_path / "out", dataset=name)
    assert (done.dataset, done.images, done.identities) == (name, 4, 2)
    assert len(RecordIO(tmp_path / "out")) == 4


@pytest.mark.parametrize("name", BINS)
def test_verification_sets(tmp_path, name):
    images, same = [], []
    for person in range(10):
        images += [jpeg(person), jpeg(person), jpeg(person), jpeg((person + 1) % 10)]
        same += [True, False]
    write_verification_bin(tmp_path / f"{BINS[name]}.bin", images, same)
    done = import_archive(tmp_path / f"{BINS[name]}.bin", tmp_path / "out", dataset=name)
    assert done.details["verification_pairs"] == {BINS[name]: 20}
    assert pairs_told_apart(BINS[name], tmp_path / "out" / f"{BINS[name]}.bin") == (20, True)
