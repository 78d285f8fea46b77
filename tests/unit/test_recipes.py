"""Every recipe of zoo_configs resolves on both backends, and says where it comes from."""

import dataclasses
import re
from pathlib import Path

import pytest
import yaml

from facezoo.cli.main import main
from facezoo.data.transforms.augment import create_augmentation
from facezoo.training.config_file import load_config, recipes
from facezoo.training.stages import stage_list
from facezoo.zoo.catalog import head_margin
from facezoo.zoo.head_options import SHARED

# Tables 3 and 4 of arXiv 2107.08621: recipe, backbone, head, table, accuracy on SETS; all with the focal criterion.
SETS = ("LFW", "CFP-FF", "CFP-FP", "AgeDB", "CALFW", "CPLFW", "VGG2-FP")
EVOLVE = """
evolve_ir50_arcface IR50 ArcFace 3 99.78 99.69 98.14 97.53 95.87 92.45 95.22
evolve_ir101_arcface IR101 ArcFace 3 99.81 99.74 98.25 97.77 95.93 92.74 95.44
evolve_ir152_arcface IR152 ArcFace 3 99.82 99.83 98.37 98.07 96.03 93.05 95.50
evolve_ir50_adacos IR50 AdaCos 3 99.75 99.53 98.39 97.25 95.55 92.25 95.27
evolve_ir101_adacos IR101 AdaCos 3 99.78 99.59 98.41 97.33 95.68 92.41 95.35
evolve_ir152_adacos IR152 AdaCos 3 99.81 99.65 98.42 98.47 95.74 92.57 95.43
evolve_ir50_amsoftmax IR50 AMSoftmax 3 99.59 99.59 98.23 97.37 95.23 92.37 95.35
evolve_ir101_amsoftmax IR101 AMSoftmax 3 99.65 99.62 98.31 97.42 95.38 92.46 95.47
evolve_ir152_amsoftmax IR152 AMSoftmax 3 99.72 99.71 98.45 97.49 95.50 92.52 95.55
evolve_lightcnn9_arcface LightCNN9 ArcFace 3 98.75 98.14 92.57 88.51 89.23 82.88 92.14
evolve_lightcnn29_arcface LightCNN29 ArcFace 3 99.02 98.57 94.25 90.85 91.87 85.78 94.16
evolve_lightcnn29v2_arcface LightCNN29v2 ArcFace 3 99.23 98.47 94.35 91.49 91.72 85.78 94.06
evolve_ir152_webface260m IR152 AdaCos 4 99.82 99.84 98.37 98.07 96.03 93.05 95.50
evolve_hrnetw18_webface260m HRNetW18 MVSoftmax 4 99.82 99.51 98.41 97.88 95.43 88.95 94.70
evolve_tfnasa_webface260m TFNASA AMSoftmax 4 99.82 99.47 98.33 96.65 94.32 84.88 91.38
evolve_ghostnet_webface260m GhostNet ArcFace 4 99.69 99.52 98.48 97.29 94.92 85.25 90.88
evolve_attentionnet56_webface260m AttentionNet56 AdaCos 4 99.82 99.47 98.52 96.89 95.12 87.23 94.23
evolve_mobilefacenet_webface260m MobileFaceNet AdaCos 4 99.73 99.84 97.75 95.87 94.87 89.29 93.20
"""

# deepinsight/insightface 7fadd420, recognition/arcface_torch/configs: batch of a GPU x GPUs, rate, decay, epochs,
# warm-up epochs; the README of arcface_torch: IJB-C TAR at 1e-4 and 1e-5, MFR-ALL.
INSIGHTFACE = """
ms1mv2_r50 IResNet50 ArcFace 1024 0.1 5e-4 20 0 95.97 94.07 75.13
ms1mv2_r100 IResNet100 ArcFace 1024 0.1 5e-4 20 0 96.37 94.27 78.12
ms1mv3_mbf MobileFaceNet ArcFace 1024 0.1 1e-4 40 0 94.23 91.33 63.78
ms1mv3_r50 IResNet50 ArcFace 1024 0.1 5e-4 20 0 96.37 94.47 79.14
ms1mv3_r100 IResNet100 ArcFace 1024 0.1 5e-4 20 0 96.85 95.02 81.97
glint360k_r50 IResNet50 CosFace 1024 0.1 1e-4 20 0 97.16 95.81 86.34
glint360k_r100 IResNet100 CosFace 1024 0.1 1e-4 20 0 97.55 96.38 89.52
webface4m_r100 IResNet100 CosFace 1024 0.1 5e-4 20 0 97.19 95.48 89.87
webface12m_r100 IResNet100 CosFace 1024 0.1 5e-4 20 0 97.59 95.97 94.69
webface42m_vit_t ViTT CosFace 24576 0.001 0.1 40 4 97.31 95.97 92.24
webface42m_vit_b ViTB CosFace 24576 0.001 0.1 40 4 97.90 97.04 97.42
"""

