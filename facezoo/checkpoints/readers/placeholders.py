"""Values of training scripts in a checkpoint that weights do not need: read as inert placeholders.

Checkpoints often hold the arguments of the run beside the tensors: an ``argparse.Namespace``, paths, a device. They are
read past, and nothing of them is kept: a placeholder has a fixed size, whatever the file says.
"""

from __future__ import annotations

import pickle
from typing import Any

from facezoo.errors import UnsafeFileError
from facezoo.io.describe import describe
from facezoo.io.pickled_values import Names, PickledOrderedDict
from facezoo.io.unpickle import Unpickler

PATHS = ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath")


class PickledNamespace(PickledOrderedDict):
    """``argparse.Namespace`` in a pickle: empty; its attributes are dropped."""

    def __init__(self) -> None:
        super().__init__()


class Fixed:
    """Stands for a name that is called with plain values; the result is a fixed text.

    Args:
        text: the result.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, *arguments: Any) -> str:
        """The text, whatever the arguments."""
        return self.text


PLACEHOLDERS: Names = {
    ("argparse", "Namespace"): PickledNamespace,
    ("torch", "device"): Fixed("<torch.device>"),
    **{(module, name): Fixed(f"<pathlib.{name}>") for module in ("pathlib", "pathlib._local") for name in PATHS},
}


class CheckpointUnpickler(Unpickler):
    """Reads pickles of a training checkpoint: as its base class, and the names of ``PLACEHOLDERS`` as placeholders."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.names = {**PLACEHOLDERS, **self.names}

    def load_newobj(self) -> None:
        """An object made without arguments; only a namespace is one."""
        arguments, kind = self.stack.pop(), self.stack.pop()
        if kind is not PickledNamespace or arguments != ():
            raise UnsafeFileError(f"it makes an object of {describe(kind)}; expected plain values and arrays")
        self.append(PickledNamespace())

    dispatch = {**Unpickler.dispatch, pickle.NEWOBJ[0]: load_newobj}  # noqa: RUF012 -- as in the base class
