"""``facezoo``: the table of verbs, and the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import itertools
import logging
import sys
from typing import Any

from facezoo import __version__
from facezoo.errors import FacezooError, UnknownNameError

# verb -> (module, one line of help). The module is imported only when its verb is called, so that
# ``facezoo --help`` answers at once. A module offers `command` (one function) or `app` (a typer.Typer).
VERBS: dict[str, tuple[str, str]] = {
    "train": ("facezoo.cli.train", "Train a backbone with a loss head."),
    "weights": ("facezoo.cli.weights", "Get, check, convert and publish weights."),
    "evaluate": ("facezoo.cli.evaluate", "Evaluate a model by a protocol, with intervals."),
    "datasets": ("facezoo.cli.datasets", "Get, convert and check data sets."),
    "align": ("facezoo.cli.align", "Find and align the faces in photos and videos."),
    "detect": ("facezoo.cli.detect", "Show the faces in a photo."),
    "verify": ("facezoo.cli.verify", "Say whether two photos show one person."),
    "embed": ("facezoo.cli.embed", "Write the embeddings of photos to a file."),
    "export": ("facezoo.cli.export", "Write a model for another runtime, checked against the original."),
    "identify": ("facezoo.cli.identify", "Find the person in a photo in a gallery."),
    "list": ("facezoo.cli.list", "List backbones and loss heads with what they cost."),
    "parity": ("facezoo.cli.parity", "Compare torch and paddle, member by member, on this machine."),
    "bench": ("facezoo.cli.bench", "Measure how fast networks train and embed on this machine."),
    "config": ("facezoo.cli.config", "List recipes, show one resolved, check a file."),
    "report": ("facezoo.cli.report", "Write an HTML page of a training run."),
}


def usage() -> str:
    """What ``facezoo --help`` prints."""
    width = max(map(len, VERBS), default=0)
    lines = [f"  {verb:<{width}}  {text}" for verb, (_, text) in VERBS.items()]
    return "\n".join(
        [
            "Usage: facezoo VERB [OPTIONS]",
            "",
            "Face recognition on PyTorch and PaddlePaddle, comparable.",
            "",
            "Verbs:",
            *lines,
            "",
            "Options:",
            "  --version  Print the version.",
            "  --debug    With any verb: show the traceback of an error.",
            "  --help     Print this; `facezoo VERB --help` says what a verb takes.",
        ]
    )


def _run(verb: str, words: list[str]) -> int:
    import typer

    if verb not in VERBS:
        raise UnknownNameError("verb", verb, VERBS)
    module = importlib.import_module(VERBS[verb][0])
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False)
        app.command(verb)(module.command)
    app.pretty_exceptions_enable = False
    # typer does not export this base class, and versions differ in where it lives
    usage_error: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
    try:
        result = app(args=words, prog_name=f"facezoo {verb}", standalone_mode=False)
        if result == 130:  # what newer versions of typer make of Ctrl-C
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort as stop:
        raise KeyboardInterrupt from stop
    except usage_error as error:
        message = _with_value(" ".join(error.format_message().split()), words)
        if not message:  # a group called without its verb has printed its help
            return 2
        print(f"facezoo: {message} (see: facezoo {verb} --help)", file=sys.stderr)
        return 2


def _with_value(message: str, words: list[str]) -> str:
    """The message with the value it is about; newer versions of typer leave it out."""
    for option, value in itertools.pairwise(words):
        if option.startswith("--") and f"'{option}'" in message and not value.startswith("--"):
            return message if repr(value) in message else f"{message}, got {value!r}"
    return message


class _StandardError(logging.Handler):
    """Prints the messages of the library on the standard error of the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)


def configure_logging(level: int = logging.INFO) -> None:
    """Show the messages of the logger "facezoo"; calling it again changes the level only."""
    logger = logging.getLogger("facezoo")
    if not any(isinstance(handler, _StandardError) for handler in logger.handlers):
        logger.addHandler(_StandardError())
    logger.setLevel(level)


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the words after ``facezoo``; None takes them from the process.

    Returns:
        The exit code: 0, 2 for bad input, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    if not words or words[0] in ("--help", "-h", "help"):
        print(usage())
        return 0 if words else 2
    if words[0] == "--version":
        print(f"facezoo {__version__}")
        return 0
    configure_logging()
    try:
        return _run(words[0], words[1:])
    except FacezooError as error:
        if debug:
            raise
        print(f"facezoo: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("facezoo: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
