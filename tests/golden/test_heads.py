"""Golden vectors of the loss heads: every file of every head, variant and case, on both backends."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path

import numpy as np
import pytest

from facezoo import backends
from facezoo.canonical.state import get_state, set_state
from facezoo.zoo import catalog
from facezoo.zoo.create import create_head

ROOT = os.environ.get("FACEZOO_TEST_DATA")
FOLDER = Path(ROOT or ".") / "golden" / "heads"
FILES = sorted(FOLDER.glob("*.npz")) if ROOT else []
DTYPES = ("float64", "float32")

# golden name without underscores -> public name and options, where they differ
NAMES = {
    "tripletbatchhard": ("Triplet", {"mining": "batch_hard"}),
    "tripletsemihard": ("Triplet", {"mining": "semi_hard"}),
    "centerloss": ("Center", {}),
    "centreloss": ("Center", {}),
    "focalloss": ("Focal", {}),
    "focalsoftmax": ("Focal", {}),
    "linear": ("Softmax", {}),
    "batchhardtriplet": ("Triplet", {"mining": "batch_hard"}),
    "semihardtriplet": ("Triplet", {"mining": "semi_hard"}),
    "adaptiveface": ("AdaMSoftmax", {}),
    "arcneg": ("ArcNegFace", {}),
    "curricular": ("CurricularFace", {}),
    "circleclass": ("CircleLoss", {}),
    "circleclasslevel": ("CircleLoss", {}),
    "circlepair": ("CircleLoss", {"variant": "pairwise"}),
    "combinedmarginloss": ("CombinedMargin", {}),
    "arcfacecombined": ("CombinedMargin", {}),
    "arcfacesubcenter": ("SubCenterArcFace", {}),
    "intraangular": ("IntraClassAngle", {}),
    "intraangle": ("IntraClassAngle", {}),
    "lintra": ("IntraClassAngle", {}),
    "interclass": ("RegularFace", {}),
    "linter": ("RegularFace", {}),
    "classbalancedloss": ("ClassBalanced", {}),
    "classbalancedcrossentropy": ("ClassBalanced", {}),
    "cbce": ("ClassBalanced", {}),
    "circle": ("CircleLoss", {}),
    "circlepairwise": ("CircleLoss", {"variant": "pairwise"}),
    "circlelosspairwise": ("CircleLoss", {"variant": "pairwise"}),
    "adam": ("AdaMSoftmax", {}),
    "subcenter": ("SubCenterArcFace", {}),
    "subcenterarc": ("SubCenterArcFace", {}),
    "combined": ("CombinedMargin", {}),
    "asoftmax": ("SphereFace", {}),
    "intraclass": ("IntraClassAngle", {}),
    "intraclassangular": ("IntraClassAngle", {}),
    "intra": ("IntraClassAngle", {}),
    "inter": ("RegularFace", {}),
    "regular": ("RegularFace", {}),
    "uniform": ("UniformFace", {}),
    "classbalancedce": ("ClassBalanced", {}),
    "classbalancedsoftmax": ("ClassBalanced", {}),
}
# hyper-parameters in a golden file -> ours; "HEAD.key" goes before "key"; other keys repeat the variant's name
HYPER = {
    "s": "scale", "m": "margin", "margin": "margin", "m1": "m1", "m2": "m2", "m3": "m3", "beta": "beta",
    "SphereFace.base": "base", "SphereFace.gamma": "gamma", "SphereFace.power": "power",
    "SphereFace.lambda_min": "lambda_min", "Focal.gamma": "focal_gamma", "CircleLoss.gamma": "scale",
    "Center.alpha": "alpha", "ArcNegFace.alpha": "alpha", "ArcNegFace.sigma": "sigma",
    "AdaMSoftmax.lam": "penalty_weight",
    "AdaMSoftmax.lambda": "penalty_weight", "AdaMSoftmax.lambda_m": "penalty_weight", "momentum": "momentum",
    "CurricularFace.t0": "initial_t", "l_a": "lowest_norm", "u_a": "highest_norm", "l_m": "lowest_margin",
    "u_m": "highest_margin", "lambda_g": "penalty_weight", "NPCFace.m0": "m0", "NPCFace.tau": "tau",
    "NPCFace.a": "shift", "w": "weight_of_hard", "h": "h", "t_alpha": "momentum", "K": "centers", "SFace.k": "k",
    "SFace.a": "a", "SFace.b": "b", "l": "negative_weight", "r": "sampling_rate",
}  # fmt: skip
STATE = {  # entry of a golden file -> ours
    "mu": "batch_mean", "mu_b": "batch_mean", "mean": "batch_mean", "sigma": "batch_std", "sigma_b": "batch_std",
    "std": "batch_std", "n": "iter", "iteration": "iter",
}  # fmt: skip


def plain(name):
    return "".join(letter for letter in name.lower() if letter.isalnum())


def member(golden):
    """Public name and options of a golden file."""
    name, variant = plain(str(golden["head"])).removeprefix("aux"), str(golden["variant"])
    hyper = json.loads(str(golden["hyper"]))
    said = f"{name} {variant} {hyper.get('kind', '')}".replace("face", "").replace("softmax", "")
    kind = next((kind for kind in ("arc", "cos", "am") if kind in said), None)
    if name in NAMES:
        public, options = NAMES[name]
    elif name.startswith("mv"):
        public, options = "MVSoftmax", {"kind": kind or "am"}
    elif name.startswith("sv"):
        public, options = "SVSoftmax", {"kind": kind or "plain"}
    elif name.startswith("elastic"):
        public, options = "ElasticFace", {"kind": kind or "arc"}
    else:
        public, options = name, {}
    margin = catalog.head_margin(public, **options)
    options = dict(options)
    place = f"{plain(variant)} {name}"
    others = sorted(set(margin.variants) - {"ref"}, key=len, reverse=True)
    options.setdefault("variant", next((other for other in others if plain(other) in place), "ref"))
    for key, value in hyper.items():
        ours = HYPER.get(f"{margin.name}.{key}", HYPER.get(key))
        if ours is not None and (hasattr(margin, ours) or ours == "focal_gamma"):
            options[ours] = (
                int(value) if ours in ("centers",) or (margin.name, ours) == ("SphereFace", "margin") else value
            )
    return margin.name, options


def native(backend):
    return backends.module(backend, "introspect_heads")


@functools.lru_cache(maxsize=4)
def load(path):
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def build(golden, backend, dtype):
    name, options = member(golden)
    weight = golden["weight"]
    head = create_head(
        name, backend=backend, embedding_size=weight.shape[-1], num_classes=len(weight), seed=0, **options
    )
    if dtype == "float64":
        head = native(backend).widen(head)
    head.train()
    given = {"weight": weight, "centers": weight}
    given |= {key.removeprefix("extra_"): value for key, value in golden.items() if key.startswith("extra_")}
    for key, value in golden.items():
        if key.startswith("state_init_"):
            given[STATE.get(key.removeprefix("state_init_"), key.removeprefix("state_init_"))] = value
    state = get_state(head)
    set_state(head, {key: np.reshape(given.get(key, value), value.shape) for key, value in state.items()})
    if "extra_sample_margins" in golden:
        set_sample_margins(head, golden["extra_sample_margins"], backend)
    return head


def set_sample_margins(head, values, backend):
    if backend == "torch":
        import torch

        head.sample_margins = torch.from_numpy(values)
    else:
        import paddle

        head.sample_margins = paddle.to_tensor(values)


def assert_near(found, wanted, tolerance, what):
    """Compare where the expected value is defined; the found value must be finite everywhere."""
    assert np.isfinite(found).all(), f"{what} is not finite"
    defined = np.isfinite(wanted)
    off = np.abs(np.asarray(found) - wanted)[defined].max(initial=0.0)
    assert off <= tolerance, f"{what} is off by {off:.3g}; allowed {tolerance:.3g}"


def assert_gradient(found, wanted, of, dtype, what):
    """Tolerance relative to the length of each row, as float32 rounding."""
    rows = np.linalg.norm(of.reshape(-1, of.shape[-1]), axis=1).reshape(*of.shape[:-1], 1) if of.ndim > 1 else 1.0
    wanted = wanted * rows
    largest = np.nanmax(np.abs(wanted), initial=0.0)
    assert_near(found * rows, wanted, max((1e-9 if dtype == "float64" else 1e-4) * largest, 1e-12), what)


def assert_step(golden, prefix, head, out, dtype):
    case, name = str(golden["case"]), plain(str(golden["head"]))
    single = dtype == "float32"
    relative = single and ("circle" in name or "center" in name)
    loss = golden[f"{prefix}loss"]
    allowed = (2e-3 if case == "D" else 1e-3) if single else (1e-7 if case == "D" else 1e-9)  # 1e-8 rad at a pole
    assert_near(out["loss"], loss, max(allowed, 1e-5 * abs(loss)) if relative else allowed, "loss")
    if "logits" in out:
        wanted = golden[f"{prefix}logits"]
        poles = np.zeros(len(wanted), bool)
        poles[:5] = case == "D"
        for rows, bound in ((~poles, 1e-3 if single else 1e-9), (poles, 2e-2 if single else 1e-6)):
            bound = max(bound, 1e-5 * np.abs(wanted).max()) if relative else bound
            assert_near(out["logits"][rows], wanted[rows], bound, "logits")
    weight = golden["weight"]
    x = golden[f"{prefix}embeddings"]
    first = prefix in ("", "step0_")  # whose values are also stored under the plain names

    def gradient(key):
        return golden.get(f"{prefix}{key}", golden.get(key) if first else None)

    for suffix in ("", "_safe") if case == "D" else ("",):
        if (wanted := gradient(f"grad_embeddings{suffix}")) is not None:
            assert_gradient(out["embeddings"], wanted, x, dtype, "embedding gradient")
        if "weight" in out["parameters"] and (wanted := gradient(f"grad_weight{suffix}")) is not None:
            assert_gradient(out["parameters"]["weight"], wanted, weight, dtype, "weight gradient")
    for key, found in out["parameters"].items():
        if key != "weight" and (wanted := gradient(f"grad_extra_{key}")) is not None:
            wanted = np.reshape(wanted, found.shape)
            assert_gradient(found, wanted, np.ones(found.shape), dtype, f"gradient of {key}")


@pytest.mark.skipif(not FILES, reason="FACEZOO_TEST_DATA names no folder with golden/heads in it")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", ("torch", "paddle"))
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_reproduces_golden_vectors(path, backend, dtype):
    golden = load(path)
    head = build(golden, backend, dtype)
    wanted = "logits" in golden and catalog.head_margin(*member(golden)[:1]).family in ("margin", "linear")
    for step in range(int(golden["n_steps"])):
        prefix = f"step{step}_" if "step0_loss" in golden else ""
        x, labels = golden[f"{prefix}embeddings"], golden[f"{prefix}labels"]
        out = native(backend).call(head, x, labels, dtype=dtype, logits=wanted)
        assert_step(golden, prefix, head, out, dtype)
        after = get_state(head)
        for key in [key for key in golden if key.startswith(f"state_after_step{step}_")]:
            name = key.removeprefix(f"state_after_step{step}_")
            found = float(head.annealing()) if name == "lambda" else after[STATE.get(name, name)]
            bound = (1e-9 if dtype == "float64" else 1e-4) * max(1.0, np.abs(golden[key]).max())
            assert_near(np.reshape(found, golden[key].shape), golden[key], bound, name)


@pytest.mark.skipif(not FILES, reason="FACEZOO_TEST_DATA names no folder with golden/heads in it")
@pytest.mark.parametrize("path", [path for path in FILES if "__ref__" in path.name], ids=lambda path: path.stem)
def test_defaults_are_the_reference(path):
    name, options = member(load(path))
    margin = catalog.head_margin(name, **{key: options[key] for key in ("kind", "mining", "variant") if key in options})
    for key, value in options.items():
        default = getattr(margin, key, 2.0)
        assert default is None or default == value, f"{name}: {key} is {default} by default; the reference has {value}"
