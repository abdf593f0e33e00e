"""The generated tables of README and docs, made from the code. `make docs` inserts them, `make lint` checks."""

from __future__ import annotations

import typer.main

from gauntlet.blocks import BLOCKS
from gauntlet.deployments.cli import app
from gauntlet.tasks.audit import CAUSES
from gauntlet.tasks.gauntlets import GAUNTLETS
from gauntlet.tasks.metrics.catalogue import METRICS
from gauntlet.tasks.report.page import markdown_table
from gauntlet.tasks.runtime.settings import variables


def settings_table() -> str:
    """Every setting: variable, other names that are read, default, meaning."""
    rows = [
        (f"`{name}`", ", ".join(f"`{other}`" for other in others) or "–", f"`{default}`" if default else "–", text)
        for name, others, default, text in variables()
    ]
    return markdown_table(("variable", "also read", "default", "meaning"), rows)


def commands_table() -> str:
    """Every command of the command line with its options."""
    return markdown_table(
        ("command", "options", "what it does"), list(_commands(typer.main.get_command(app), "gauntlet"))
    )


def _commands(command: object, path: str) -> list[tuple[str, str, str]]:
    children = getattr(command, "commands", None)
    if children:
        return [row for name, child in children.items() for row in _commands(child, f"{path} {name}")]
    parameters = [param for param in command.params if param.name != "help"]  # type: ignore[attr-defined]
    arguments = "".join(
        f" {parameter.name.upper()}" for parameter in parameters if parameter.param_type_name == "argument"
    )
    options = ", ".join(
        f"`{max(parameter.opts, key=len)}`" for parameter in parameters if parameter.param_type_name == "option"
    )
    help_text = " ".join((command.help or "").split("\n\n")[0].split())  # type: ignore[attr-defined]
    return [(f"`{path}{arguments}`", options or "–", help_text)]


def blocks_table() -> str:
    """Every block type with its fields."""
    rows = [
        (kind._block_type_name or "", f"`{name}`", field.description or "")
        for kind in BLOCKS
        for name, field in kind.model_fields.items()
    ]
    return markdown_table(("block", "field", "meaning"), rows)


def metrics_table() -> str:
    """Every key that `metrics` of the JSON document may have."""
    return markdown_table(("metric", "meaning"), [(f"`{metric.name}`", metric.meaning) for metric in METRICS.values()])


def gauntlets_table() -> str:
    """Every gauntlet: kind of data, data set, experiment and the models that it registers."""
    rows = [
        (
            f"`{gauntlet.name}`",
            gauntlet.kind.replace("_", " "),
            gauntlet.purpose,
            gauntlet.experiment,
            ", ".join(f"`{name}`" for name in gauntlet.registered),
        )
        for gauntlet in GAUNTLETS.values()
    ]
    return markdown_table(("gauntlet", "kind of data", "what it does", "MLflow experiment", "registered models"), rows)


def parameters_table() -> str:
    """Every parameter that only one gauntlet has."""
    rows = [
        (
            f"`{gauntlet.name}`",
            f"`{name}`",
            "–" if parameter.default is None else f"`{parameter.default}`",
            parameter.help,
        )
        for gauntlet in GAUNTLETS.values()
        for name, parameter in gauntlet.parameters.items()
    ]
    return markdown_table(("gauntlet", "parameter", "default", "meaning"), rows)


def loop_table() -> str:
    """Which gauntlets score new data, drift and are retrained."""
    rows = [
        (f"`{gauntlet.name}`", "yes" if gauntlet.online else "not yet: trained anew by its weekly run")
        for gauntlet in GAUNTLETS.values()
    ]
    return markdown_table(("gauntlet", "scored, watched and retrained by the loop"), rows)


def causes_table() -> str:
    """Every cause that the audit can name."""
    return markdown_table(("finding", "what it means"), [(f"`{kind}`", text) for kind, text in CAUSES.items()])
