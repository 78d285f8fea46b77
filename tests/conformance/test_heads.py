"""Every head of the catalog, in every variant, through the conformance suite on both backends."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import facezoo
from facezoo import backends
from facezoo.parity import head_case
from facezoo.testing import heads
from facezoo.zoo import catalog

ROOT = Path(facezoo.__file__).parents[1] / "backends"
CASES = [case for name in catalog.HEADS for case in head_case.cases(name)]
SHARED = ("margin", "criterion", "auxiliary", "cosine", "inputs")
PLUMBING = {"__init__", *SHARED}


@pytest.mark.parametrize("check", heads.CHECKS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_conforms(case, check):
    assert set(case.natives) == set(backends.INSTALL), f"{case} lacks an implementation"
    heads.CHECKS[check](case)


def test_no_head_is_outside_the_catalog():
    listed = {margin.module for margin in catalog.HEADS.values()}
    for backend in backends.INSTALL:
        files = {path.stem for path in (ROOT / backend / "heads").glob("*.py")} - PLUMBING
        assert files == listed, f"{backend} has {files ^ listed} that the catalog lacks, or the reverse"


@pytest.mark.parametrize("name", catalog.HEADS)
def test_margin_describes_itself(name):
    margin = catalog.HEADS[name]
    assert margin.name == name
    assert len(margin.paper) > 5
    assert "=" in margin.equation
    described = {entry.name for entry in fields(margin)} - {"variant"}
    for hyper in described:
        assert re.search(rf"^        {hyper}: ", margin.__doc__, re.MULTILINE), f"{name} does not describe {hyper}"
    for hyper in margin.ranges:
        assert hyper in described, f"{name} gives a range for {hyper}, which it does not have"
    for variant in margin.variants:
        shown = variant == "ref" or f"``{variant}``" in margin.__doc__ or name in ("CosFace", "AMSoftmax")
        assert shown, f"{name} does not describe variant {variant}"


@pytest.mark.parametrize("backend", backends.INSTALL)
@pytest.mark.parametrize("name", catalog.HEADS)
def test_native_class_describes_its_parameters(name, backend):
    native = head_case.native_class(catalog.HEADS[name], backend)
    tree = ast.parse(Path(sys.modules[native.__module__].__file__).read_text("utf-8"))
    init = next(
        node
        for owner in tree.body
        if isinstance(owner, ast.ClassDef) and owner.name == name
        for node in owner.body
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    )
    for argument in [*init.args.args[1:], *init.args.kwonlyargs]:
        assert f"        {argument.arg}: " in native.__doc__, f"{name} on {backend} does not describe {argument.arg}"


@pytest.mark.parametrize("name", catalog.HEADS)
def test_native_classes_state_equation_and_variants_in_the_same_words(name):
    margin = catalog.HEADS[name]
    text, other = (head_case.native_class(margin, backend).__doc__ for backend in backends.INSTALL)
    assert text == other
    assert re.search(r"::\n\n(        .*\n)*        .* = ", text), f"{name} states no equation"
    for variant in margin.variants:
        assert f'"{variant}"' in text, f"{name} does not describe variant {variant}"


def test_heads_import_only_the_shared_head_modules():
    for path in (*ROOT.glob("torch/heads/*.py"), *ROOT.glob("paddle/heads/*.py")):
        if path.stem == "__init__":
            continue
        for module in re.findall(r"^from (facezoo\.[\w.]+) import", path.read_text("utf-8"), re.MULTILINE):
            last = module.rpartition(".")[2]
            assert last in (*SHARED, "class_rows", "head"), f"{path} imports {module}"


def test_a_users_own_class_can_be_checked():
    native = importlib.import_module("facezoo.backends.torch.heads").CosFace

    class Outside(native):
        """A user's own head."""

    done = heads.check_head(Outside)
    assert any("poles" in line for line in done)


def test_a_wrong_head_is_found():
    native = importlib.import_module("facezoo.backends.torch.heads").CosFace

    class Unsafe(native):
        """Divides by the sine."""

        def columns(self, cosine, target, target_cosine, norm, reduce=None):
            return super().columns(cosine, target, target_cosine, norm, reduce) / (1 - cosine**2).sqrt()

    with pytest.raises(AssertionError, match="finite"):
        heads.check_head(Unsafe)
    with pytest.raises(AssertionError, match="loss of"):
        heads.check_head(Unsafe, margin=catalog.HEADS["CosFace"])
