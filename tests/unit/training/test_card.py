"""The model card that a run writes: training, data and figures."""

import json
from dataclasses import replace

import pytest

from facezoo.training.card import training_card
from facezoo.training.loop import TrainResult
from facezoo.training.model import build_model
from facezoo.training.run import run_training
from facezoo.weights.card import read_card

RESULT = TrainResult(step=6, loss=1.25, accuracy=None, best=None, stopped="done", images_per_second=3.0)


def test_a_run_writes_its_card_beside_its_weights(tiny, tmp_path):
    finished = run_training(tiny(), tmp_path / "run")
    card = read_card(finished.weights)
    assert (card.name, card.backbone, card.embedding_size) == ("run", "MobileFaceNet", 32)
    assert card.size == finished.weights.stat().st_size
    assert [(item.name, item.identities, item.images) for item in card.data] == [("synthetic faces", 4, 16)]
    assert "do not apply to real faces" in card.limits[0]
    figure = card.figures[0]
    assert figure.value == finished.result.accuracy
    assert figure.low < figure.value <= figure.high or figure.low < figure.value < 1
    page = finished.weights.with_suffix(".card.md").read_text(encoding="utf-8")
    for words in ("How it was trained", "held-out identities", "(95 %)", "Limits of use", "CosFace"):
        assert words in page
    assert str(tmp_path) not in page
    assert str(tmp_path) not in finished.weights.with_suffix(".card.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path, title, terms", [("sets/ms1mv3/train.rec", "MS1MV3", True), ("sets/ours", "ours", False)]
)
def test_known_data_bring_their_terms(tiny, path, title, terms):
    config = tiny()
    config = config.model_copy(update={"data": config.data.model_copy(update={"path": path})})
    card = training_card(config, build_model(config), RESULT, [], name="x", identities=90, images=900)
    assert title.lower() in card.data[0].name.lower()
    assert (card.data[0].terms != "unknown") is terms
    assert card.figures == ()
    assert card.limits[0].startswith("It was trained on 90 identities")
    assert json.loads(replace(card, name="y").to_json())["training"]["steps"] == 6
