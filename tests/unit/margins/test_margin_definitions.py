"""Each margin's oracle against an independent definition: scalars in loops, without shared array code."""

from __future__ import annotations

import math

import numpy as np
import pytest
from head_scalars import SEED, C, E, N, arc, batch, cos, cosines, dot, log_sum_exp, mm

from facezoo.zoo import catalog


def margin_only(rule):
    """A head that changes the target logit only."""

    def logits(c, y, scale, **rest):
        return [[scale * (rule(row[j]) if j == y[i] else row[j]) for j in range(C)] for i, row in enumerate(c)]

    return logits


def easy(m):
    return lambda c: arc(c, m) if c > 0 else c


def clipped(m):
    def rule(c):
        c = min(1 - 1e-4, max(-1 + 1e-4, c))
        return math.cos(min(math.pi - 1e-4, max(1e-4, math.acos(c) + m)))

    return rule


def hard_negatives(value, keep, w):
    """MV and SV: negatives above the target's value; the target changes only where the rule holds."""

    def logits(c, y, scale, **rest):
        out = []
        for i, row in enumerate(c):
            t = row[y[i]]
            f = value(t)
            out.append([scale * (w * cj + w - 1) if cj > f else scale * cj for cj in row])
            out[-1][y[i]] = scale * (f if keep(t) else t)
        return out

    return logits


def arcneg(c, y, scale, **rest):
    out = []
    for i, row in enumerate(c):
        a = mm(row[y[i]], 0.5)
        tau = [1.2 * math.exp(-((cj - a) ** 2) / 2.0) for cj in row]
        out.append([scale * (tj * cj + tj - 1) for tj, cj in zip(tau, row, strict=True)])
        out[-1][y[i]] = scale * a
    return out


def circle(c, y, scale, **rest):
    out = []
    for i, row in enumerate(c):
        out.append([scale * max(0.0, cj + 0.25) * (cj - 0.25) for cj in row])
        t = row[y[i]]
        out[-1][y[i]] = scale * max(0.0, 1.25 - t) * (t - 0.75)
    return out


def curricular(initial, after):
    def logits(c, y, scale, **rest):
        moved = 0.01 * sum(c[i][y[i]] for i in range(N)) / N + 0.99 * initial
        t = initial if after else moved
        out = []
        for i, row in enumerate(c):
            a = arc(row[y[i]], 0.5)
            out.append([scale * cj if cj <= a else scale * cj * (t + cj) for cj in row])
            out[-1][y[i]] = scale * mm(row[y[i]], 0.5)
        return out

    return logits


def magface(fallback):
    def logits(c, y, scale, norms, **rest):
        out = []
        for i, row in enumerate(c):
            a = min(110.0, max(10.0, norms[i]))
            m = 0.45 + 0.35 / 100 * (a - 10)
            t = row[y[i]]
            if t > (0 if fallback == "easy" else math.cos(math.pi - m)):
                value = arc(t, m)
            else:
                value = t - m * math.sin(m) if fallback == "mm" else t
            out.append([scale * (value if j == y[i] else cj) for j, cj in enumerate(row)])
        return out

    return logits


def npcface(c, y, scale, **rest):
    out = []
    for i, row in enumerate(c):
        t = row[y[i]]
        a = arc(t, 0.5)
        hard = [j for j in range(C) if j != y[i] and row[j] > a]
        m = 0.40 + 0.20 * sum(row[j] for j in hard) / max(1, len(hard))
        out.append([scale * (1.1 * cj + 0.2) if j in hard else scale * cj for j, cj in enumerate(row)])
        out[-1][y[i]] = scale * (arc(t, m) if t > 0 else t)
    return out


def adaface(alpha, clamps):
    def logits(c, y, scale, norms, **rest):
        q = [min(100.0, max(1e-3, n)) for n in norms]
        mean = sum(q) / N
        std = math.sqrt(sum((v - mean) ** 2 for v in q) / (N - 1))
        mu, sigma = alpha * mean + (1 - alpha) * 20, alpha * std + (1 - alpha) * 100
        out = []
        for i, row in enumerate(c):
            k = min(1.0, max(-1.0, 0.333 * (q[i] - mu) / (sigma + 1e-3)))
            if clamps:
                row = [min(1 - 1e-3, max(-1 + 1e-3, cj)) for cj in row]
            angle = math.acos(row[y[i]]) - 0.4 * k
            if clamps:
                angle = min(math.pi - 1e-3, max(1e-3, angle))
            value = math.cos(angle) - (0.4 + 0.4 * k)
            out.append([scale * (value if j == y[i] else cj) for j, cj in enumerate(row)])
        return out

    return logits


