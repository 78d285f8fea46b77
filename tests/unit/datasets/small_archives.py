"""Small images and archives for the tests of imports, and a protocol run on an imported folder."""

import io
import tarfile
import zipfile

import numpy as np
from PIL import Image

from facezoo.evaluation.inputs.store import read_columns
from facezoo.evaluation.protocols.faces import embed_faces, find_faces
from facezoo.evaluation.protocols.protocol import load_protocol
from facezoo.evaluation.protocols.run import run_protocol
from facezoo.specs.preprocess import Preprocess


def jpeg(seed=0):
    """A JPEG of one colour, the same for each image of a person."""
    stream = io.BytesIO()
    colour = np.random.default_rng(seed).integers(0, 255, 3, np.uint8)
    Image.fromarray(np.broadcast_to(colour, (16, 16, 3)).copy()).save(stream, "JPEG")
    return stream.getvalue()


def tgz(path, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


class Colours:
    """A model whose embedding is the mean colour of a crop."""

    preprocess = Preprocess()

    def raw(self, images):
        return images.reshape(len(images), -1, 3).mean(axis=1).astype(np.float32) - 127.0


def pairs_told_apart(name, data, columns=None):
    """(pairs, whether every genuine pair scores above every impostor pair) of a protocol run on imported data.

    Images of one person have one colour. The rates that need thousands of pairs are lowered.
    """
    protocol = load_protocol(name)
    rates = {"far": [0.2], "group_fmr": 0.2}
    protocol = protocol.model_copy(update={"tasks": [task.model_copy(update=rates) for task in protocol.tasks]})
    store = embed_faces(find_faces(protocol, data, Colours.preprocess), Colours(), protocol)
    if columns is not None:
        store = read_columns(store, columns)
    record = run_protocol(protocol, store, lists=data).tasks[0].pairs
    return len(record.scores), bool(record.scores[record.same].min() > record.scores[~record.same].max())
