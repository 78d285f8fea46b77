"""Identities, images and videos of the index, typed again from the pages that state them."""

import pytest

from facezoo.datasets.catalogue import load_index

EVOLVE = "face.evoLVe, README.md, Data Zoo"
ARCFACE = "insightface, recognition/arcface_torch/configs"
UNKNOWN = "unknown"
ROWS = [
    ("lfw", 5749, 13233, None, "http://vis-www.cs.umass.edu/lfw"),
    ("calfw", 4025, 12174, None, EVOLVE),
    ("cplfw", 3884, 11652, None, EVOLVE),
    ("casia-webface", 10575, 494414, None, EVOLVE),
    ("ms1mv2", 85742, 5822653, None, f"{ARCFACE}/ms1mv2_r50.py"),
    ("ms1mv3", 93431, 5179510, None, f"{ARCFACE}/ms1mv3_r50.py"),
    ("glint360k", 360232, 17091657, None, f"{ARCFACE}/glint360k_r50.py"),
    ("webface4m", 205990, 4235242, None, f"{ARCFACE}/wf4m_r50.py"),
    ("webface12m", 617970, 12720066, None, f"{ARCFACE}/wf12m_r50.py"),
    ("webface42m", 2059906, 42474557, None, f"{ARCFACE}/wf42m_pfc02_8gpus_r50_bs4k.py"),
    ("webface260m", 4000000, 260000000, None, "arXiv:2103.04098, abstract"),
    ("vggface2", 9131, 3310000, None, "arXiv:1710.08092, abstract"),
    ("agedb-30", 570, 12240, None, "insightface, recognition/_datasets_/README.md"),
    ("ijb-a", 500, 5396, 2085, EVOLVE),
    ("ijb-b", 1845, 21798, 7011, "Whitelam et al. 2017, abstract"),
    ("ijb-c", 3531, 138000, 11000, "https://nist.gov/itl/iad/ig/face-challenges; 1870 + 1661 subjects, Noblis"),
    ("cfp-ff", 500, 7000, None, EVOLVE),
    ("cfp-fp", 500, 7000, None, EVOLVE),
    ("umdfaces", 8277, 367888, None, "arXiv:1611.01484, abstract"),
    ("celeba", 10177, 202599, None, EVOLVE),
    ("ytf", 1595, 621127, 3425, "http://www.cs.tau.ac.il/~wolf/ytfaces/; frames: face.evoLVe (columns exchanged)"),
    ("deepglint", 180855, 6753545, None, EVOLVE),
    ("utkface", UNKNOWN, 23708, None, EVOLVE),
    ("buaa-visnir", 150, 5952, None, EVOLVE),
    ("casia-nir-vis-2", 725, 17580, None, EVOLVE),
    ("oulu-casia", 80, 65000, None, EVOLVE),
    ("nuaa", 15, 12614, None, EVOLVE),
    ("casia-surf", 1000, UNKNOWN, 21000, "arXiv:1812.00408, abstract"),
    ("casia-fasd", 50, UNKNOWN, 600, EVOLVE),
    ("casia-mfsd", 50, UNKNOWN, 600, EVOLVE),
    ("replay-attack", 50, UNKNOWN, 1300, "https://www.idiap.ch/dataset/replayattack"),
    ("megaface", 690000, 1000000, None, "arXiv:1512.00596, abstract"),
    ("imdb-face", 59000, 1700000, None, "https://github.com/fwang91/IMDb-Face"),
    ("rfw", 12000, UNKNOWN, None, "http://www.whdeng.cn/RFW/index.html: about 3000 in each of four groups"),
]  # fmt: skip
OTHERS = {  # of no page that could be read: counted in a copy, announced, of a challenge, or not published
    "mfr2", "ms-celeb-1m", "iqiyi-vid", "cacd-vs", "vggface2-fp", "tinyface",
}  # fmt: skip


@pytest.mark.parametrize(("name", "identities", "images", "videos", "source"), ROWS)
def test_figures(name, identities, images, videos, source):
    entry = load_index()[name]
    assert (entry.identities, entry.images, entry.videos) == (identities, images, videos), source


def test_every_entry_is_here():
    assert set(load_index()) == {row[0] for row in ROWS} | OTHERS
