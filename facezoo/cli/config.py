"""``facezoo config``: the recipes, one of them resolved, and whether a file is valid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options

app = typer.Typer(add_completion=False, help="List recipes, show one resolved, check a file.")


@app.callback(invoke_without_command=True)
def _group(ctx: typer.Context) -> None:
    """List recipes, show one resolved, check a file; without a verb: list."""
    if ctx.invoked_subcommand is None:
        list_recipes()


@app.command("list")
def list_recipes(as_json: options.AsJson = False) -> None:
    """The recipes that come with facezoo, for `facezoo train --config NAME`."""
    from facezoo.cli.show import print_json, print_table
    from facezoo.training.config_file import load_config, recipes

    found = {name: load_config(path) for name, path in sorted(recipes().items())}
    if as_json:
        print_json({name: config.model_dump(mode="json") for name, config in found.items()})
        return
    rows = [[name, config.backbone, config.head, config.notes[:60]] for name, config in found.items()]
    print_table(["recipe", "backbone", "head", "notes"], rows)


@app.command("show")
def show(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE|FILE", help="A recipe's name, or a YAML file.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key: schedule.warmup=0.1; repeatable."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """The resolved configuration: every key, defaults included."""
    from facezoo.cli.show import print_json
    from facezoo.cli.train import parse_settings
    from facezoo.training.config_file import dump_config, load_config

    config = load_config(recipe, parse_settings(settings or []))
    if as_json:
        print_json(config.model_dump(mode="json"))
    else:
        print(dump_config(config), end="")


@app.command("check")
def check(files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="YAML files.")]) -> None:
    """Check that a run with each file would start; the first that would not is reported with the reason."""
    from facezoo.cli.show import say
    from facezoo.errors import ConfigError, FacezooError
    from facezoo.training.check import check_run
    from facezoo.training.config_file import load_config

    for path in files:
        try:
            config = load_config(path)
            check_run(config)
        except FacezooError as error:
            raise ConfigError(f"{path}: {error}") from error
        say(f"{path}: {config.backbone} + {config.head}, valid")
