"""Completion in a shell: what can come next on the command line."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from facezoo.cli import main as cli


def completed(*words: str, capsys) -> list[str]:
    assert cli.main(["_complete", *words]) == 0
    return capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["tr"], ["train"]),
        (["-q", "-v", "tr"], ["train"]),
        (["--ver"], ["--version", "--verbose"]),
        (["list", ""], ["backbones", "heads", "page"]),
        (["train", "--backb"], ["--backbone", "--backbone-option"]),
        (["train", "--backbone", "mobileF"], ["MobileFaceNet", "MobileFaceNetLarge"]),
        (["train", "--seed", "1", "--head", "mag"], ["MagFace"]),
        (["train", "--config", "tiny_"], ["tiny_mobilefacenet"]),
        (["config", "show", "tiny_"], ["tiny_mobilefacenet"]),
        (["train", "--backend", ""], ["torch", "paddle"]),
        (["evaluate", "--weights", "hse"], ["hse-mobilenet-vggface2"]),
        (["evaluate", "--protocol", "mfr2"], ["mfr2"]),
        (["weights", "download", "adaface-r18", "hse"], ["hse-mobilenet-vggface2"]),
        (["datasets", "info", "lfw"], ["lfw"]),
        (["bench", "--backbone", "IRSE5"], ["IRSE50"]),
        (["train", "--data", "x"], []),  # a file
        (["nothing", ""], []),
        (["list", "nothing", ""], []),
    ],
)
def test_candidates(words, expected, capsys):
    assert completed(*words, capsys=capsys) == expected


def test_every_shell_gets_a_script_and_another_name_is_an_error(capsys):
    for shell in ("bash", "zsh", "fish"):
        assert cli.main(["completion", shell]) == 0
        assert "facezoo _complete" in capsys.readouterr().out
    assert cli.main(["completion", "csh"]) == 2
    assert "known: bash, zsh, fish" in capsys.readouterr().err


def test_bash_completes():
    bash = shutil.which("bash")
    assert bash is not None
    script = f"""
facezoo() {{ "{sys.executable}" -m facezoo "$@"; }}
eval "$(facezoo completion bash)"
COMP_WORDS=(facezoo train --head ArcF) COMP_CWORD=3
_facezoo
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run([bash, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("ArcFace\n", "")
