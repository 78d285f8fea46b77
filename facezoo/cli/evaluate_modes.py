"""The actions of ``facezoo evaluate``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from facezoo.bulk.engine import Engine
from facezoo.cli.evaluate_inputs import (
    Crop,
    chosen_protocol,
    find_embeddings,
    find_lists,
    large_rows,
    model_name,
    result_of_stored_scores,
)
from facezoo.cli.evaluate_request import Request
from facezoo.cli.show import print_json, say
from facezoo.cli.writable import check_output
from facezoo.errors import ConfigError, ProtocolError
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.protocols.protocol import Protocol, load_protocol
from facezoo.evaluation.protocols.result import ProtocolResult, load_result
from facezoo.evaluation.protocols.tasks.all_pairs import AllPairsTask
from facezoo.io.progress import progress_bar

logger = logging.getLogger(__name__)


def show_protocols(as_json: bool) -> int:
    """Print one line per protocol."""
    from facezoo.evaluation.protocols.protocol import list_protocols

    found = [load_protocol(name) for name in list_protocols()]
    if as_json:
        print_json([{**item.model_dump(mode="json"), "sha256": item.sha256} for item in found])
        return 0
    width = max(len(item.name) for item in found)
    for item in found:
        say(f"{item.name:<{width}}  {item.title}")
    return 0


def merge_parts(files: Sequence[Path], as_json: bool) -> int:
    """Merge the parts of an all-pairs computation."""
    from facezoo.evaluation.pairwise.part import AllPairsPart, merge
    from facezoo.evaluation.protocols.result import Figure

    result = merge([AllPairsPart.load(path) for path in files])
    if as_json:
        print_json(_json_types(result.to_dict()))
        return 0
    for far, tar in result.tar.items():
        print(f"TAR at FAR {far:g}: {Figure('', tar, *result.interval[far]).text()}")
    print(f"EER: {Figure('', result.eer, *result.eer_interval).text()}")
    for note in result.notes:
        say(note)
    return 0


def compare_files(files: Sequence[Path], confidence: float, as_json: bool) -> int:
    """Compare two stored results pair by pair."""
    from facezoo.evaluation.report.compare_results import compare_results

    if len(files) != 2:
        raise ConfigError(f"--compare got {len(files)} files; expected two results written by --out")
    one, two = (load_result(path) for path in files)
    found = compare_results(one, two, confidence=confidence)
    if as_json:
        print_json([{"task": name, **_json_types(item.to_dict())} for name, item in found])
        return 0
    say(f"first: {one['model']}, second: {two['model']}")
    for name, item in found:
        say(f"{name}: {item.sentence}")
    return 0


def combine_files(files: Sequence[Path], form: str, as_json: bool) -> int:
    """Print several stored results as one table."""
    from facezoo.evaluation.report.table import combine

    results = [load_result(path) for path in files]
    text = combine(results, form)
    print_json({"table": text}) if as_json else print(text)
    return 0


def evaluate(
    request: Request,
    *,
    out: Path | None,
    report: Path | None,
    calibrate: Sequence[float],
    as_json: bool,
    engine: Engine,
    keep_parts: Path | None,
) -> int:
    """Run the protocol; print the result, store it and write the page, as requested."""
    protocol = chosen_protocol(request)
    card = _card(request)
    for option, path in (
        ("--out", out), ("--report", report), ("--calibrate", card if calibrate else None),
        ("--save-embeddings", request.save_embeddings),
    ):  # fmt: skip
        check_output(option, path)
    result, store, crop = _result(request, protocol, engine, keep_parts)
    if as_json:
        shown = result.to_dict()
        for task in shown["tasks"]:
            task.pop("pairs", None)  # thousands of values; --out stores them
            task.pop("identities", None)
        print_json(shown)
    else:
        from facezoo.evaluation.report.table import print_result

        print_result(result)
    sys.stdout.flush()  # the figures are shown whatever happens to the files
    if out is not None:
        result.save(out)
    if calibrate:
        _calibrate(request, protocol, result, calibrate, card)
    if report is not None:
        from facezoo.evaluation.report.page import write_page

        write_page(result, report, crop=crop, galleries=_galleries(protocol, store))
    return 0


def _card(request: Request) -> Path:
    """Where --calibrate stores its thresholds."""
    from facezoo.evaluation.statistics.calibration import card_path

    return card_path(request.weights or request.embeddings or request.scores or Path("model"))


def one_part(request: Request, part: str, out: Path | None) -> int:
    """Compute one part of an all-pairs protocol."""
    from facezoo.evaluation.pairwise.all_pairs import all_pairs_part

    number, _, total = part.partition("/")
    if not (number.isdigit() and total.isdigit() and 1 <= int(number) <= int(total)):
        raise ConfigError(f"--part is {part!r}; expected K/N such as 1/4, K from 1 to N")
    check_output("--out", out)
    if out is None:
        raise ConfigError("--part needs --out: where to store the part")
    protocol = chosen_protocol(request)
    task = protocol.tasks[0]
    if len(protocol.tasks) != 1 or not isinstance(task, AllPairsTask) or task.against or task.group:
        raise ProtocolError(f"protocol {protocol.name} is not one plain all-pairs task; it cannot be split")
    store, _, _ = find_embeddings(request, protocol)
    chosen = store.choose(task.where)
    with progress_bar("comparing", "tiles") as on_progress:
        found = all_pairs_part(
            store.embeddings[chosen],
            store.column("label")[chosen],
            task.far,
            part=int(number) - 1,
            parts=int(total),
            confidence=request.confidence,
            on_progress=on_progress,
        )
    found.save(out)
    say(f"wrote part {part} to {out}; merge all with: facezoo evaluate --merge FILES")
    return 0


def _result(
    request: Request, protocol: Protocol, engine: Engine, keep_parts: Path | None
) -> tuple[ProtocolResult, EmbeddingSet | None, Crop | None]:
    from facezoo.evaluation.protocols.run import check_engine, run_protocol

    check_engine(protocol, engine)
    if request.scores is not None:
        return result_of_stored_scores(request, protocol), None, None
    large = large_rows(request, protocol)
    if large is not None:
        lists, model = find_lists(request, protocol), model_name(request)
        return run_protocol(protocol, large, lists=lists, model=model, confidence=request.confidence), None, None
    store, crop, inputs = find_embeddings(request, protocol)
    with progress_bar("comparing", "tiles") as on_progress:
        result = run_protocol(
            protocol,
            store,
            lists=find_lists(request, protocol),
            model=model_name(request),
            inputs=inputs,
            confidence=request.confidence,
            engine=engine,
            keep_parts=keep_parts,
            on_progress=on_progress,
        )
    return result, store, crop


def _galleries(protocol: Protocol, store: EmbeddingSet | None) -> Any:
    """The worst pairs of protocols that compare all pairs."""
    from facezoo.evaluation.report.worst import worst_of_all_pairs

    if store is None or "name" not in store.columns:
        return []
    found = []
    for task in protocol.tasks:
        if isinstance(task, AllPairsTask) and task.against is None:
            rows = store.choose(task.where)
            labels, names = store.column("label")[rows], store.column("name")[rows]
            high, low = worst_of_all_pairs(store.embeddings[rows], labels, names.tolist())
            found.append((f"Impostor pairs that score highest: {task.name}", high))
            found.append((f"Genuine pairs that score lowest: {task.name}", low))
    return found


def _calibrate(
    request: Request, protocol: Protocol, result: ProtocolResult, rates: Sequence[float], place: Path
) -> None:
    from facezoo.evaluation.statistics.calibration import calibrate

    record = result.tasks[0].pairs
    if record is None:
        raise ProtocolError(f"protocol {result.protocol} has no listed pairs to calibrate on")
    source = {"protocol": result.protocol, "protocol_sha256": result.protocol_sha256, **result.inputs}
    if request.weights is not None:
        source["flip"] = protocol.embedding.flip
    found = calibrate(record.scores, record.same, rates, confidence=request.confidence, source=source)
    found.save(place)
    for point in found.points:
        low, high = ("?" if end is None else f"{end:.4f}" for end in point.threshold_interval)
        logger.info(
            "FMR %g: threshold %.4f (%s to %s), FNMR %.4f", point.wanted_fmr, point.threshold, low, high, point.fnmr
        )
    logger.info("calibration stored in %s", place)


def _json_types(value: Any) -> Any:
    from facezoo.evaluation.protocols.result import plain

    return plain(value)
