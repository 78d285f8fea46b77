"""What ``deploy/`` ships: manifests against the fields of their operators, scripts with mock launchers."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from facezoo.cli.main import main

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
SCHEMAS = Path(__file__).with_name("schemas")
MANIFESTS = sorted(path.stem for path in (DEPLOY / "kubernetes").glob("*.yaml"))
TRAIN = ["--backbone", "IR50", "--head", "CosFace", "--data", "/shared/faces"]


def manifest(name):
    return yaml.safe_load((DEPLOY / "kubernetes" / f"{name}.yaml").read_text("utf-8"))


def errors(name, content):
    schema = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(content)]


def containers(content):
    if isinstance(content, dict):
        yield from content.get("containers", [])
        for value in content.values():
            yield from containers(value)


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_has_the_fields_of_its_operator(name):
    content = manifest(name)
    assert errors(name, content) == []
    wrong = copy.deepcopy(content)
    wrong["spec"]["replicaSpecs"] = {}
    assert "replicaSpecs" in " ".join(errors(name, wrong))


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_mounts_its_volumes_and_starts_the_shipped_script(name):
    found = list(containers(manifest(name)["spec"]))
    assert found
    for container in found:
        # the operators read the environment's port and master from the container of this name
        assert container["name"] in ("pytorch", "paddle")
        words = " ".join([*container["command"], *container["args"]])
        assert "/opt/facezoo/deploy/train.sh" in words
        assert words.endswith(" ".join(TRAIN))
        values = {entry["name"]: entry["value"] for entry in container["env"]}
        assert values["BACKEND"] == {"pytorch": "torch"}.get(container["name"], container["name"])
        assert {mount["name"] for mount in container["volumeMounts"]} == {"shared", "memory"}


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A folder of mock launchers and a mock Slurm, which print the command that they were given."""
    tools = tmp_path / "bin"
    tools.mkdir()
    scripts = {
        "torchrun": 'echo torchrun "$@"', "python": 'echo python "$@"', "facezoo": "true",
        "srun": 'shift; exec "$@"', "scontrol": "printf 'node1\\nnode2\\n'",
    }  # fmt: skip
    for name, text in scripts.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words, **variables):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, env={**os.environ, **variables})
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def test_a_run_is_started_or_continued(machine):
    script, launch = DEPLOY / "train.sh", "--nproc-per-node 2"
    start = "torchrun --nproc-per-node 2 -m facezoo train"
    assert run(script, *TRAIN, RUN="runs/a", LAUNCH=launch) == (
        0, f"{start} {' '.join(TRAIN)} --backend torch --out runs/a --auto-resume", "",
    )  # fmt: skip
    assert run(script, *TRAIN, RUN="runs/b", BACKEND="paddle")[1] == (
        f"python -m paddle.distributed.launch {machine}/bin/facezoo train {' '.join(TRAIN)} "
        "--backend paddle --out runs/b --auto-resume"
    )


def test_a_missing_run_and_a_wrong_backend_are_said(machine):
    code, _, text = run(DEPLOY / "train.sh")
    assert code != 0
    assert "set RUN to the folder of the run" in text
    assert run(DEPLOY / "train.sh", RUN="a", BACKEND="jax") == (2, "", "BACKEND is jax; expected torch or paddle")


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        (
            "torch",
            "torchrun --nnodes 2 --nproc-per-node 8 --rdzv-id 7 --rdzv-backend c10d --rdzv-endpoint node1:29500 "
            "-m facezoo train",
        ),
        (
            "paddle",
            "python -m paddle.distributed.launch --nnodes 2 --nproc_per_node 8 --job_id 7 --master node1:36543 "
            "--log_dir runs/a/log {facezoo} train",
        ),
    ],
)
def test_a_slurm_job_starts_one_launcher_on_each_machine(machine, backend, expected):
    slurm = {
        "SLURM_JOB_NODELIST": "node[1-2]", "SLURM_NNODES": "2", "SLURM_GPUS_ON_NODE": "8", "SLURM_JOB_ID": "7",
        "SLURM_CPUS_PER_TASK": "64", "SLURM_SUBMIT_DIR": str(ROOT),
    }  # fmt: skip
    code, out, text = run("bash", DEPLOY / "slurm" / f"{backend}.sbatch", *TRAIN, RUN="runs/a", **slurm)
    assert (code, text) == (0, "")
    start = expected.format(facezoo=machine / "bin" / "facezoo")
    assert out == f"{start} {' '.join(TRAIN)} --backend {backend} --out runs/a --auto-resume"


def test_the_options_that_the_files_use_exist(capsys):
    assert main(["train", "--help"]) == 0
    known = capsys.readouterr().out
    for option in ("--backbone", "--head", "--data", "--backend", "--out", "--auto-resume"):
        assert option in known


@pytest.mark.parametrize("name", ["cpu", "cuda"])
def test_a_dockerfile_copies_what_the_package_needs_and_names_its_extras(name):
    text = (DEPLOY / "docker" / f"{name}.Dockerfile").read_text("utf-8")
    copied = [word for line in re.findall(r"^COPY (.*)$", text, re.M) for word in line.split()[:-1]]
    assert all((ROOT / path).exists() for path in copied)
    setup = (ROOT / "setup.py").read_text("utf-8")
    needed = set(re.findall(r'"facezoo\.\w+": "(\w+)"', setup)) | {"facezoo", "setup.py", "README.md", "deploy"}
    assert needed <= set(copied)
    extras = re.search(r"\.\[([^\]]+)\]", text).group(1).replace("${BACKEND}", "torch").split(",")
    assert all(f'"{extra}": [' in setup for extra in extras)
    assert {line.split()[0] for line in re.findall(r"^[A-Z].*$", text, re.M)} <= {
        "FROM", "ARG", "ENV", "WORKDIR", "COPY", "RUN", "ENTRYPOINT",
    }  # fmt: skip
