"""Archives in their published layouts become the right people and pairs, and the protocol runs on the result."""

import io

import numpy as np
import pytest
from scipy.io import savemat
from small_archives import jpeg, pairs_told_apart, tgz, zipped

from facezoo.cli.main import main
from facezoo.data.sources.folder import ImageFolder
from facezoo.datasets import import_archive
from facezoo.errors import ConfigError, DataError

PEOPLE = [f"Person_{letter}" for letter in "ABCDEFGHIJ"]


def text(lines):
    return ("\n".join(lines) + "\n").encode()


def people_of(folder):
    return ImageFolder(folder).class_names


def test_ytf(tmp_path):
    """NAME/VIDEO/aligned_detect_VIDEO.FRAME.jpg, as loaders of aligned_images_DB read it; no copy was at hand."""
    files = {"splits.txt": text(["split number, first name, second name, is same", "1, Al_Gore/0, Bo_Li/1, 0"])}
    for name in ("Al_Gore", "Bo_Li"):
        for video in (0, 1):
            for frame in (1, 2):
                files[f"aligned_images_DB/{name}/{video}/aligned_detect_{video}.{frame}.jpg"] = jpeg()
    done = import_archive(tgz(tmp_path / "a.tar.gz", files), tmp_path / "out", dataset="ytf")
    assert (done.images, done.identities, done.details["videos"]) == (8, 2, 4)
    assert people_of(tmp_path / "out") == ["Al_Gore", "Bo_Li"]
    assert (tmp_path / "out" / "splits.txt").is_file()
    again = import_archive(tmp_path / "a.tar.gz", tmp_path / "recognised")
    assert (again.kind, again.identities) == ("ytf", 2)


def calfw(pairs="pairs_CALFW.txt", folder="aligned images", number="{:04d}"):
    """``aligned images/NAME_0001.jpg`` and a list with two lines per pair (public loaders)."""
    files, same, different = {}, [], []
    for at, name in enumerate(PEOPLE):
        one, two = (f"{name}_{number.format(n)}.jpg" for n in (1, 2))
        files |= {f"calfw/{folder}/{one}": jpeg(at), f"calfw/{folder}/{two}": jpeg(at)}
        other = f"{PEOPLE[(at + 1) % 10]}_{number.format(2)}.jpg"
        same += [f"{one} {at + 1}", f"{two} {at + 1}"]
        different += [f"{one} 0", f"{other} 0"]
    files[f"calfw/{pairs}"] = text(same + different)
    return files


@pytest.mark.parametrize(
    "name, pairs, folder, number",
    [
        ("calfw", "pairs_CALFW.txt", "aligned images", "{:04d}"),
        ("cplfw", "pairs_CPLFW.txt", "images", "{}"),
    ],
)
def test_calfw_and_cplfw(tmp_path, name, pairs, folder, number):
    archive = zipped(tmp_path / "x.zip", calfw(pairs, folder, number))
    done = import_archive(archive, tmp_path / "out", dataset=name)
    assert (done.images, done.identities, done.details["pairs"]) == (20, 10, 20)
    assert people_of(tmp_path / "out") == PEOPLE
    assert pairs_told_apart(name, tmp_path / "out") == (20, True)


def test_calfw_takes_the_aligned_images_only(tmp_path):
    files = calfw()
    files |= {f"calfw/images/{name.rsplit('/', 1)[1]}": jpeg(99) for name in list(files) if name.endswith(".jpg")}
    done = import_archive(zipped(tmp_path / "x.zip", files), tmp_path / "out")
    assert (done.images, done.details["images_from"]) == (20, "aligned images")
    assert pairs_told_apart("calfw", tmp_path / "out") == (20, True)


