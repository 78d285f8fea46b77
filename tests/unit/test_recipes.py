"""Every recipe of zoo_configs resolves on both backends, and says where it comes from."""

import dataclasses

import pytest
import yaml

from facezoo.cli.main import main
from facezoo.data.transforms.augment import create_augmentation
from facezoo.training.config import load_config, recipes
from facezoo.zoo.catalog import head_margin
from facezoo.zoo.head_options import SHARED

TABLES = {
    **{
        f"evolve_{b}_{h}": "ms-celeb-1m" for b in ("ir50", "ir101", "ir152") for h in ("arcface", "adacos", "amsoftmax")
    },
    **{f"evolve_lightcnn{depth}_arcface": "ms-celeb-1m" for depth in ("9", "29", "29v2")},
    **{
        f"evolve_{b}_webface260m": "webface42m"
        for b in ("ir152", "hrnetw18", "tfnasa", "ghostnet", "attentionnet56", "mobilefacenet")
    },
}


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


@pytest.mark.parametrize("name, data", sorted(TABLES.items()))
def test_the_rows_of_the_paper_are_there(name, data):
    config = load_config(name)
    assert config.data.path == f"data/{data}"
    assert config.embedding_size == 512
    wanted = "softmax" if name.split("_")[1].startswith("light") or "webface" in name else "focal"
    assert config.head_options.get("criterion", "softmax") == wanted
    assert "arXiv 2107.08621" in config.notes


@pytest.mark.parametrize("name", [name for name in recipes() if name.startswith(("insightface", "adaface"))])
def test_published_figures_have_a_source(name):
    assert "Published (" in load_config(name).notes
    assert "README" in load_config(name).notes
