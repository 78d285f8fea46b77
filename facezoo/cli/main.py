"""``facezoo``: the table of verbs; here errors become exit codes, and messages of the library become text."""

from __future__ import annotations

import importlib
import itertools
import logging
import os
import sys
from typing import Any

from facezoo import __version__
from facezoo.errors import FacezooError, UnknownNameError
from facezoo.io.printable import printable

logger = logging.getLogger(__name__)

# verb -> (module, one line of help). The module is imported only when its verb is called, so that
# ``facezoo --help`` answers at once. A module offers `command` (one function) or `app` (a typer.Typer).
VERBS: dict[str, tuple[str, str]] = {
    "train": ("facezoo.cli.train", "Train a backbone with a loss head."),
    "weights": ("facezoo.cli.weights", "Get, check, convert and publish weights."),
    "evaluate": ("facezoo.cli.evaluate", "Evaluate a model by a protocol, with confidence intervals."),
    "datasets": ("facezoo.cli.datasets", "Get, convert and check data sets."),
    "align": ("facezoo.cli.align", "Find and align the faces in photos and videos."),
    "detect": ("facezoo.cli.detect", "Show the faces in a photo."),
    "verify": ("facezoo.cli.verify", "Decide whether two photos show the same person."),
    "embed": ("facezoo.cli.embed", "Write the embeddings of photos to a file."),
    "export": ("facezoo.cli.export", "Export a model to another runtime, checked against the original."),
    "identify": ("facezoo.cli.identify", "Find the person in a photo among the persons of a gallery."),
    "gallery": ("facezoo.cli.gallery", "Keep persons on disk for identify: add, remove, index."),
    "list": ("facezoo.cli.list", "List backbones and loss heads with parameters, speed and papers."),
    "parity": ("facezoo.cli.parity", "Compare torch and paddle on this machine, per backbone and head."),
    "bench": ("facezoo.cli.bench", "Measure how fast networks train and embed on this machine."),
    "config": ("facezoo.cli.config", "List training recipes, show one with all its keys, check a file."),
    "report": ("facezoo.cli.report", "Write an HTML page about a training run."),
    "doctor": ("facezoo.cli.doctor", "Show versions, devices, missing extras and folders."),
    "completion": ("facezoo.cli.complete", "Print a script that completes words in your shell."),
}


def usage() -> str:
    """What ``facezoo --help`` prints."""
    width = max(map(len, VERBS), default=0)
    lines = [f"  {verb:<{width}}  {text}" for verb, (_, text) in VERBS.items()]
    return "\n".join(
        [
            "Usage: facezoo [--quiet|--verbose] VERB [OPTIONS]",
            "",
            "Face recognition on PyTorch and PaddlePaddle, with comparable results.",
            "",
            "Verbs:",
            *lines,
            "",
            "Options:",
            "  -q, --quiet    Show warnings, errors and results; give it before the verb.",
            "  -v, --verbose  Also show details; give it before the verb.",
            "  --debug        With any verb: show the traceback of an error.",
            "  --version      Print the version; with --verbose also those of other packages.",
            "  --help         Print this text; `facezoo VERB --help` describes a verb.",
            "",
            "Exit codes: 0 done, 1 check failed, 2 bad input, 75 start again, 130 stopped.",
        ]
    )


def _built(verb: str) -> Any:
    """The command of a verb, or the group of its verbs."""
    import typer
    from typer.main import get_command

    module = importlib.import_module(VERBS[verb][0])
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False)
        app.command(verb)(module.command)
    app.rich_markup_mode = None  # plain help: no frames, and nothing of rich is imported
    command: Any = get_command(app)
    _hide_argument_types(command)
    return command


def _run(verb: str, words: list[str]) -> int:
    import typer

    if verb not in VERBS:
        raise UnknownNameError("verb", verb, VERBS)
    command = _built(verb)
    # typer does not export this base class, and versions differ in where it lives
    usage_error: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
    try:
        # not command(words): that exits with code 1 where standard output was closed
        with command.make_context(f"facezoo {verb}", list(words)) as context:
            result = command.invoke(context)
        return result if isinstance(result, int) else 0
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort as stop:
        raise KeyboardInterrupt from stop
    except usage_error as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # a group without a verb
            print(error.ctx.get_help(), file=sys.stderr)
            return 2
        message = _with_value(" ".join(error.format_message().split()), words)
        print(f"facezoo: {printable(message)} (see: facezoo {verb} --help)", file=sys.stderr)
        return 2


