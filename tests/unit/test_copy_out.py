"""A head file and a backbone file, copied into an empty folder, work there without facezoo."""

from __future__ import annotations

import os
import re
import site
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLASSIFIERS = ("ArcFace", "CosFace", "Softmax", "CurricularFace", "AdaFace", "SubCenterArcFace", "ClassBalanced")
OTHERS = ("Triplet", "CircleLoss", "Center")
FAMILIES = {"ir": "IRSpec", "mobilefacenet": "MobileFaceNetSpec"}
SPECS = ("base.py", "preprocess.py", "geometry.py", "ir.py", "mobilefacenet.py")


def copy(path: Path, target: Path) -> None:
    """Copy a file and remove its use of facezoo, as a user would edit it."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"^from facezoo\.interfaces\S* import .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\((?:Backbone|Head|ClassificationHead), ", "(", text)  # the interface base
    text = re.sub(r"from facezoo\.specs\.(\w+) import", r"from \1_spec import", text)
    text = re.sub(r"from facezoo\.backends\.paddle\.onednn\b", "from onednn", text)
    text = re.sub(r"from facezoo\.(?:\w+\.)*(\w+) import", r"from \1 import", text)
    target.write_text(text, encoding="utf-8")
    assert "facezoo." not in re.sub(r'""".*?"""|#.*|:class:\S*', "", text, flags=re.DOTALL), f"{path} needs more of it"


def run(folder: Path, code: str, **environment: str) -> str:
    libraries = [str(folder), *(path for path in site.getsitepackages() if Path(path).is_dir())]
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(libraries), "OMP_NUM_THREADS": "1"}
    code = f"import sys\nsys.modules['facezoo'] = None  # an import of it fails\n{code}"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=folder, env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


TENSORS = {
    "torch": ("torch.manual_seed(0)", "torch.randn({shape})", "torch.tensor([0, 1, 1, 3])"),
    "paddle": ("paddle.seed(0)", "paddle.randn([{shape}])", "paddle.to_tensor([0, 1, 1, 3])"),
}


def test_heads_copied_out(backend, tmp_path):
    seed, draw, labels = TENSORS[backend]
    native = ROOT / "backends" / backend / "heads"
    for name in (*CLASSIFIERS, *OTHERS, "margin", "criterion", "auxiliary", "cosine", "inputs"):
        copy(native / f"{name.lower()}.py", tmp_path / f"{name.lower()}.py")
    copy(ROOT / "facezoo" / "canonical" / "class_rows.py", tmp_path / "class_rows.py")
    imports = "\n".join(f"from {name.lower()} import {name}" for name in (*CLASSIFIERS, *OTHERS))
    code = f"""
import {backend}
{imports}
{seed}
x = {draw.format(shape="4, 16")}
x.{"requires_grad_()" if backend == "torch" else "stop_gradient = False"}
for head in ({", ".join((*CLASSIFIERS, *OTHERS))}):
    module = head(16, 5)
    loss = module(x, {labels})
    loss.backward()
    assert float(loss) >= 0 and x.grad is not None
    if head in ({", ".join(CLASSIFIERS)}):
        assert float(loss) > 0 and float((x.grad * x.grad).sum()) > 0
        assert tuple(module.logits(x, {labels}).shape) == (4, 5)
        assert module.weight.grad is not None
print("done")
"""
    assert run(tmp_path, code).splitlines()[-1] == "done"


@pytest.mark.parametrize("family", FAMILIES)
def test_backbones_copied_out(backend, family, tmp_path):
    seed, draw, _ = TENSORS[backend]
    native = ROOT / "backends" / backend
    copy(native / "backbones" / f"{family}.py", tmp_path / f"{family}.py")
    for name in ("layers", "conv", "norm", "prelu", "necks", "drop_path"):
        if (native / f"{name}.py").exists():
            copy(native / f"{name}.py", tmp_path / f"{name}.py")
    (tmp_path / "onednn").mkdir()
    for path in (native / "onednn").glob("*.py"):
        copy(path, tmp_path / "onednn" / path.name)
    copy(ROOT / "facezoo" / "io" / "memory.py", tmp_path / "memory.py")
    for name in SPECS:
        copy(ROOT / "facezoo" / "specs" / name, tmp_path / name.replace(".py", "_spec.py"))
    copy(ROOT / "facezoo" / "errors.py", tmp_path / "errors.py")
    network = {"ir": "IR", "mobilefacenet": "MobileFaceNet"}[family]
    code = f"""
import {backend}
from {family} import {network}
from {family}_spec import SPECS
{seed}
module = {network}(SPECS[0].variant(embedding_size=32, input_size=32))
output = module({draw.format(shape="2, 3, 32, 32")})
assert tuple(output.shape) == (2, 32)
(output * output).sum().backward()
assert all(value.grad is not None for value in module.parameters() if {
        "value.requires_grad" if backend == "torch" else "not value.stop_gradient"
    })
module.eval()
print("done")
"""
    assert run(tmp_path, code).splitlines()[-1] == "done"