def test_calfw_with_a_missing_image(tmp_path):
    files = calfw()
    del files["calfw/aligned images/Person_A_0001.jpg"]
    with pytest.raises(DataError, match=r"lists 1 images that are not in the archive, first 'Person_A/Person_A_0001"):
        import_archive(zipped(tmp_path / "x.zip", files), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert import_archive(tmp_path / "x.zip", tmp_path / "out", partial=True).images == 19


@pytest.fixture
def cfp(tmp_path):
    """Data/Images/001/frontal/01.jpg, Protocol/Pair_list_F.txt, Protocol/Split/FP/01/same.txt (public loaders)."""
    files, frontal, profile = {}, [], []
    for at in range(10):
        person = f"cfp-dataset/Data/Images/{at + 1:03d}"
        for number in (1, 2):
            files[f"{person}/frontal/{number:02d}.jpg"] = jpeg(at)
            frontal.append(f"{len(frontal) + 1} ../Data/Images/{at + 1:03d}/frontal/{number:02d}.jpg")
        files[f"{person}/profile/01.jpg"] = jpeg(at)
        profile.append(f"{at + 1} ../Data/Images/{at + 1:03d}/profile/01.jpg")
        for kind, same, other in (("FF", 2 * at + 2, 2 * ((at + 1) % 10) + 1), ("FP", at + 1, (at + 1) % 10 + 1)):
            fold = f"cfp-dataset/Protocol/Split/{kind}/{at + 1:02d}"
            files |= {
                f"{fold}/same.txt": text([f"{2 * at + 1},{same}"]),
                f"{fold}/diff.txt": text([f"{2 * at + 1},{other}"]),
            }
    files |= {f"cfp-dataset/Protocol/Pair_list_{k}.txt": text(lines) for k, lines in (("F", frontal), ("P", profile))}
    return zipped(tmp_path / "cfp-dataset.zip", files)


@pytest.mark.parametrize("name", ["cfp-fp", "cfp-ff"])
def test_cfp(cfp, tmp_path, name):
    done = import_archive(cfp, tmp_path / "out", dataset=name)
    assert (done.images, done.identities, done.details["pairs"]) == (30, 10, 20)
    assert people_of(tmp_path / "out") == [f"{n:03d}" for n in range(1, 11)]
    assert pairs_told_apart(name.replace("-", "_"), tmp_path / "out") == (20, True)
    second = (tmp_path / "out" / "pairs.txt").read_text().split()[1]
    assert second == ("001/profile_01.jpg" if name == "cfp-fp" else "001/frontal_02.jpg")


def test_cfp_asks_for_the_protocol(cfp, tmp_path):
    cfp = cfp.rename(tmp_path / "other.zip")
    with pytest.raises(ConfigError, match="expected --dataset cfp-fp or --dataset cfp-ff"):
        import_archive(cfp, tmp_path / "out")


def test_rfw(tmp_path):
    """data/GROUP/ID/ID_0001.jpg and txts/GROUP/GROUP_pairs.txt in the form of LFW's list (public loaders)."""
    files = {}
    for at, group in enumerate(("African", "Asian", "Caucasian", "Indian")):
        lines = []
        for person in range(5):
            who = f"m.0{at}{person}"
            files |= {f"test/data/{group}/{who}/{who}_{n:04d}.jpg": jpeg(10 * at + person) for n in (1, 2)}
            lines += [f"{who}\t1\t2", f"{who}\t1\tm.0{at}{(person + 1) % 5}\t2"]
        files[f"test/txts/{group}/{group}_pairs.txt"] = text(lines)
    done = import_archive(tgz(tmp_path / "test.tar.gz", files), tmp_path / "out", dataset="rfw")
    assert (done.images, done.identities, done.details["pairs"], done.details["groups"]) == (40, 20, 40, 4)
    assert pairs_told_apart("rfw", tmp_path / "out", tmp_path / "out" / "columns.csv") == (40, True)


def cell(names):
    array = np.empty((len(names), 1), object)
    array[:, 0] = names
    return array


def mat(**values):
    stream = io.BytesIO()
    savemat(stream, values)
    return stream.getvalue()


def tinyface():
    """Training_Set/ID/, Testing_Set/{Gallery_Match, Probe, Gallery_Distractor}/, and lists in .mat files.

    The names in the .mat files are those of AdaFace's and TinyFace's evaluation scripts.
    """
    test = "tinyface/Testing_Set"
    files = {f"tinyface/Training_Set/{n}/{n}_{i}.jpg": jpeg(n) for n in (1, 2, 3) for i in (1, 2)}
    files |= {f"{test}/Gallery_Match/{n}_1.jpg": jpeg(n) for n in (7, 8)}
    files |= {f"{test}/Probe/{n}_2.jpg": jpeg(n) for n in (7, 8)}
    files |= {f"{test}/Gallery_Distractor/{n}.jpg": jpeg(n) for n in range(20, 24)}
    numbers = np.array([[7], [8]], np.uint16)
    gallery = mat(gallery_set=cell(["7_1.jpg", "8_1.jpg"]), gallery_ids=numbers)
    probe = mat(probe_set=cell(["7_2.jpg", "8_2.jpg"]), probe_ids=numbers)
    return {
        **files,
        f"{test}/gallery_match_img_ID_pairs.mat": gallery,
        f"{test}/probe_img_ID_pairs.mat": probe,
    }


def test_tinyface(tmp_path):
    done = import_archive(zipped(tmp_path / "x.zip", tinyface()), tmp_path / "out")
    assert (done.kind, done.images, done.identities) == ("tinyface", 14, 5)
    assert done.details["parts"] == {"train": 6, "gallery": 2, "probe": 2, "distractors": 4}
    assert people_of(tmp_path / "out" / "train") == ["1", "2", "3"]
    assert people_of(tmp_path / "out" / "gallery") == people_of(tmp_path / "out" / "probe") == ["7", "8"]


def test_tinyface_without_its_lists(tmp_path):
    files = {name: content for name, content in tinyface().items() if not name.endswith(".mat")}
    with pytest.raises(DataError, match=r"gallery_match_img_ID_pairs.mat: cannot be read"):
        import_archive(zipped(tmp_path / "x.zip", files), tmp_path / "out")


ASKS = {
    "one person": (["a/ann/1.jpg", "a/ann/2.jpg"], "one person, 'ann'"),
    "parts of a data set": (["a/train/1.jpg", "a/Probe/1.jpg"], "'Probe', 'train' would be people"),
    "aligned crops": (["aligned crops/x_1.jpg", "b/y_1.jpg"], "'aligned crops' would be people"),
    "numbers of videos": (["Al_Gore/0/1.jpg", "Al_Gore/1/1.jpg"], "'0', '1' would be people"),
    "merged folders": (
        ["Al/10/1.jpg", "Bo/10/2.jpg", "Bo/11/2.jpg"],
        "one person, such as 'Al/10', 'Bo/10'",
    ),
}


@pytest.mark.parametrize("names, words", ASKS.values(), ids=ASKS)
def test_folders_that_are_not_people_stop_the_import(tmp_path, names, words):
    archive = zipped(tmp_path / "x.zip", {name: jpeg() for name in names})
    with pytest.raises(DataError, match="--person-folder 1") as caught:
        import_archive(archive, tmp_path / "out")
    assert words in str(caught.value)
    assert not (tmp_path / "out").exists()
    assert import_archive(archive, tmp_path / "out", person_folder=1).images == len(names)


def test_the_folder_of_the_person_is_an_option(tmp_path, capsys):
    files = {f"v/{name}/{video}/{frame}.jpg": jpeg() for name in ("Al", "Bo") for video in (0, 1) for frame in (1, 2)}
    words = ["datasets", "import", str(zipped(tmp_path / "x.zip", files)), "--out", str(tmp_path / "out"), "--quiet"]
    assert main(words) == 2
    assert "--person-folder 2" in capsys.readouterr().err
    assert main([*words, "--person-folder", "2"]) == 0
    assert people_of(tmp_path / "out") == ["Al", "Bo"]
    assert len(ImageFolder(tmp_path / "out")) == 8


def test_mfr2_keeps_its_list(tmp_path):
    """NAME/NAME_0001.png and pairs.txt beside the people (mfr2.zip of MaskTheFace)."""
    files = {f"mfr2/{name}/{name}_000{n}.png": jpeg() for name in ("AdrianDunbar", "AlGore") for n in (1, 2)}
    listed = text(["AdrianDunbar\t1\t2", "AdrianDunbar\t1\tAlGore\t1"])
    done = import_archive(
        zipped(tmp_path / "x.zip", {**files, "mfr2/pairs.txt": listed}), tmp_path / "out", dataset="mfr2"
    )
    assert (done.images, done.identities) == (4, 2)
    assert (tmp_path / "out" / "pairs.txt").read_bytes() == listed  # the protocol checks its hash


@pytest.mark.parametrize(
    "names",
    [
        [
            f"set/{name}/{year}/{name}{year}{at}.jpg"
            for name in ("ann", "bob")
            for year in (2019, 2020)
            for at in (1, 2)
        ],
        [f"{name}/{year}-{name}/{at}.jpg" for name in ("ann", "bob") for year in (2019, 2020) for at in (1, 2)],
        ["set/ann/1.jpg", "set/ann/2019/2.jpg", "set/bob/1.jpg"],
    ],
    ids=["years", "years with names", "two depths"],
)
def test_folders_below_a_person_are_asked_about(tmp_path, names):
    archive = zipped(tmp_path / "faces.zip", {name: jpeg() for name in names})
    with pytest.raises(DataError, match="--person-folder 0"):
        import_archive(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    done = import_archive(archive, tmp_path / "out", person_folder=0)
    assert (done.images, done.identities) == (len(names), 2)
    assert ImageFolder(tmp_path / "out").class_names == ["ann", "bob"]


def test_parts_of_an_archive_are_no_second_reading(tmp_path):
    archive = zipped(tmp_path / "faces.zip", {name: jpeg() for name in ("set/train/ann/1.jpg", "set/test/bob/1.jpg")})
    import_archive(archive, tmp_path / "out")
    assert ImageFolder(tmp_path / "out").class_names == ["ann", "bob"]