def _hide_argument_types(command: Any) -> None:
    """Newer versions of typer print the Python type after an argument's name, as in ``FILES <list[Path]>``."""
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: None
    for nested in getattr(command, "commands", {}).values():
        _hide_argument_types(nested)


def _with_value(message: str, words: list[str]) -> str:
    """Add the value that the message is about; newer versions of typer omit it."""
    for option, value in itertools.pairwise(words):
        if option.startswith("--") and f"'{option}'" in message and not value.startswith("--"):
            return message if repr(value) in message else f"{message}, got {value!r}"
    return message


_QUIET, _VERBOSE = ("-q", "--quiet"), ("-v", "--verbose")
_DETAILED = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _StandardError(logging.Handler):
    """Prints each message to the current ``sys.stderr``."""

    def emit(self, record: logging.LogRecord) -> None:
        for line in self.format(record).split("\n"):
            print(printable(line), file=sys.stderr)


def configure_logging(level: int = logging.INFO) -> None:
    """Show the messages of the logger "facezoo". Another call changes the level and adds no second handler."""
    logger = logging.getLogger("facezoo")
    if not any(isinstance(handler, _StandardError) for handler in logger.handlers):
        logger.addHandler(_StandardError())
    for handler in logger.handlers:
        if isinstance(handler, _StandardError):
            handler.setFormatter(logging.Formatter(_DETAILED) if level < logging.INFO else None)
    logger.setLevel(level)


def _taken(words: list[str]) -> tuple[int, list[str]]:
    """The level that the options before the verb ask for, and the other words."""
    level = logging.INFO
    while words and words[0] in (*_QUIET, *_VERBOSE):
        level = logging.WARNING if words[0] in _QUIET else logging.DEBUG
        words = words[1:]
    return level, words


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the words after ``facezoo``; None takes them from the process.

    Returns:
        The exit code: 0, 1 for a check that failed, 2 for bad input or a file that cannot be read or written, 75 for a
        lost process of training, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = words if words[:1] == ["_complete"] else [word for word in words if word != "--debug"]
    level, words = _taken(words)
    try:
        if words[:1] == ["_complete"]:  # asked by the script of `facezoo completion`
            code = _complete(words[1:])
        elif not words or words[0] in ("--help", "-h", "help"):
            print(usage())
            code = 0 if words else 2
        elif words[0] == "--version":
            code = _version(level < logging.INFO or not {"-v", "--verbose"}.isdisjoint(words))
        else:
            configure_logging(level)
            logger.debug("facezoo %s, Python %s", __version__, sys.version.partition(" ")[0])
            code = _run(words[0], words[1:])
        sys.stdout.flush()
        return code
    except FacezooError as error:
        if debug:
            raise
        print(f"facezoo: {printable(error)}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _output_is_closed():
            return 0
        if debug:
            raise
        print(f"facezoo: {printable(_one_line(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("facezoo: interrupted", file=sys.stderr)
        return 130


def _complete(words: list[str]) -> int:
    from facezoo.cli.complete import candidates

    print("\n".join(candidates(VERBS, words, _built)))
    return 0


def _version(verbose: bool) -> int:
    if verbose:
        from facezoo.cli.version import print_versions

        print_versions()
    else:
        print(f"facezoo {__version__}")
    return 0


def _output_is_closed() -> bool:
    """Whether the program that reads standard output has ended, as in ``facezoo list backbones | head -1``."""
    try:
        os.write(sys.stdout.fileno(), b"\n")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it exits
        return True
    return False


def _one_line(error: OSError) -> str:
    if error.filename is None:
        return " ".join(str(error).split()) or type(error).__name__
    return f"cannot read or write {str(error.filename)!r}: {error.strerror}"


if __name__ == "__main__":
    sys.exit(main())
