# The public names for type checkers and editors; at run time each is imported on first use.
from facezoo import backends as backends
from facezoo import evaluation as evaluation
from facezoo import testing as testing
from facezoo.align.create import create_detector as create_detector
from facezoo.align.crop import align_face as align_face
from facezoo.canonical.state import get_state as get_state
from facezoo.canonical.state import set_state as set_state
from facezoo.checkpoints.foreign.importer import import_checkpoint as import_checkpoint
from facezoo.checkpoints.weights import load_weights as load_weights
from facezoo.checkpoints.weights import save_weights as save_weights
from facezoo.export.fold import fold_batchnorm as fold_batchnorm
from facezoo.inference.embedder import Embedder as Embedder
from facezoo.recognition.recognizer import Recognizer as Recognizer
from facezoo.specs.preprocess import Preprocess as Preprocess
from facezoo.training.api import train as train
from facezoo.weights.pretrained import load_pretrained as load_pretrained
from facezoo.zoo.catalog import list_backbones as list_backbones
from facezoo.zoo.catalog import list_heads as list_heads
from facezoo.zoo.create import create_backbone as create_backbone
from facezoo.zoo.create import create_head as create_head

__version__: str

def __dir__() -> list[str]: ...
