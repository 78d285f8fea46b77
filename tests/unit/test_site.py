"""The documentation site: navigation, reference, and, in the full tests, the built pages."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import facezoo
from facezoo.zoo.catalog import HEADS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
if not (ROOT / "mkdocs.yml").is_file():
    pytest.skip("the pages come with a checkout only", allow_module_level=True)
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
DOCUMENTED = re.findall(
    r"^::: (\S+)$", "\n".join(path.read_text("utf-8") for path in (DOCS / "api").glob("*.md")), re.MULTILINE
)
FROM_ROOT = {"changelog.md", "contributing.md", "security.md"}  # pages that docs/site_hooks.py adds


def pages_of(entry: object) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    values = entry.values() if isinstance(entry, dict) else entry
    return [page for value in values for page in pages_of(value)]


def find(name: str) -> object:
    """The object of a dotted name; a function comes before a module of the same name."""
    parts = name.split(".")
    package = sys.modules.get(name.rpartition(".")[0])
    if package is not None and callable(getattr(package, parts[-1], None)):
        return getattr(package, parts[-1])
    for at in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:at]))
        except ModuleNotFoundError:
            continue
        for part in parts[at:]:
            found = getattr(found, part)
        return found
    raise AssertionError(name)


def test_every_page_is_in_the_navigation_once():
    listed = pages_of(SITE["nav"])
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} | FROM_ROOT
    assert sorted(listed) == sorted(there)


def test_the_reference_has_every_public_name():
    public = {f"facezoo.{name}" for name in facezoo._LAZY}
    for package in ("evaluation", "export", "weights", "datasets"):
        names = importlib.import_module(f"facezoo.{package}").__all__
        public |= {f"facezoo.{package}.{name}" for name in names}
    objects = {id(find(name)) for name in DOCUMENTED}
    missing = {name for name in public if id(find(name)) not in objects}
    assert missing <= {"facezoo.export.TARGETS"}
    heads = {name.rpartition(".")[2] for name in DOCUMENTED if ".backends.torch.heads." in name}
    assert heads == set(HEADS)


@pytest.mark.parametrize("name", [name for name in DOCUMENTED if ".backends." not in name])
def test_what_the_reference_names_has_a_docstring(name):
    found = find(name)
    assert found.__doc__, f"{name} has no docstring"
    methods = [value for key, value in vars(found).items() if not key.startswith("_") and callable(value)]
    for method in methods if isinstance(found, type) else []:
        assert method.__doc__ or any(
            getattr(getattr(base, method.__name__, None), "__doc__", None) for base in found.__mro__[1:]
        ), f"{name}.{method.__name__} has no docstring"


def test_the_counts_in_the_readme_are_those_of_the_catalogs():
    from facezoo.checkpoints.foreign.table import names
    from facezoo.zoo.catalog import BACKBONES

    counts = {"backbones": len(BACKBONES), "losses": len(HEADS), "layouts of": len(names())}
    for page in (ROOT / "README.md", DOCS / "index.md"):
        for number, what in re.findall(r"\b(\d+) (backbones|losses|layouts of)\b", page.read_text("utf-8")):
            assert int(number) == counts[what], f"{page.name}: {number} {what}"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built as `make docs` builds it."""
    tree = tmp_path_factory.mktemp("tree")
    (tree / "build" / "types" / "facezoo").mkdir(parents=True)
    for path in [*(ROOT / "facezoo").iterdir(), ROOT / "backends"]:
        (tree / "build" / "types" / "facezoo" / path.name).symlink_to(path)
    shutil.copytree(DOCS, tree / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("mkdocs.yml", *(path.name for path in ROOT.glob("*.md"))):
        shutil.copy(ROOT / name, tree / name)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    done = subprocess.run(
        command, cwd=tree, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return tree / "build" / "site"


@pytest.mark.full
def test_the_site_asks_no_other_host(site):
    """No script, style, font, picture or frame comes from elsewhere when a page is opened."""
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        asked = re.findall(r"<(?:script|link|img|iframe)[^>]*?(?:src|href)=[\"']?((?:https?:)?//[^\"'\s>]+)", text)
        assert asked == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//|@import", style.read_text("utf-8")), style
    assert (site / "search" / "search_index.js").is_file()


@pytest.mark.full
def test_links_to_files_and_anchors_of_the_site_exist(site):
    for page in site.rglob("*.html"):
        if page.name == "404.html":
            continue
        for target in re.findall(r"href=\"([^\"]+)\"", page.read_text("utf-8")):
            if re.match(r"[a-z]+:|\.?$", target):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            assert file.is_file(), f"{page.relative_to(site)}: {target}"
            if anchor and not anchor.startswith("__"):
                assert re.search(rf"id=\"?{re.escape(anchor)}[\"\s>]", file.read_text("utf-8")), f"{page}: {target}"
