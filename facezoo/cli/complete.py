"""Completion of the command line in a shell: the words that can come next, and the scripts that ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

SHELLS = ("bash", "zsh", "fish")
ASK = "_complete"  # the hidden verb that the scripts call with the words before the cursor and the word at it

SCRIPTS = {
    "bash": f"""_facezoo() {{
  local IFS=$'\\n'
  COMPREPLY=($(facezoo {ASK} "${{COMP_WORDS[@]:1:COMP_CWORD}}" 2>/dev/null))
}}
complete -o default -F _facezoo facezoo
""",
    "zsh": f"""#compdef facezoo
_facezoo() {{
  local -a found
  found=("${{(@f)$(facezoo {ASK} "${{(@)words[2,CURRENT]}}" 2>/dev/null)}}")
  if [[ -n "$found" ]]; then compadd -- $found; else _files; fi
}}
compdef _facezoo facezoo
""",
    "fish": f"""complete -c facezoo -a "(facezoo {ASK} (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)"
""",
}


def command(
    shell: Annotated[str, typer.Argument(metavar=f"[{'|'.join(SHELLS)}]", help="The shell.")],
) -> None:
    """Print the completion script of a shell. It completes verbs, options, and names of the zoo.

    bash: source <(facezoo completion bash), in ~/.bashrc. zsh: the same line, in ~/.zshrc after compinit.
    fish: facezoo completion fish | source, in ~/.config/fish/config.fish.
    """
    from facezoo.errors import UnknownNameError

    if shell not in SHELLS:
        raise UnknownNameError("shell", shell, SHELLS)
    print(SCRIPTS[shell], end="")


def candidates(verbs: Iterable[str], words: list[str], built: Callable[[str], Any]) -> list[str]:
    """What the last word can become: verbs, options, or names; nothing means a file.

    Args:
        verbs: all verbs.
        words: those after ``facezoo``; the last one, which may be empty, is to be completed.
        built: gives the command of a verb.
    """
    *before, partial = words or [""]
    before = [word for word in before if word not in ("-q", "--quiet", "-v", "--verbose", "--debug")]
    if not before:
        return _starting(partial, [*verbs, *(["--help", "--version", "--quiet", "--verbose"] if partial else [])])
    if before[0] not in verbs:
        return []
    node, given = built(before[0]), before[1:]
    while getattr(node, "commands", None):
        if not given:
            return _starting(partial, list(node.commands))
        if given[0] not in node.commands:
            return []
        node, given = node.commands[given[0]], given[1:]
    parameter = _parameter(node, given, partial)
    if parameter is None:
        flags = [flag for item in node.params for flag in (*item.opts, *item.secondary_opts) if flag.startswith("--")]
        return _starting(partial, [*flags, "--help"]) if partial.startswith("-") else []
    return _starting(partial, _values(before, parameter))


def _parameter(node: Any, given: list[str], partial: str) -> Any:
    """The option whose value is wanted, or the argument; None where an option is begun or no argument is left."""
    by_flag = {flag: item for item in node.params for flag in (*item.opts, *item.secondary_opts)}
    arguments, at = [item for item in node.params if item.param_type_name == "argument"], 0
    waiting = None
    for word in given:
        if waiting is not None:
            waiting = None
        elif word.startswith("-") and word in by_flag:
            waiting = None if getattr(by_flag[word], "is_flag", False) else by_flag[word]
        elif not word.startswith("-"):
            at += 1
    if waiting is not None:
        return waiting
    if partial.startswith("-") or not arguments or (at >= len(arguments) and arguments[-1].nargs != -1):
        return None
    return arguments[min(at, len(arguments) - 1)]


def _values(words: list[str], parameter: Any) -> Iterable[str]:
    metavar = parameter.metavar or ""
    if metavar.startswith("["):
        return [name for name in metavar.strip("[]").split("|") if name != "gpu:N"]
    for known, find in _NAMES.items():
        if known in (parameter.name, metavar, f"{words[0]} {metavar}"):
            return find()
    return []


def _backbones() -> Iterable[str]:
    from facezoo.zoo.catalog import BACKBONES

    return BACKBONES


def _heads() -> Iterable[str]:
    from facezoo.zoo.catalog import HEADS

    return HEADS


def _recipes() -> Iterable[str]:
    from facezoo.training.config_file import recipes

    return recipes()


def _weights() -> Iterable[str]:
    from facezoo.weights.index import list_weights

    return list_weights()


def _datasets() -> Iterable[str]:
    from facezoo.datasets.catalogue import list_datasets

    return list_datasets()


def _protocols() -> Iterable[str]:
    from facezoo.evaluation.protocols.protocol import list_protocols

    return list_protocols()


def _templates() -> Iterable[str]:
    from facezoo.align.templates import list_templates

    return list_templates()


# the name of a parameter, its metavar, or verb and metavar -> the names that it takes
_NAMES: dict[str, Callable[[], Iterable[str]]] = {
    "backbone": _backbones,
    "head": _heads,
    "protocol": _protocols,
    "template": _templates,
    "weights": _weights,
    "FILE|RECIPE": _recipes,
    "RECIPE|FILE": _recipes,
    "FILE|NAME": _weights,
    "weights NAME": _weights,
    "datasets NAME": _datasets,
}


def _starting(partial: str, names: Iterable[str]) -> list[str]:
    """The names that begin with ``partial``, in upper or lower case."""
    return [name for name in names if name.lower().startswith(partial.lower())]
