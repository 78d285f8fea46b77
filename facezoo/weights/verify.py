"""Verification of files by their hash, and of facezoo weight files by their content too."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from facezoo.checkpoints.weights import KEY, WeightFile, read_arrays, read_weights
from facezoo.download import receipts
from facezoo.errors import BackendUnavailableError, CheckpointError, FacezooError
from facezoo.io.files import file_hash
from facezoo.weights import index, store


@dataclass(frozen=True)
class Verdict:
    """The result for one file.

    Attributes:
        path: the file.
        sha256: its hash.
        against: the source of the expected hash: "index", "receipt", "sha256 file", or "nothing".
        fault: what is wrong, or None.
        facts: backbone, embedding size and number of values, for a facezoo weight file.
    """

    path: Path
    sha256: str
    against: str
    fault: str | None = None
    facts: dict[str, object] = field(default_factory=dict)


def verify(target: str, cache_dir: str | Path | None = None) -> list[Verdict]:
    """Check a file, or every file of a model of the index that is in the cache.

    Raises:
        UnknownNameError: it is neither a file nor a name in the index.
        CheckpointError: the model was never downloaded.
    """
    path = Path(target)
    if path.is_file():
        return [_verify_file(path)]
    entry = index.get(target)
    folder = store.folder_of(entry.name, cache_dir)
    found = [file for file in entry.files if (folder / file.name).is_file()]
    if not found:
        raise CheckpointError(f"{entry.name} is not in {folder}; fetch it with: facezoo weights download {entry.name}")
    verdicts = []
    for file in found:
        path = folder / file.name
        remote = file.remote()
        if remote.hashed:
            verdicts.append(Verdict(path, file_hash(path), "index", remote.fault(path)))
        else:
            verdicts.append(_by_receipt(path))
    canonical = store.canonical_path(entry.name, cache_dir)
    return [*verdicts, _verify_file(canonical)] if canonical.is_file() else verdicts


def _by_receipt(path: Path) -> Verdict:
    note = receipts.read(path)
    found = file_hash(path)
    if note is None:
        return Verdict(path, found, "nothing")
    noted = str(note.get("sha256"))
    fault = None if noted == found else f"had sha256 {noted[:16]}... when it was downloaded"
    return Verdict(path, found, "receipt", fault)


def _verify_file(path: Path) -> Verdict:
    found = file_hash(path)
    note = path.with_name(f"{path.name}.sha256")
    against, fault = "nothing", None
    if note.is_file():
        against = "sha256 file"
        listed = note.read_text(encoding="ascii", errors="replace").split()
        if not listed or listed[0].lower() != found:
            fault = f"{note.name} lists {listed[0][:16] if listed else 'no hash'}..."
    elif receipts.read(path) is not None:
        verdict = _by_receipt(path)
        against, fault = verdict.against, verdict.fault
    facts: dict[str, object] = {}
    if path.suffix == ".safetensors" and fault is None:
        facts, fault = _look_inside(path)
    return Verdict(path, found, against, fault, facts)


def _look_inside(path: Path) -> tuple[dict[str, object], str | None]:
    try:
        state, metadata = read_arrays(path)
        if KEY not in metadata:
            return {"arrays": len(state)}, None  # safetensors of another project
        file = read_weights(path)
        misfit = _misfit(file)
    except FacezooError as error:
        return {}, str(error)
    values = sum(array.size for array in file.state.values())
    facts: dict[str, object] = {"backbone": file.spec.name, "embedding_size": file.spec.embedding_size}
    facts["values"] = values
    if misfit is None:
        facts["tensors"] = "not compared with the backbone: no framework is installed"
    return facts, misfit or None


def _misfit(file: WeightFile) -> str | None:
    """How the tensors differ from those of the backbone; empty if they do not, None without a framework."""
    from facezoo.canonical.leaf import COUNTERS
    from facezoo.checkpoints.foreign.imported import leaves_of

    try:
        wanted = {leaf.name: leaf.shape for leaf in leaves_of(file.spec)}
    except BackendUnavailableError:
        return None
    found = {name: value.shape for name, value in file.state.items() if name.rpartition(".")[2] not in COUNTERS}
    faults = [f"{name} is missing" for name in wanted if name not in found]
    faults += [f"{name} is left over" for name in found if name not in wanted]
    faults += [
        f"{name} has shape {found[name]}, expected {shape}"
        for name, shape in wanted.items()
        if name in found and found[name] != shape and not (shape == () and found[name] == (1,))
    ]
    if not faults:
        return ""
    more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
    return f"its tensors do not fit {file.spec.name}: {'; '.join(faults[:3])}{more}"
