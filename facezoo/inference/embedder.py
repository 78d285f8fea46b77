"""From face crops to unit embeddings with one model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from facezoo import backends
from facezoo.backends import ONNX
from facezoo.canonical.state import backend_of
from facezoo.checkpoints.graphs.model import OnnxModel
from facezoo.checkpoints.weights import load_weights, read_weights
from facezoo.errors import ConfigError
from facezoo.inference.runtimes import check_runtime, open_runtime
from facezoo.specs.base import BackboneSpec
from facezoo.specs.preprocess import Preprocess
from facezoo.weights.pretrained import model_path
from facezoo.zoo.user_class import check_backbone, name_of

FAR = 2.0  # a crop may be so many times larger or smaller than the model's
SLIM = 1.4  # and its shape may differ by this factor


class Embedder:
    """A backbone as a function from face crops to unit embeddings.

    Args:
        module_or_path: a backbone of the zoo, any other torch.nn.Module or paddle.nn.Layer from images (N, C, H, W)
            to embeddings (N, E), a weight file of the zoo, or a name of the index of weights; None is the default
            model of that index. The weight file of a class from outside the zoo is read with
            ``facezoo.load_weights(path, module=...)``.
        backend: "torch" or "paddle", for a weight file; by default the installed one, "torch" where both are. A module
            has its own. "onnx" runs an ONNX file as it is: see
            :class:`facezoo.checkpoints.graphs.model.OnnxModel`.
        preprocess: from uint8 RGB crops to the input of the module. Needed for a module from outside the zoo; by
            default that of the zoo's backbone.
        flip: add the embedding of the mirrored image before normalising.
        device: "auto", "cpu", "gpu" or "gpu:N".
        precision: "float32" or "bfloat16".
        batch_size: images at once, 1 or more; the result does not depend on it.
        threads: CPU threads; 0 uses all.
        runtime: what runs a weight file on the CPU: "native", its backend; "onnxruntime" or "openvino", from a file
            that is exported at the first use: see :func:`facezoo.inference.runtimes.open_runtime`.

    Attributes:
        backend: "torch", "paddle" or "onnx".
        spec: the spec of a backbone of the zoo; None for other modules.
        preprocess: from crops to the input of the module.
        embedding_size: E.

    Raises:
        ConfigError: a module from outside the zoo comes without ``preprocess``, or does not return one embedding per
            image.
        CheckpointError: the weight file cannot be read.
        DownloadError: a model of the index is not on this machine; the message states the command that gets it.

    >>> import facezoo
    >>> backbone = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=64)
    >>> facezoo.Embedder(backbone).embed(np.zeros((2, 112, 112, 3), np.uint8)).shape
    (2, 64)
    """

    def __init__(
        self, module_or_path: Any = None, *, backend: str | None = None, preprocess: Preprocess | None = None,
        flip: bool = True, device: str = "auto", precision: str = "float32", batch_size: int = 32, threads: int = 0,
        runtime: str = "native",
    ) -> None:  # fmt: skip
        module = module_or_path
        check_runtime(runtime, device, precision)
        if runtime != "native":
            self._take_runtime(runtime, module, backend, preprocess, threads)
            self.flip, self.batch_size = flip, batch_size
            return
        if backend == ONNX:
            self._take_onnx(module, preprocess, precision, device, threads)
            self.flip, self.batch_size = flip, batch_size
            return
        if module is None or isinstance(module, str | Path):
            module = load_weights(model_path(module), backend=backend or backends.default_backend())
        self.backend = backend_of(module)
        spec = getattr(module, "spec", None)
        self.spec: BackboneSpec | None = spec if isinstance(spec, BackboneSpec) else None
        if preprocess is None:
            if self.spec is None:
                raise ConfigError(
                    f"Embedder got {name_of(module)}, a module from outside the zoo, without preprocess; expected "
                    "Embedder(module, preprocess=facezoo.Preprocess(...)) with its colour order, size, mean and std"
                )
            preprocess = self.spec.preprocess
        self.preprocess: Preprocess = preprocess
        self.embedding_size: int = (
            check_backbone(name_of(module), module, preprocess) if self.spec is None else module.embedding_size
        )
        self.flip, self.batch_size = flip, batch_size
        self._run: Callable[[np.ndarray], np.ndarray] = backends.load(self.backend).build_inference(
            module, device, precision, threads, preprocess=preprocess
        )

    def _take_runtime(
        self, runtime: str, weights: Any, backend: str | None, preprocess: Preprocess | None, threads: int
    ) -> None:
        """The network of a weight file, run by a runtime."""
        if (weights is not None and not isinstance(weights, str | Path)) or preprocess is not None or backend == ONNX:
            got = "preprocess" if preprocess is not None else "backend onnx" if backend == ONNX else name_of(weights)
            raise ConfigError(f"runtime {runtime} got {got}; expected a weight file of the zoo, or a name of the index")
        path = model_path(weights)
        self.spec = read_weights(path).spec
        self.backend = backend or backends.default_backend()
        self.preprocess, self.embedding_size = self.spec.preprocess, self.spec.embedding_size
        self._run = open_runtime(runtime, path, threads)

    def _take_onnx(self, path: Any, preprocess: Preprocess | None, precision: str, device: str, threads: int) -> None:
        """The model of an ONNX file."""
        if path is not None and not isinstance(path, str | Path):
            raise ConfigError(f"backend onnx got {name_of(path)}; expected the path of an ONNX file")
        if precision != "float32":
            raise ConfigError(f"precision is {precision!r}; backend onnx computes as the file says, expected float32")
        model = OnnxModel(model_path(path, ONNX), device, threads)
        if preprocess is not None:
            model.take(preprocess)
        self.backend, self.spec = ONNX, None
        self.preprocess, self.embedding_size, self._run = model.preprocess, model.embedding_size, model

    def raw(self, images: np.ndarray) -> np.ndarray:
        """Embeddings (N, E) float32, not normalised, of uint8 RGB crops (N, H, W, 3) of the model's size."""
        return self._run(images)

    def embed(self, paths_or_images: Iterable[Any]) -> np.ndarray:
        """Unit embeddings of face crops.

        Args:
            paths_or_images: aligned crops: paths, PIL images or uint8 RGB arrays (H, W, 3), in any mixture. A crop
                of another size than the model's is resized; one that is more than twice as large or small, or of
                another shape, gives a warning, because it is probably a photo. An array (N, H, W, 3) works too.

        Returns:
            (N, E) float32, each row of length 1.

        Raises:
            ImageError: a file cannot be read; the message names it.
            NumericalError: an embedding is NaN, infinite or zero.
        """
        from facezoo.data.image import read_image
        from facezoo.data.transforms.crop import central_crop
        from facezoo.inference.embed import embed_images

        if isinstance(paths_or_images, str | Path):
            paths_or_images = [paths_or_images]
        pixels = self._warn_of_photos(read_image(item) for item in paths_or_images)
        crops = (central_crop(item, self.preprocess.size) for item in pixels)
        return embed_images(crops, self._run, batch_size=self.batch_size, flip="sum" if self.flip else "none")

    def _warn_of_photos(self, images: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The images; one warning if some are far from the size of an aligned crop."""
        height, width = self.preprocess.size
        far = []
        for number, image in enumerate(images):
            ratios = image.shape[0] / height, image.shape[1] / width
            if max(ratios) > FAR or min(ratios) < 1 / FAR or max(ratios) > SLIM * min(ratios):
                far.append((number, image.shape))
            yield image
        if far:
            number, shape = far[0]
            warnings.warn(
                f"image {number} is {shape[1]}x{shape[0]} pixels{f', as are {len(far) - 1} more' if far[1:] else ''}; "
                f"expected aligned crops of about {width}x{height}. The embedding of a photo that is not aligned is "
                "meaningless: for photos use facezoo.Recognizer",
                stacklevel=4,
            )