# mk-minchul/AdaFace c60eaa78, README.md: LFW, CFP-FP, CPLFW, CALFW, AgeDB-30; TAR at 1e-4 of IJB-B, IJB-C.
ADAFACE = """
ms1mv2_r50 IR50 99.82 97.86 92.83 96.07 97.85 94.82 96.27
ms1mv2_r100 IR101 99.82 98.49 93.53 96.08 98.05 95.67 96.89
ms1mv3_r100 IR101 99.78 98.91 93.93 96.02 98.17 95.84 97.09
webface4m_r18 IR18 99.53 97.26 92.28 95.52 96.47 93.03 94.99
webface4m_r50 IR50 99.78 98.97 94.17 95.98 97.78 95.44 96.98
webface4m_r100 IR101 99.80 99.17 94.63 96.05 97.90 96.03 97.39
webface12m_r100 IR101 99.82 99.26 94.57 96.12 98.00 96.41 97.66
"""
STAGED = ("champion_masked_webface42m", "progressive_lightsenet")
OWN = ("mobilefacenet_cpu", "tiny_mobilefacenet")  # settings of facezoo, not of a publication


def rows(text):
    return [pytest.param(*line.split(maxsplit=1), id=line.split()[0]) for line in text.strip().splitlines()]


def numbers(notes):
    """Every decimal number of the notes, as a value."""
    return {float(found) for found in re.findall(r"\d+\.\d+", notes)}


