"""Auxiliary terms beside a classification head, and what ``create_head`` rejects."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo import backends
from facezoo.canonical.state import get_state, set_state
from facezoo.errors import ConfigError, UnknownNameError
from facezoo.zoo import catalog
from facezoo.zoo.create import create_head

BACKENDS = ("torch", "paddle")
X = np.random.default_rng(1).normal(size=(9, 6)) * 5
LABELS = np.array([0, 0, 1, 2, 3, 4, 4, 4, 2])
TERMS = {"RegularFace": 2.0, "UniformFace": 0.5, "IntraClassAngle": 0.25, "Center": {"factor": 0.003, "alpha": 0.25},
         "Triplet": {"factor": 0.1, "mining": "semi_hard"}}  # fmt: skip


def make(backend, name="ArcFace", **options):
    head = create_head(name, backend=backend, embedding_size=6, num_classes=5, seed=3, **options)
    head = backends.module(backend, "introspect_heads").widen(head)
    head.train()
    return head


@pytest.mark.parametrize("backend", BACKENDS)
def test_terms_add_up(backend):
    head = make(backend, extra=TERMS)
    before = get_state(head)
    assert list(before) == ["weight", "extra.Center.centers"]
    found = backends.module(backend, "introspect_heads").call(head, X, LABELS)
    state = {"weight": before["weight"], "centers": before["extra.Center.centers"]}
    main = catalog.head_margin("ArcFace").reference(X, LABELS, state)
    loss, by_x, by_weight = main.loss, main.embeddings, main.parameters["weight"]
    for name, given in TERMS.items():
        options = dict(given) if isinstance(given, dict) else {"factor": given}
        factor = options.pop("factor")
        term = catalog.head_margin(name, **options).reference(X, LABELS, state)
        loss, by_x = loss + factor * term.loss, by_x + factor * term.embeddings
        by_weight = by_weight + factor * term.parameters.get("weight", 0.0)
        if name == "Center":
            after = get_state(head)["extra.Center.centers"]
            assert np.abs(after - term.state["centers"]).max() < 1e-12
    assert found["loss"] == pytest.approx(loss, abs=1e-9)
    assert np.abs(found["embeddings"] - by_x).max() < 1e-9
    assert np.abs(found["parameters"]["weight"] - by_weight).max() < 1e-9
    other = make(BACKENDS[backend == "torch"], extra=TERMS)
    set_state(other, get_state(head))


@pytest.mark.parametrize("backend", BACKENDS)
def test_class_balanced_weighs_any_head(backend):
    counts = (1, 20, 3, 400, 5)
    head = make(backend, "CosFace", extra={"ClassBalanced": {"class_counts": counts, "beta": 0.9}})
    state = get_state(head)
    assert set(state) == {"weight", "extra.ClassBalanced.class_counts"}
    logits = catalog.head_margin("CosFace").reference(X, LABELS, state).logits
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(9), LABELS]
    omega = (1 - 0.9) / (1 - 0.9 ** np.array(counts))
    found = backends.module(backend, "introspect_heads").call(head, X, LABELS)
    assert found["loss"] == pytest.approx((omega[LABELS] * losses).mean(), abs=1e-9)
    head.keep_classes(1, 3)
    kept = get_state(head)
    assert kept["weight"].shape == (3, 6)
    assert kept["extra.ClassBalanced.class_counts"].tolist() == [20, 3, 400]


@pytest.mark.parametrize("backend", BACKENDS)
def test_terms_cannot_be_split(backend):
    head = make(backend, extra={"Center": 0.003})
    with pytest.raises(ValueError, match="Center needs all classes in one place"):
        head.keep_classes(0, 2)


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("ArcFace", {"extra": {"CosFace": 1.0}}, "CosFace is a head of its own"),
        ("ArcFace", {"extra": {"Center": -1.0}}, "factor of Center is -1.0"),
        ("ArcFace", {"extra": {"Centre": 1.0}}, "did you mean 'Center'"),
        ("ArcFace", {"extra": {"Center": {"alfa": 1.0}}}, "did you mean 'alpha'"),
        ("SubCenterArcFace", {"extra": {"RegularFace": 1.0}}, "needs one weight row per class"),
        ("Triplet", {"extra": {"Center": 1.0}}, "extra"),
        ("ArcFace", {"margin": 3.0}, "margin is 3.0"),
        ("ArcFace", {"variant": "insight_face"}, "did you mean 'insightface'"),
        ("ArcFace", {"margn": 0.3}, "did you mean 'margin'"),
        ("ArcFase", {}, "did you mean 'ArcFace'"),
        ("MVSoftmax", {"kind": "cos"}, "kind of MVSoftmax"),
        ("Triplet", {"mining": "batch_hard", "variant": "all_semihard"}, "needs mining 'semi_hard'"),
        ("Triplet", {"criterion": "focal"}, "no criterion"),
        ("SFace", {"criterion": "focal"}, "no criterion"),
        ("ClassBalanced", {"class_counts": (1, 2)}, "2 entries"),
        ("MagFace", {"lowest_norm": 200.0}, "highest_norm is 110.0"),
        ("ArcFace", {"criterion": "focus"}, "did you mean 'focal'"),
        ("ArcFace", {"label_smoothing": 1.0}, "label_smoothing is 1.0"),
    ],
)
def test_errors_state_the_received_and_the_expected_value(name, options, message):
    with pytest.raises((ConfigError, UnknownNameError), match=message):
        make("torch", name, **options)


def test_adacos_needs_three_classes():
    with pytest.raises(ConfigError, match="AdaCos: num_classes is 2; expected 3 or more"):
        create_head("AdaCos", backend="torch", embedding_size=4, num_classes=2)


def test_names_ignore_case_and_separators():
    assert catalog.head_margin("am-softmax").name == "AMSoftmax"
    assert catalog.head_margin("SV-AM-Softmax").kind == "am"
    assert catalog.head_margin("triplet_semi_hard").mining == "semi_hard"
    assert catalog.head_margin("triplet_semi_hard", variant="all_semihard").variant == "all_semihard"
