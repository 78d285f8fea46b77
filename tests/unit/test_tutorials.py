"""The tutorials, carried out from top to bottom in one folder, on synthetic faces and with a few training steps."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import facezoo
from facezoo.cli.main import main
from facezoo.data.sources.synthetic import SyntheticFaces

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
if not TUTORIALS:
    pytest.skip("the pages come with a checkout only", allow_module_level=True)
BLOCK = re.compile(r"(?P<left><!-- not run: [^\n]*-->\n)?```(?P<kind>\w*)\n(?P<text>.*?)```", re.DOTALL)
FEW = ["--batch-size", "8", "--set", "data.workers=0", "--set", "log_every=1"]  # of `facezoo train`
LANDMARKS = (38.3, 51.7, 73.5, 51.5, 56.0, 71.7, 41.5, 92.4, 70.7, 92.2)  # five points of a centred face


def faces(folder: Path) -> None:
    """FACES: 8 persons of 4 crops."""
    drawn = SyntheticFaces(8, 4, seed=0, size=112)
    for index, label in enumerate(drawn.labels):
        path = folder / "FACES" / f"person{label}" / f"{index % 4}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.image(index)).save(path)


def published_checkpoint(folder: Path) -> None:
    """mobilefacenet.pth: a file with the names and shapes of InsightFace's arcface_torch."""
    import torch

    from facezoo.checkpoints.foreign.base import Found
    from facezoo.checkpoints.foreign.importer import leaves_of
    from facezoo.checkpoints.foreign.table import find_layout

    layout, _ = find_layout("arcface_torch_mobilefacenet")
    found = Found("MobileFaceNet", {"embedding_size": 8, "blocks": (1, 4, 6, 2), "scale": 1})
    entries = layout.entries(found, leaves_of(found.spec()))
    torch.save({entry.key: torch.full(entry.leaf.shape, 0.5) for entry in entries}, folder / "mobilefacenet.pth")


def small_ijbc(folder: Path) -> None:
    """IJBC and W.safetensors: 8 templates of two media each, two templates of each person."""
    drawn = SyntheticFaces(4, 4, seed=1, size=112)
    (folder / "IJBC" / "loose_crop").mkdir(parents=True)
    meta = folder / "IJBC" / "meta"
    meta.mkdir()
    numbers = range(1, len(drawn) + 1)
    for number in numbers:
        Image.fromarray(drawn.image(number - 1)).save(folder / "IJBC" / "loose_crop" / f"{number}.jpg")
    template = {number: (number + 1) // 2 for number in numbers}
    (meta / "ijbc_face_tid_mid.txt").write_text("".join(f"{n}.jpg {template[n]} {n}\n" for n in numbers))
    points = " ".join(map(str, LANDMARKS))
    (meta / "ijbc_name_5pts_score.txt").write_text("".join(f"{n}.jpg {points} 0.9\n" for n in numbers))
    pairs = [(a, b, int((a - 1) // 2 == (b - 1) // 2)) for a in range(1, 9) for b in range(a + 1, 9)]
    (meta / "ijbc_template_pair_label.txt").write_text("".join(f"{a} {b} {same}\n" for a, b, same in pairs))
    backbone = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=16, seed=0)
    facezoo.save_weights(backbone, folder / "W.safetensors")


def pretrained(folder: Path) -> None:
    """W.safetensors, and TEST: other persons than those in FACES."""
    backbone = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=16, seed=0)
    facezoo.save_weights(backbone, folder / "W.safetensors")
    drawn = SyntheticFaces(6, 4, seed=0, size=112, first_identity=100)
    for index, label in enumerate(drawn.labels):
        path = folder / "TEST" / f"person{label}" / f"{index % 4}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.image(index)).save(path)


LONG = ("compare-two-models", "export-to-mobile", "fine-tune", "masks")
NEEDS: dict[str, Callable[[Path], None]] = {
    "torch-to-paddle": published_checkpoint,
    "evaluate-on-ijbc": small_ijbc,
    "fine-tune": pretrained,
}


@pytest.mark.parametrize(
    ("page", "backend"),
    [
        pytest.param(
            path,
            name,
            id=f"{path.stem}-{name}",
            marks=pytest.mark.full if path.stem in LONG or name == "paddle" else (),
        )
        for path in TUTORIALS
        for name in ("torch", "paddle")
    ],
)
def test_every_block_of_the_tutorial_runs(page, backend, tmp_path, monkeypatch, capsys):
    faces(tmp_path)
    NEEDS.get(page.stem, lambda folder: None)(tmp_path)
    monkeypatch.chdir(tmp_path)
    np.random.seed(0)
    names: dict[str, object] = {}
    ran = 0
    for block in BLOCK.finditer(page.read_text("utf-8")):
        if block["left"] or block["kind"] in ("", "yaml"):
            continue
        assert block["kind"] in ("sh", "python"), f"{page.name}: a block of kind {block['kind']!r} is not known"
        if block["kind"] == "python":
            exec(compile(block["text"], f"{page.name}", "exec"), names)
        else:
            run(block["text"], backend, capsys)
        ran += 1
    assert ran > 1


NOT_RUN = [
    line.partition("  #")[0]
    for path in TUTORIALS
    for block in BLOCK.finditer(path.read_text("utf-8"))
    if block["left"]
    for line in block["text"].replace("\\\n", " ").splitlines()
]


@pytest.mark.parametrize("line", NOT_RUN)
def test_the_options_of_commands_that_are_not_run_exist(line, capsys):
    verb, *words = re.split(r"(?:^|-m )facezoo ", line)[1].split()
    assert main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    for word in words:
        assert not word.startswith("--") or re.search(rf"{word}\b", shown), f"no option {word}: {line}"


def run(text: str, backend: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The commands of a block; trainings end after two steps, unless they say when."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line.partition("  #")[0])
        assert words[0] == "facezoo", f"mark the block as not run: {line}"
        if words[1] == "train" and not {"--resume", "--plan"} & set(words):
            words += [*FEW, *([] if "--steps" in words else ["--steps", "2"])]
        if words[1] in ("train", "evaluate") and not {"--backend", "--resume", "--compare", "--table"} & set(words):
            words += ["--backend", backend]
        capsys.readouterr()
        code = main(words[1:])
        said = capsys.readouterr()
        assert code == 0, f"{line}\n{said.out[-1500:]}{said.err[-1500:]}"
