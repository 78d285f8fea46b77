"""Files around the code: versions that must agree, workflows that call verbs of the Makefile, templates."""

import re
from pathlib import Path

import pytest
import yaml

import facezoo

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
if not GITHUB.is_dir():
    pytest.skip("these files come with a checkout only", allow_module_level=True)
VERBS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def load(path: Path):
    return yaml.safe_load(path.read_text("utf-8"))


def test_the_version_is_the_same_everywhere():
    setup = re.search(r'version="([^"]+)"', (ROOT / "setup.py").read_text("utf-8"))[1]
    cited = load(ROOT / "CITATION.cff")
    newest, date = re.search(r"^## \[([\d.]+)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M).groups()
    assert setup == facezoo.__version__ == cited["version"] == newest
    assert str(cited["date-released"]) == date
    assert {"cff-version", "message", "title", "authors", "license"} <= set(cited)


@pytest.mark.parametrize("path", sorted((GITHUB / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_workflows_call_verbs_of_the_makefile(path):
    jobs = load(path)["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    verbs = {verb for step in steps for verb in re.findall(r"^make ([a-z-]+)", step.get("run", ""), re.MULTILINE)}
    assert verbs
    assert verbs <= VERBS
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@[\w./]+", step["uses"]) for step in steps if "uses" in step)
    needed = [name for job in jobs.values() for name in [job.get("needs")] if name]
    assert set(needed) <= set(jobs)


def test_every_supported_python_is_tested():
    tested = load(GITHUB / "workflows" / "ci.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]
    low, high = re.search(
        r"for name in python3 python3\.(\d+).*python3\.(\d+);", (ROOT / "Makefile").read_text()
    ).groups()
    assert tested == [f"3.{minor}" for minor in range(int(high), int(low) + 1)]


def test_publishing_needs_no_stored_password():
    publish = load(GITHUB / "workflows" / "release.yml")["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert not re.search(
        r"password|secrets\.", (GITHUB / "workflows" / "release.yml").read_text().replace("no password", "")
    )


@pytest.mark.parametrize("path", sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.name)
def test_issue_forms_have_what_the_forge_needs(path):
    form = load(path)
    if path.name == "config.yml":
        assert set(form) == {"blank_issues_enabled"}
        return
    assert {"name", "description", "body"} <= set(form)
    for field in form["body"]:
        assert field["type"] in ("markdown", "textarea", "input", "dropdown", "checkboxes")
        assert (
            "value" in field["attributes"]
            if field["type"] == "markdown"
            else field["id"] and field["attributes"]["label"]
        )


def test_links_of_the_root_pages_exist():
    for page in ROOT.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (ROOT / target).exists(), f"{page.name} links to {target}"
