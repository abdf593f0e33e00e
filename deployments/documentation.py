"""What the README says of settings, commands and metrics, made from the code. `make docs` inserts it, `make lint` checks."""

from __future__ import annotations

import typer.main

from gauntlet.blocks import BLOCKS
from gauntlet.deployments.cli import app
from gauntlet.tasks.audit import CAUSES
from gauntlet.tasks.report.page import markdown_table
from gauntlet.tasks.result import METRICS
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
    parameters = [one for one in command.params if one.name != "help"]  # type: ignore[attr-defined]
    arguments = "".join(f" {one.name.upper()}" for one in parameters if one.param_type_name == "argument")
    options = ", ".join(f"`{max(one.opts, key=len)}`" for one in parameters if one.param_type_name == "option")
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


MEANINGS = {
    "accuracy": "share of right answers; 96.6 % is free on AI4I",
    "f1": "2·TP / (2·TP + FP + FN)",
    "precision": "share of alarms that are failures",
    "recall": "share of failures that are announced",
    "pr_auc": "average precision: precision weighted by gained recall",
    "roc_auc": "chance that a failure scores above a non-failure",
    "mcc": "Matthews correlation",
    "brier": "mean squared error of the stated probability",
    "cost": "per 1,000 rows, at the stated prices and the threshold chosen by cost",
    "auc": "ROC-AUC of an anomaly score",
    "pauc": "partial AUC, false alarm rate up to 0.1",
    "far": "false alarm rate, a fraction",
    "mar": "missed alarm rate, a fraction",
    "mae": "mean absolute error",
    "rmse": "root of the mean squared error",
    "mse": "mean squared error",
    "mase": "MAE over that of the naive forecast in the training part",
    "mape": "mean absolute percentage error",
    "coverage_80": "share of actual values inside the 80 % interval",
    "coverage_95": "share of actual values inside the 95 % interval",
    "phm_score": "score of the IEEE PHM 2012 challenge, 1 is perfect",
    "lead_time_h": "hours from alarm to failure, median over the announced failures",
    "false_alarms_per_week": "per machine and week of healthy running",
    "onset_error": "distance of the found onset from the published one, share of the life, median",
}


def metrics_table() -> str:
    """Every key that `metrics` of the JSON document may have."""
    return markdown_table(("metric", "meaning"), [(f"`{name}`", MEANINGS[name]) for name in METRICS])


def causes_table() -> str:
    """Every cause that the audit can name."""
    return markdown_table(("finding", "what it means"), [(f"`{kind}`", text) for kind, text in CAUSES.items()])
