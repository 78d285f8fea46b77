"""Backbones and heads from outside the zoo: a class named as ``package.module:Class``, or a built module."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from facezoo import backends
from facezoo.canonical.state import backend_of, get_state, set_state
from facezoo.errors import ConfigError
from facezoo.specs.preprocess import Preprocess

_CHECKED = 4  # images and embeddings of the check


def is_user_class(name: str) -> bool:
    """Whether a name is ``package.module:Class`` and not a public name of the zoo."""
    return ":" in name


def load_class(name: str) -> Any:
    """The class, or the function that returns a module, that ``package.module:Class`` names.

    The current folder is searched too, so that a file beside the data works.

    Raises:
        ConfigError: there is no such module or attribute, or it cannot be called.
    """
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute:
        raise ConfigError(f"{name!r} is not a class; expected package.module:Class")
    folder = os.getcwd()
    added = folder not in sys.path
    if added:
        sys.path.insert(0, folder)
    try:
        found: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{name!r} cannot be imported: {error}") from error
    finally:
        if added:
            sys.path.remove(folder)
    if not callable(found):
        raise ConfigError(f"{name!r} is {found!r}; expected a class, or a function that returns a module")
    return found


def is_factory(value: Any) -> bool:
    """Whether a value is a class or a function that builds a module, and not a module."""
    return isinstance(value, type) or inspect.isroutine(value)


def name_of(value: Any) -> str:
    """``package.module:Class`` of a built module, or of a class or function."""
    kind = value if is_factory(value) else type(value)
    return f"{kind.__module__}:{kind.__qualname__}"


def construct(name: str, factory: Any, backend: str, options: Mapping[str, Any], *, seed: int, **offered: Any) -> Any:
    """Call a user's class.

    Args:
        name: for messages.
        factory: the class or function.
        backend: what the result must be made for.
        options: keyword arguments that the user gave.
        seed: of the framework's generator, so that the module's own initial weights can be repeated.
        offered: further keyword arguments, passed where the signature names them.

    Raises:
        ConfigError: the call fails, or the result is not a module of this backend.
    """
    try:
        known: Mapping[str, Any] = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        known = {}
    given = {key: value for key, value in offered.items() if key in known}
    backends.module(backend, "user_module").seed_framework(seed)
    try:
        module = factory(**{**given, **options})
    except Exception as error:  # the user's code may raise anything
        raise ConfigError(f"{name} cannot be built with {_words({**given, **options})}: {_short(error)}") from error
    require_backend(name, module, backend)
    return module


def require_backend(name: str, module: Any, backend: str) -> None:
    """Refuse an object that is not a module of the backend.

    Raises:
        ConfigError: it is not.
    """
    kind = {"torch": "torch.nn.Module", "paddle": "paddle.nn.Layer"}[backend]
    try:
        found = backend_of(module)
    except ConfigError:
        raise ConfigError(f"{name} is {type(module).__name__}; expected a {kind}") from None
    if found != backend:
        raise ConfigError(f"{name} is a module of {found}; the run's backend is {backend}, which needs a {kind}")


def check_backbone(name: str, module: Any, preprocess: Preprocess) -> int:
    """Run a user's backbone once, in evaluation mode without gradients.

    Args:
        name: for messages.
        module: from (N, channels, H, W) float32 to (N, E).
        preprocess: size and channels of its input.

    Returns:
        E.

    Raises:
        ConfigError: it fails, or gives something else than one row per image.
    """
    images = np.zeros((_CHECKED, *preprocess.size, 3), np.uint8)
    native = backends.module(backend_of(module), "user_module")
    given = (
        f"{name} called with images ({_CHECKED}, {len(preprocess.mean)}, {preprocess.size[0]}, {preprocess.size[1]})"
    )
    try:
        found = native.output_of(module, images, preprocess)
    except Exception as error:
        raise ConfigError(f"{given} raised {_short(error)}") from error
    if not isinstance(found, tuple):
        raise ConfigError(f"{given} returned {found}; expected a tensor ({_CHECKED}, embedding size)")
    if len(found) != 2 or found[0] != _CHECKED:
        raise ConfigError(f"{given} returned a tensor {found}; expected ({_CHECKED}, embedding size)")
    return found[1]


def check_head(name: str, module: Any, embedding_size: int, num_classes: int) -> None:
    """Run a user's head once; its state and gradients stay as they were.

    Args:
        name: for messages.
        module: from embeddings (N, E) float32 and labels (N,) int64 to a scalar loss.
        embedding_size: E.
        num_classes: C.

    Raises:
        ConfigError: it fails, gives something else than a scalar, or its loss has no gradient.
    """
    declared = getattr(module, "num_classes", num_classes)
    if isinstance(declared, int) and declared != num_classes:
        raise ConfigError(f"{name} has num_classes {declared}; the data hold {num_classes} identities")
    native = backends.module(backend_of(module), "user_module")
    embeddings = np.random.default_rng(0).standard_normal((_CHECKED, embedding_size)).astype(np.float32)
    labels = np.arange(_CHECKED, dtype=np.int64) % num_classes
    given = f"{name} called with embeddings ({_CHECKED}, {embedding_size}) and labels 0 to {int(labels.max())}"
    before = get_state(module)
    try:
        found = native.loss_of(module, embeddings, labels)
    except Exception as error:
        raise ConfigError(f"{given} raised {_short(error)}") from error
    finally:
        set_state(module, before)
    if not isinstance(found, tuple):
        raise ConfigError(f"{given} returned {found}; expected a scalar loss")
    shape, has_gradient = found
    if int(np.prod(shape)) != 1:
        raise ConfigError(f"{given} returned a tensor {tuple(shape)}; expected a scalar loss")
    if not has_gradient:
        raise ConfigError(f"{given} returned a loss that has no gradient with respect to the embeddings")


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def _words(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in options.items()) or "no arguments"
