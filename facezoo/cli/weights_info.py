"""``facezoo weights info``."""

from __future__ import annotations

from facezoo.cli import options


def command(name: options.WeightsName, as_json: options.AsJson = False) -> None:
    """Show what is known about one model."""
    from facezoo.cli.show import count, print_facts, print_json, say
    from facezoo.weights import folder_of, get

    entry = get(name)
    if as_json:
        print_json({**entry.model_dump(mode="json"), "loads": entry.loads, "doubts": entry.doubts()})
        return
    print_facts(
        {
            "name": f"{entry.name} ({entry.title})",
            "backbone": f"{entry.backbone} {entry.variant or ''}".rstrip(),
            "head": entry.head,
            "trained on": ", ".join(entry.training_data),
            "embedding": entry.embedding_size,
            "preprocess": entry.preprocess,
            "parameters": count(entry.parameters),
            "layout": f"{entry.layout}{'' if entry.loads else ' (no backbone of the zoo reads it)'}",
            "licence": f"code {entry.licence.code}; weights {entry.licence.weights}; data {entry.licence.data}",
            "recipe": entry.recipe or "none",
            "home": entry.home,
            "kept in": folder_of(entry.name),
            "notes": entry.notes or "none",
        }
    )
    for file in entry.files:
        print()
        say(f"{file.name}: {file.holds}{f', {file.member} inside' if file.member else ''}")
        for url in file.urls or [f"by hand, from {file.page}"]:
            say(f"  {url}")
        say(f"  size {count(file.size)}, sha256 {file.sha256}{f' ({file.hash_from})' if file.hash_from else ''}")
    for title, figures in (("published", entry.published), ("measured", entry.measured)):
        for figure in figures:
            interval = "" if figure.low is None else f" [{figure.low}, {figure.high}]"
            say(f"{title}: {figure.benchmark} {figure.value}{interval} ({figure.source})")
    for point in entry.thresholds:
        say(f"threshold: {point.threshold} for a false match rate of {point.fmr:g}, {point.pairs} ({point.source})")
    if entry.default:
        print("default: verify, embed and identify take it when no model is named")
    for doubt in entry.doubts():
        say(f"warning: {doubt}")
