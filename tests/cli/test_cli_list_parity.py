"""``facezoo list`` and ``facezoo parity``."""

from __future__ import annotations

import json

from facezoo.cli.main import main
from facezoo.zoo import catalog


def test_list_backbones_shows_the_catalog(capsys):
    assert main(["list", "backbones"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(catalog.BACKBONES) + 1
    assert any(line.startswith("IR50 ") and "43,574,976" in line and "6,296.5 M" in line for line in lines)


def test_budgets_and_names_filter(capsys):
    assert main(["list", "backbones", "net", "--max-params", "4M", "--max-flops", "300M", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "ShuffleNetV2" in {row["name"] for row in found}
    assert all("net" in row["name"].lower() for row in found)
    assert all(row["parameters"] <= 4e6 and row["multiply_adds"] <= 300e6 for row in found)


def test_bench_measures(capsys):
    assert main(["list", "backbones", "ShuffleNetV1", "--bench", "--backend", "torch", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["images_per_second"] > 0


def test_bench_of_training_and_embedding(backend, capsys):
    words = ["bench", "--backbone", "ShuffleNetV1", "--batch-size", "2", "--rounds", "1", "--backend", backend]
    assert main([*words, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["backbone"], row["backend"], row["batch_size"]) == ("ShuffleNetV1", backend, 2)
    assert row["train"] > 0
    assert row["embed"] > 0
    assert main([*words, "--embed-only"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[4] == "-"


def test_bench_rejects_wrong_values(capsys):
    assert main(["bench", "--precision", "float16"]) == 2
    assert "'float16'" in capsys.readouterr().err
    assert main(["bench", "--batch-size", "1"]) == 2
    assert "--batch-size is 1" in capsys.readouterr().err


def test_list_heads(capsys):
    assert main(["list", "heads"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(catalog.HEADS) + 1
    assert main(["list", "heads", "arc", "--json"]) == 0
    assert "ArcFace" in {row["name"] for row in json.loads(capsys.readouterr().out)}


def test_bad_budget_is_one_line(capsys):
    assert main(["list", "backbones", "--max-params", "lots"]) == 2
    shown = capsys.readouterr().err
    assert "'lots'" in shown
    assert len(shown.splitlines()) == 1


def test_parity_of_one_pair(capsys):
    assert main(["parity", "--backbone", "ShuffleNetV2", "--head", "CosFace", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in found["backbones"]] == ["ShuffleNetV2"]
    assert found["backbones"][0]["cosine"] < 1e-5
    assert found["heads"]
    assert not any(row["beyond"] for row in [*found["backbones"], *found["heads"]])


def test_parity_of_an_unknown_name(capsys):
    assert main(["parity", "--backbone", "ShufleNetV2"]) == 2
    assert "ShuffleNetV2" in capsys.readouterr().err