def sphereface(c, y, norms, **rest):
    lam = max(5.0, 1000.0 * (1 + 0.12 * 1) ** -1)
    out = []
    for i, row in enumerate(c):
        t = row[y[i]]
        k = min(math.floor(4 * math.acos(t) / math.pi), 3)
        psi = (-1) ** k * (8 * t**4 - 8 * t**2 + 1) - 2 * k
        out.append([norms[i] * cj for cj in row])
        out[-1][y[i]] = norms[i] * (t + (psi - t) / (1 + lam))
    return out


def adacos(fixed):
    def logits(c, y, **rest):
        s = math.sqrt(2) * math.log(C - 1)
        if not fixed:
            b = sum(math.exp(s * c[i][j]) for i in range(N) for j in range(C) if j != y[i]) / N
            angles = sorted(math.acos(min(1 - 1e-7, max(-1 + 1e-7, c[i][y[i]]))) for i in range(N))
            s = math.log(b) / math.cos(min(math.pi / 4, angles[(N - 1) // 2]))
        return [[s * cj for cj in row] for row in c]

    return logits


def elastic(kind, variant):
    def logits(c, y, scale, drawn, **rest):
        targets = [c[i][y[i]] for i in range(N)]
        given = list(drawn)
        if variant != "ref":
            order = sorted(range(N), key=lambda i: -targets[i])
            ascending = sorted(drawn)
            if variant == "plus":
                for place, i in enumerate(order):
                    given[i] = ascending[place]
            else:
                given = [ascending[order[i]] for i in range(N)]
        out = [[scale * cj for cj in row] for row in c]
        for i, t in enumerate(targets):
            out[i][y[i]] = scale * (arc(t, given[i]) if kind == "arc" else t - given[i])
        return out

    return logits


LOGITS = [  # public name, options, scale, logits from cosines
    ("CosFace", {}, 64, margin_only(lambda c: c - 0.35)),
    ("CosFace", {"variant": "insightface"}, 64, margin_only(lambda c: c - 0.40)),
    ("AMSoftmax", {}, 30, margin_only(lambda c: c - 0.35)),
    ("AMSoftmax", {"variant": "facexzoo"}, 32, margin_only(lambda c: c - 0.35)),
    ("ArcFace", {}, 64, margin_only(lambda c: mm(c, 0.5))),
    ("ArcFace", {"variant": "insightface"}, 64, margin_only(lambda c: arc(c, 0.5))),
    ("ArcFace", {"variant": "insightface_straight_through"}, 64, margin_only(lambda c: arc(c, 0.5))),
    ("ArcFace", {"variant": "easy_margin"}, 64, margin_only(easy(0.5))),
    ("ArcFace", {"variant": "facexzoo"}, 32,
     margin_only(lambda c: arc(c, 0.35) if c > math.cos(math.pi - 0.35) else c)),
    ("ArcFace", {"variant": "adaface_repo_clip"}, 64, margin_only(clipped(0.5))),
    ("CombinedMargin", {}, 64, margin_only(lambda c: math.cos(math.acos(c) + 0.3) - 0.2)),
    ("CombinedMargin", {"m1": 0.9, "m2": 0.4, "m3": 0.15}, 64,
     margin_only(lambda c: math.cos(0.9 * math.acos(c) + 0.4) - 0.15)),
    ("CombinedMargin", {"variant": "insightface_torch_arc"}, 64, margin_only(lambda c: arc(c, 0.5))),
    ("CombinedMargin", {"variant": "insightface_torch_ignores_m2"}, 64, margin_only(lambda c: c - 0.2)),
    ("AdaMSoftmax", {}, 30, None),
    ("ArcNegFace", {}, 64, arcneg),
    ("CircleLoss", {}, 256, circle),
    ("CurricularFace", {}, 64, curricular(0.0, False)),
    ("CurricularFace", {"variant": "update_after_use"}, 64, curricular(0.0, True)),
    ("CurricularFace", {"variant": "ref_t0_0.3"}, 64, curricular(0.3, False)),
    ("MagFace", {}, 64, magface("easy")),
    ("MagFace", {"variant": "mm"}, 64, magface("mm")),
    ("MagFace", {"variant": "facexzoo"}, 64, magface("plain")),
    ("NPCFace", {}, 64, npcface),
    ("MVSoftmax", {"kind": "am"}, 32, hard_negatives(lambda t: t - 0.35, lambda t: t > 0.35, 1.12)),
    ("MVSoftmax", {"kind": "am", "variant": "author_repo"}, 32,
     hard_negatives(lambda t: t - 0.35, lambda t: t > 0, 1.2)),
    ("MVSoftmax", {"kind": "arc"}, 32, hard_negatives(lambda t: arc(t, 0.35), lambda t: t > 0, 1.12)),
    ("MVSoftmax", {"kind": "arc", "variant": "author_repo"}, 32,
     hard_negatives(lambda t: arc(t, 0.35), lambda t: t > 0, 1.2)),
    ("SVSoftmax", {"kind": "plain"}, 32, hard_negatives(lambda t: t, lambda t: True, 1.2)),
    ("SVSoftmax", {"kind": "am"}, 32, hard_negatives(lambda t: t - 0.35, lambda t: True, 1.2)),
    ("SVSoftmax", {"kind": "arc"}, 32, hard_negatives(lambda t: arc(t, 0.35), lambda t: True, 1.2)),
    ("AdaFace", {}, 64, adaface(0.01, True)),
    ("AdaFace", {"variant": "ref_t_alpha_1"}, 64, adaface(1.0, True)),
    ("AdaFace", {"variant": "cvlface_straight_through"}, 64, adaface(0.01, False)),
    ("SphereFace", {}, 1, sphereface),
    ("AdaCos", {}, 1, adacos(False)),
    ("AdaCos", {"variant": "fixed"}, 1, adacos(True)),
    *[("ElasticFace", {"kind": kind, "variant": variant}, 64, elastic(kind, variant))
      for kind in ("arc", "cos") for variant in ("ref", "plus", "plus_author_repo")],
]  # fmt: skip
START = {"iter": 0.0, "s": math.sqrt(2) * math.log(C - 1), "batch_mean": 20.0, "batch_std": 100.0, "step": 0.0}


@pytest.mark.parametrize("name, options, scale, rule", LOGITS, ids=[f"{row[0]}-{row[1]}" for row in LOGITS])
def test_logits_are_as_defined(name, options, scale, rule):
    x, weight, labels = batch()
    margin = catalog.head_margin(name, **options)
    learnt = np.random.default_rng(SEED + 1).uniform(-0.2, 1.2, C)
    drawn = np.random.default_rng(SEED + 2).normal(0.4, 0.05, N)
    state = {
        **START,
        "t": getattr(margin, "initial_t", 0.0),
        "weight": weight,
        "margins": learnt,
        "sample_margins": drawn,
    }
    found = margin.reference(x, labels, {key: np.asarray(value) for key, value in state.items()})
    c = cosines(x, weight)
    extra = 0.0
    if name == "AdaMSoftmax":
        held = [min(1.0, max(0.0, float(m))) for m in learnt]
        wanted = [
            [scale * (cj - (held[j] if j == labels[i] else 0)) for j, cj in enumerate(r)] for i, r in enumerate(c)
        ]
        extra = 70 * (1 - sum(held) / C)
    else:
        norms = [math.sqrt(dot(a, a)) for a in x]
        wanted = rule(c, labels, scale=scale, norms=norms, drawn=drawn)
        if name == "MagFace":
            extra = 35 * sum(a / 110**2 + 1 / a for a in (min(110.0, max(10.0, n)) for n in norms)) / N
    assert np.abs(found.logits - np.asarray(wanted)).max() < 1e-9
    loss = sum(log_sum_exp(row) - row[labels[i]] for i, row in enumerate(wanted)) / N + extra
    assert found.loss == pytest.approx(loss, abs=1e-9)


def test_sub_centers_use_the_nearest():
    x, _, labels = batch()
    weight = np.random.default_rng(SEED + 3).normal(size=(C, 3, E))
    c = [[max(cos(a, w) for w in rows) for rows in weight] for a in x]
    for variant, value in (("ref", mm), ("no_fallback", arc)):
        found = catalog.head_margin("SubCenterArcFace", variant=variant).reference(x, labels, {"weight": weight})
        wanted = [[64 * (value(cj, 0.5) if j == labels[i] else cj) for j, cj in enumerate(r)] for i, r in enumerate(c)]
        assert np.abs(found.logits - np.asarray(wanted)).max() < 1e-9
