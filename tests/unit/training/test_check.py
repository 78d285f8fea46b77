"""What a run would refuse, a dry run and ``config check`` refuse: exit code 2 and one line that names the value."""

from __future__ import annotations

import pytest
import yaml

from facezoo.cli.main import main

REFUSED = [
    ("head_options.label_smoothing=5", "label_smoothing is 5; expected 0 to below 1"),
    ("head_options.label_smoothing=x", "label_smoothing is 'x'"),
    ("head_options.criterion=foo", "unknown criterion 'foo'; did you mean 'focal'?"),
    ("head_options.extra={Centre: 1}", "unknown head 'Centre'; did you mean 'Center'?"),
    ("head_options.extra=Center", "extra is 'Center'"),
    ("head_options.extra={Center: -1}", "factor of Center is -1"),
    ("head=RegularFace", "RegularFace does not train a backbone alone"),
    ("backbone_options.dropout=2", "dropout is 2"),
    ("data.augmentation=mask", "unknown augmentation 'mask'"),
    ("data.augmentation_options.erase=5e-1", "erase is '5e-1'; expected a number"),
    ("data.augmentation_options.crop_scale=[a, b]", "crop_scale is ['a', 'b']"),
    ("data.path=/nowhere", "/nowhere: no such file or folder"),
    ("data.path=[]", "data.path is []"),
    ("data.sampler=identities", "the sampler 'identities' needs identities and images"),
    ("data.sampler_options.power=1", "unknown option of the sampler 'shuffled' 'power'"),
    ("data.cache_gigabytes=.inf", "cache_gigabytes is inf"),
    ("batch_size=5000", "do not fill one batch of 5000"),
    ("accumulation=64", "accumulation is 64; expected at most 16"),
    ("optimizer.name=adam", "optimizer.name is 'adam'"),
    ("optimizer={name: adamw, nesterov: true}", "optimizer.nesterov is true"),
    ("schedule={name: step, milestones: [20, 30]}", "expected shares of all steps"),
    ("validation.data=/nowhere", "validation.data is '/nowhere'"),
    ("validation.pairs=pairs.txt", "needs validation.data"),
    ("validation.patience=3", "needs validation.every"),
    ("device=tpu", "device is 'tpu'; expected auto, cpu, gpu or gpu:N"),
    ("preprocess={size: [32, 32]}", "MobileFaceNet has its own"),
]


@pytest.mark.parametrize(("setting", "message"), REFUSED, ids=[setting for setting, _ in REFUSED])
def test_a_dry_run_refuses(setting, message, capsys, tmp_path):
    assert main(["train", "--backbone", "MobileFaceNet", "--set", setting, "--dry-run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_config_check_refuses_the_same(capsys, tmp_path):
    file = tmp_path / "run.yaml"
    for setting, message in REFUSED[:3] + REFUSED[8:13]:
        key, _, value = setting.partition("=")
        values = yaml.safe_load(value)
        for part in reversed(key.split(".")):
            values = {part: values}
        file.write_text(yaml.safe_dump({"backbone": "MobileFaceNet", **values}), "utf-8")
        assert main(["config", "check", str(file)]) == 2
        assert message in capsys.readouterr().err


def test_options_of_head_and_backbone_have_options_of_their_own(capsys):
    words = ["train", "--head-option", "margin=0.4", "--backbone-option", "dropout=0", "--optimizer", "adamw"]
    assert main([*words, "--dry-run"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert (shown["head_options"], shown["backbone_options"]) == ({"margin": 0.4}, {"dropout": 0})
    assert shown["optimizer"]["name"] == "adamw"
    assert main(["train", "--head-option", "margin", "--dry-run"]) == 2
    assert "--head-option got 'margin'; expected KEY=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize(("holdout", "identities"), [(0, 16), (5, 5)])
def test_synthetic_identities_are_held_out_as_asked(tiny, holdout, identities):
    from facezoo.training.setup import open_training_data

    _, held = open_training_data(tiny(validation__holdout=holdout))
    assert held.num_classes == identities


def test_a_head_that_compares_images_says_why_shards_do_not_do(tmp_path, capsys):
    from facezoo.data.sources.synthetic import SyntheticFaces
    from facezoo.data.tools.writers import write_shards

    write_shards(SyntheticFaces(4, 4, size=32), tmp_path / "shards")
    words = [
        "--backbone",
        "MobileFaceNet",
        "--head",
        "Triplet",
        "--data",
        str(tmp_path / "shards"),
        "--batch-size",
        "8",
    ]
    for more in (["--dry-run"], ["--out", str(tmp_path / "run")]):
        assert main(["train", *words, *more]) == 2
        assert "Triplet needs several images of an identity in each batch" in capsys.readouterr().err
