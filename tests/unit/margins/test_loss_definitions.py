"""The losses without a margin against independent definitions, scalars in loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from head_scalars import C, E, N, batch, cos, cosines, dot, log_sum_exp, sigmoid, softplus

from facezoo.zoo import catalog


def test_sface_and_uniface():
    x, weight, labels = batch()
    c, sface, uniface, bias = cosines(x, weight), 0.0, 0.0, 1.5
    for i, row in enumerate(c):
        for j, cj in enumerate(row):
            angle = math.acos(cj)
            u = min(64.0, max(-64.0, 64 * (cj - 0.4 * (j == labels[i])) - bias))
            if j == labels[i]:
                sface -= sigmoid(80 * (angle - 0.80)) * 64 * cj / N
                uniface += softplus(-u) / N
            else:
                sface += sigmoid(-80 * (angle - 1.23)) * 64 * cj / N
                uniface += softplus(u) / N
    state = {"weight": weight, "bias": np.asarray(bias)}
    assert catalog.head_margin("SFace").reference(x, labels, state).loss == pytest.approx(sface, abs=1e-9)
    assert catalog.head_margin("UniFace").reference(x, labels, state).loss == pytest.approx(uniface, abs=1e-9)


def test_losses_over_linear_logits():
    x, weight, labels = batch()
    x, bias, counts = x / 40, np.linspace(-1, 1, C), np.array([1, 5, 30, 200, 1000, 7.0])
    state = {"weight": weight, "bias": bias, "class_counts": counts}
    rows = [[dot(a, w) + float(b) for w, b in zip(weight, bias, strict=True)] for a in x]
    losses = [log_sum_exp(row) - row[labels[i]] for i, row in enumerate(rows)]
    omega = [(1 - 0.999) / (1 - 0.999 ** float(n)) for n in counts]
    own = [omega[labels[i]] for i in range(N)]
    mean = sum(losses) / N
    weighted = sum(w * loss for w, loss in zip(own, losses, strict=True))
    wanted = {
        ("Softmax", "ref"): mean,
        ("Focal", "ref"): sum((1 - math.exp(-loss)) ** 2 * loss for loss in losses) / N,
        ("Focal", "batch_mean_faceevolve"): (1 - math.exp(-mean)) ** 2 * mean,
        ("ClassBalanced", "ref"): weighted / N,
        ("ClassBalanced", "normalised_to_C"): weighted / N * C / sum(omega),
        ("ClassBalanced", "weighted_mean"): weighted / sum(own),
    }
    for (name, variant), value in wanted.items():
        found = catalog.head_margin(name, variant=variant).reference(x, labels, state)
        assert found.loss == pytest.approx(value, abs=1e-12), (name, variant)


def test_center_loss_and_its_update():
    x, centers, labels = batch()
    found = catalog.head_margin("Center").reference(x, labels, {"centers": centers})
    total = 0.5 * sum(
        (float(a) - float(b)) ** 2 for i in range(N) for a, b in zip(x[i], centers[labels[i]], strict=True)
    )
    moved = np.array(centers)
    for j in range(C):
        members = [i for i in range(N) if labels[i] == j]
        moved[j] -= 0.5 * sum((centers[j] - x[i] for i in members), np.zeros(E)) / (1 + len(members))
    assert found.loss == pytest.approx(total, rel=1e-12)
    assert np.abs(found.state["centers"] - moved).max() < 1e-9
    half = catalog.head_margin("Center", variant="mean_half").reference(x, labels, {"centers": centers})
    assert half.loss == pytest.approx(total / N, rel=1e-12)
    assert np.abs(half.embeddings - (x - centers[labels]) / N).max() < 1e-9


def test_triplets():
    x, _, labels = batch()
    d = [[2 - 2 * cos(a, b) for b in x] for a in x]
    anchors = range(N)
    positives = {a: [p for p in anchors if p != a and labels[p] == labels[a]] for a in anchors}
    negatives = {a: [n for n in anchors if labels[n] != labels[a]] for a in anchors}
    hard, pairs, band = [], [], []
    for a in anchors:
        if positives[a] and negatives[a]:
            hard.append(max(0.0, max(d[a][p] for p in positives[a]) - min(d[a][n] for n in negatives[a]) + 0.3))
        for p in positives[a]:
            beyond = [d[a][n] for n in negatives[a] if d[a][n] > d[a][p]]
            pairs.append(max(0.0, d[a][p] - (min(beyond) if beyond else max(d[a][n] for n in negatives[a])) + 0.2))
            band += [d[a][p] - v + 0.2 for v in beyond if v < d[a][p] + 0.2]
    above = [v for v in hard if v > 0]
    wanted = {
        ("batch_hard", "ref"): sum(hard) / len(hard),
        ("batch_hard", "mean_nonzero"): sum(above) / len(above),
        ("semi_hard", "ref"): sum(pairs) / len(pairs),
        ("semi_hard", "nearest_outside"): sum(pairs) / len(pairs),
        ("semi_hard", "all_semihard"): sum(band) / len(band),
    }
    for (mining, variant), value in wanted.items():
        found = catalog.head_margin("Triplet", mining=mining, variant=variant).reference(x, labels, {})
        assert found.loss == pytest.approx(value, abs=1e-9), (mining, variant)


def test_pairwise_circle():
    x, _, labels = batch()
    positive, negative = [], []
    for i in range(N):
        for k in range(i + 1, N):
            s = cos(x[i], x[k])
            if labels[i] == labels[k]:
                positive.append(-256 * max(0.0, 1.25 - s) * (s - 0.75))
            else:
                negative.append(256 * max(0.0, s + 0.25) * (s - 0.25))
    wanted = softplus(log_sum_exp(negative) + log_sum_exp(positive))
    found = catalog.head_margin("CircleLoss", variant="pairwise").reference(x, labels, {})
    assert found.loss == pytest.approx(wanted, abs=1e-9)


def test_auxiliary_terms():
    x, weight, labels = batch()
    state = {"weight": weight}
    angle = sum(math.acos(cos(x[i], weight[labels[i]])) for i in range(N)) / N
    inter = sum(max(cos(weight[i], weight[j]) for j in range(C) if j != i) for i in range(C)) / C

    def repulsion(rows):
        pairs = [math.dist(rows[i], rows[j]) for i in range(C) for j in range(C) if i != j]
        return sum(1 / (v + 1) for v in pairs) / (C * (C - 1))

    unit = [[float(v) / math.sqrt(dot(w, w)) for v in w] for w in weight]
    wanted = {
        ("IntraClassAngle", "ref"): angle,
        ("IntraClassAngle", "arcface_paper"): angle / math.pi,
        ("RegularFace", "ref"): inter,
        ("UniformFace", "ref"): repulsion(weight.tolist()),
        ("UniformFace", "normalised"): repulsion(unit),
    }
    for (name, variant), value in wanted.items():
        found = catalog.head_margin(name, variant=variant).reference(x, labels, state)
        assert found.loss == pytest.approx(value, abs=1e-12), (name, variant)