@pytest.mark.parametrize("backend", ["torch", "paddle"])
@pytest.mark.parametrize("name", sorted(recipes()))
def test_a_recipe_resolves(name, backend, capsys):
    assert main(["config", "show", name, "--set", f"backend={backend}"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    written = yaml.safe_load(recipes()[name].read_text(encoding="utf-8"))
    assert shown["backend"] == backend
    assert {key: shown[key] for key in written if not isinstance(written[key], dict)} == {
        key: value for key, value in written.items() if not isinstance(value, dict)
    }


@pytest.mark.parametrize("name", sorted(recipes()))
def test_what_a_recipe_names_can_be_built(name):
    config = load_config(name)
    own = {key: value for key, value in config.head_options.items() if key not in SHARED}
    margin = head_margin(config.head, **own)
    assert config.head_options.get("criterion", "softmax") in margin.criteria
    changed = create_augmentation(config.data.augmentation, **config.data.augmentation_options)
    assert changed is None or dataclasses.is_dataclass(changed)


@pytest.mark.parametrize("name, row", rows(EVOLVE))
def test_face_evolve_by_paper_and_config_py(name, row):
    backbone, head, table, *figures = row.split()
    config = load_config(name)
    assert (config.backbone, config.head, config.embedding_size) == (backbone, head, 512)
    assert config.head_options["criterion"] == "focal"
    options = {"ArcFace": {"margin": 0.5, "scale": 64.0}, "AMSoftmax": {"margin": 0.35, "scale": 30.0}}.get(head, {})
    assert options.items() <= config.head_options.items()
    assert config.data.path == ("data/ms-celeb-1m" if table == "3" else "data/webface42m")
    # ZhaoJ9014/face.evoLVe a9897bda, config.py and train.py
    assert (config.batch_size, config.lr, config.momentum, config.weight_decay) == (512, 0.1, 0.9, 5e-4)
    assert (config.epochs, config.schedule.name, config.schedule.gamma) == (125, "step", 0.1)
    assert config.schedule.warmup * 125 == pytest.approx(125 // 25)
    assert [share * 125 for share in config.schedule.milestones] == pytest.approx([35, 65, 95])
    assert config.data.sampler == "weighted"
    stated = ", ".join(f"{key} {value}" for key, value in zip(SETS, figures, strict=True))
    assert f"Published (arXiv 2107.08621, table {table}): {stated} %." in config.notes
    assert "config.py of ZhaoJ9014/face.evoLVe, revision a9897bda" in config.notes


@pytest.mark.parametrize("name, row", rows(INSIGHTFACE))
def test_insightface_by_its_configs(name, row):
    backbone, head, batch, lr, decay, epochs, warmup, *figures = row.split()
    config = load_config(f"insightface_{name}")
    assert (config.backbone, config.head, config.embedding_size) == (backbone, head, 512)
    assert config.head_options["margin"] == (0.5 if head == "ArcFace" else 0.4)
    assert config.head_options["scale"] == 64.0
    assert config.data.path == f"data/{name.split('_')[0]}"
    assert (config.batch_size, config.epochs, config.clip_norm) == (int(batch), int(epochs), 5.0)
    assert (config.lr, config.momentum, config.weight_decay) == (float(lr), 0.9, float(decay))
    # backbones/__init__.py: "mbf" is get_mbf, blocks (1, 4, 6, 2) and scale 2
    assert not name.endswith("mbf") or config.backbone_options == {"blocks": [1, 4, 6, 2], "scale": 2}
    assert config.optimizer.name == ("adamw" if "vit" in name else "sgd")
    # lr_scheduler.py: PolynomialLRWarmup, power 1.0 by default; train_v2.py gives none
    assert (config.schedule.name, config.schedule.power) == ("polynomial", 1.0)
    assert config.schedule.warmup * int(epochs) == pytest.approx(int(warmup))
    assert "revision 7fadd420, configs/" in config.notes
    assert {float(value) for value in figures} <= numbers(config.notes)


@pytest.mark.parametrize("name, row", rows(ADAFACE))
def test_adaface_by_its_scripts(name, row):
    backbone, *figures = row.split()
    config = load_config(f"adaface_{name}")
    assert (config.backbone, config.head, config.embedding_size) == (backbone, "AdaFace", 512)
    # scripts/run_ir50_ms1mv2.sh and run_ir101_ms1mv2.sh; train_val.py: decay 5e-4 on all but batch norms
    assert (config.head_options["margin"], config.head_options["h"]) == (0.4, 0.333)
    assert (config.batch_size, config.lr, config.momentum, config.weight_decay) == (512, 0.1, 0.9, 5e-4)
    assert (config.epochs, config.schedule.name, config.schedule.warmup) == (26, "step", 0.0)
    assert [share * 26 for share in config.schedule.milestones] == pytest.approx([12, 20, 24], abs=1e-2)
    assert config.data.augmentation_options == {"crop": 0.2, "low_resolution": 0.2}
    script = "run_ir101_ms1mv2.sh" if name == "ms1mv2_r100" else "run_ir50_ms1mv2.sh"
    assert f"mk-minchul/AdaFace, revision c60eaa78, scripts/{script}" in config.notes
    assert {float(value) for value in figures} <= numbers(config.notes)


def test_swin_by_facex_zoo():
    config = load_config("facexzoo_msceleb_swin_t")  # JDAI-CV/FaceX-Zoo 16b793a7, swin_training/README.md
    assert (config.backbone, config.head, config.optimizer.name) == ("SwinT", "MVSoftmax", "adamw")
    assert (config.batch_size, config.lr, config.weight_decay, config.epochs) == (4 * 128, 5e-4, 0.05, 18)
    assert config.schedule.warmup * 18 == pytest.approx(1, abs=1e-2)
    head = {"kind": "am", "margin": 0.35, "weight_of_hard": 1.12, "scale": 32.0}  # training_mode/head_conf.yaml
    assert config.head_options == head
    assert "FaceX-Zoo, revision 16b793a7, training_mode/swin_training" in config.notes


def test_the_champion_of_the_masked_face_challenge():
    config = load_config("champion_masked_webface42m")  # arXiv 2310.16364, section 4
    first, second = stage_list(config, Path("run"))
    assert (config.head, config.head_options["margin"], config.batch_size) == ("CosFace", 0.4, 4512)
    assert (config.weight_decay, config.backbone_options) == (1e-4, {"dropout": 0.4})
    assert config.lr == pytest.approx(0.1 * 4512 / 256)
    assert [round(17 * share) for share in first.config.schedule.milestones] == [5, 9, 12, 15]
    shown = [(item.config.epochs, item.config.data.augmentation_options["mask"]) for item in (first, second)]
    assert shown == [(17, 0.15), (3, 0.33)]


def test_the_progressive_lightweight_stages():
    stages = stage_list(load_config("progressive_lightsenet"), Path("run"))  # Chai et al. 2019
    heads = [(item.config.head, sorted(item.config.head_options.get("extra", {}))) for item in stages]
    terms = ["IntraClassAngle", "RegularFace"]
    balanced = ["ClassBalanced", *terms]
    assert heads == [
        ("ArcFace", []), ("CombinedMargin", []), ("SVSoftmax", []), ("SVSoftmax", terms),
        ("CombinedMargin", balanced), ("CombinedMargin", [*balanced, "Triplet"]),
    ]  # fmt: skip
    assert stages[-1].config.data.sampler_options["images"] == 4
    assert stages[-1].config.head_options["extra"]["Triplet"]["mining"] == "semi_hard"


def test_every_recipe_is_in_a_table():
    known = {line.split()[0] for line in EVOLVE.split("\n") if line}
    known |= {f"insightface_{line.split()[0]}" for line in INSIGHTFACE.split("\n") if line}
    known |= {f"adaface_{line.split()[0]}" for line in ADAFACE.split("\n") if line}
    assert set(recipes()) == known | {"facexzoo_msceleb_swin_t", *STAGED, *OWN}
