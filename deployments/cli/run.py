"""`gauntlet run`: one gauntlet or all, against the servers at hand, with progress and a table at the end."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from json import loads as json_of
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from gauntlet.datasets import dataset, modules
from gauntlet.datasets.errors import BadInput, GauntletError
from gauntlet.datasets.source import locate
from gauntlet.datasets.spec import Table
from gauntlet.deployments.console import results_table, summary
from gauntlet.deployments.stack import session_stack
from gauntlet.deployments.stack.services import QUIET
from gauntlet.flows import call, flow_named
from gauntlet.tasks.gauntlets import GAUNTLETS, named
from gauntlet.tasks.result import GauntletResult, write_document
from gauntlet.tasks.runtime.settings import settings

FILE_WIDTH = 108  # of what is written to a file or a pipe


def register(app: typer.Typer) -> None:
    """Add the verb `run`."""
    app.command()(run)


def run(
    names: Annotated[list[str], typer.Argument(help=f"Gauntlets by name, or all: {', '.join(GAUNTLETS)}.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the data set in its publisher's layout.")] = None,
    source: Annotated[
        str, typer.Option(help="auto: real files where they are, else simulated; or real; or simulated.")
    ] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="The same seed and data give the same figures.")] = 7,
    json: Annotated[Path | None, typer.Option(help="Write the result as one JSON document.")] = None,
    allow_leakage: Annotated[
        bool, typer.Option("--allow-leakage", help="Feed every column and go on; the result is marked as leaked.")
    ] = False,
    columns: Annotated[str | None, typer.Option(help="features, or all: with the columns that know the label.")] = None,
    price_of_miss: Annotated[float | None, typer.Option(help="What a failure that nobody announced costs.")] = None,
    price_of_false_alarm: Annotated[float | None, typer.Option(help="What an inspection for nothing costs.")] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE of a parameter of the gauntlet's own, such as trials=4; repeatable."),
    ] = None,
    offline_server: Annotated[
        bool, typer.Option("--offline-server", help="Use servers of this run's own, whatever is configured.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the results table.")] = False,
) -> None:
    """Run gauntlets: load, audit, split, featurize, train, evaluate, register."""
    chosen = _chosen(names, data, json)
    shared: dict[str, Any] = {
        "data": _existing(data),
        "source": _one_of("source", source, ("auto", "real", "simulated")),
        "seed": seed,
        "allow_leakage": allow_leakage,
    }
    named_options = {
        "columns": columns and _one_of("columns", columns, ("features", "all")),
        "price_of_miss": price_of_miss if price_of_miss is None else _price("price-of-miss", price_of_miss),
        "price_of_false_alarm": price_of_false_alarm
        if price_of_false_alarm is None
        else _price("price-of-false-alarm", price_of_false_alarm),
    }
    own = {**{name: value for name, value in named_options.items() if value is not None}, **_settings(setting or [])}
    parameters = {name: {**shared, **_own(name, own, allow_leakage)} for name in chosen}
    _writable(json)
    _readable(chosen[0], shared)
    if offline_server:
        _forget_own_servers()
    # Read when Prefect is imported: its console lines would bury ours. They still go to the Prefect server.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    console = Console(width=None if Console().is_terminal else FILE_WIDTH)
    warming = threading.Thread(target=_warm_up, daemon=True)
    warming.start()
    with session_stack(settings(), say=(lambda _: None) if quiet else print) as urls:
        # Two threads that import one package side by side may each find it half made.
        warming.join()
        for name in chosen:
            result: GauntletResult = call_flow(flow_named(name), parameters[name], quiet)
            if json is not None:
                _write(result, json)
            console.print(results_table(result, console.width))
            console.print(summary(result, urls), highlight=False, soft_wrap=True)


def _own(name: str, given: Mapping[str, Any], allow_leakage: bool) -> dict[str, Any]:
    """The given parameters of a gauntlet's own.

    Raises:
        BadInput: the gauntlet has no parameter of this name: nothing that was asked for is passed over.
    """
    known = named(name).parameters
    if unknown := [key for key in given if key not in known]:
        having = [one for one, gauntlet in GAUNTLETS.items() if unknown[0] in gauntlet.parameters]
        expected = f"one of {', '.join(known)}" if known else "no parameter of its own"
        do = f"name only gauntlets that have it: {', '.join(having)}" if having else "leave it out"
        raise BadInput(None, f"{name} has no parameter {unknown[0]!r}", expected=expected, do=do)
    leaky = {"columns": "all"} if allow_leakage and "columns" in known else {}
    return {**leaky, **given}


def _warm_up() -> None:
    """Import what the flows will import, while the servers start and this process would only wait for them.

    Prefect is left out: it reads its server's address when it is imported.
    """
    os.environ.update(QUIET)
    import lightgbm  # noqa: F401
    import mlflow.sklearn  # noqa: F401
    import skops.io  # noqa: F401
    from sklearn import ensemble  # noqa: F401

    from gauntlet.tasks.report.canvas import blank

    blank(1, 1)  # the first figure imports Matplotlib


def _write(result: GauntletResult, json: Path) -> None:
    try:
        write_document(result, json)
    except OSError as error:
        raise GauntletError(
            f"{json}: the result could not be written ({error.strerror}). The run itself is in MLflow: {result.report}."
        ) from None


def _chosen(names: list[str], data: Path | None, json: Path | None) -> tuple[str, ...]:
    chosen = tuple(GAUNTLETS) if "all" in names else tuple(dict.fromkeys(named(name).name for name in names))
    if len(chosen) > 1 and (data or json):
        raise BadInput(None, "--data and --json are for one gauntlet", do="name one gauntlet")
    return chosen


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise BadInput(None, f"--{option} {value}", expected=f"one of {', '.join(allowed)}")
    return value


def _price(option: str, value: float) -> float:
    if not 0 <= value < float("inf"):
        raise BadInput(None, f"--{option} {value}", expected="an amount of money, 0 or more")
    return value


def _existing(data: Path | None) -> Path | None:
    if data is not None and not data.exists():
        raise BadInput(data, "there is no such folder or file", do="check --data")
    return data.absolute() if data else None


def _readable(name: str, parameters: Mapping[str, Any]) -> None:
    """Find out before the servers are started that the user's own files are not what this gauntlet reads."""
    if parameters["data"] is None or name not in modules():
        return
    module = dataset(name)
    drawn = module.simulation(parameters["seed"])
    place = locate(module.SPEC, parameters["source"], parameters["data"], settings().data_root, drawn).path
    if isinstance(module.SPEC, Table):
        module.read(place)
    elif hasattr(module, "runs"):
        module.runs(place)


def _writable(json: Path | None) -> None:
    """Find out before the work, not after it, that the result cannot be written."""
    if json is None:
        return
    if json.is_dir():
        raise BadInput(json, "this is a folder", expected="a file for --json")
    if not json.absolute().parent.is_dir() or not os.access(json.absolute().parent, os.W_OK):
        raise BadInput(json, "its folder is missing or cannot be written", do="check --json")


def _forget_own_servers() -> None:
    for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        os.environ[f"GAUNTLET_{name}"] = ""  # not removed: `.env` would have its say again
        os.environ.pop(name, None)
    for name in ("MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        os.environ.pop(name, None)
    settings.cache_clear()


class _Progress(logging.Handler):
    """Our own steps' lines with the seconds so far; Prefect's bookkeeping stays in its UI."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.began = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        if f"{os.sep}prefect{os.sep}" not in record.pathname or record.levelno >= logging.CRITICAL:
            print(f"{time.monotonic() - self.began:6.1f} s  {record.getMessage()}", file=sys.stderr, flush=True)


def _settings(texts: list[str]) -> dict[str, Any]:
    """The parameters in NAME=VALUE: a value is read as JSON where it is some, otherwise as text."""
    named: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise BadInput(None, f"--set {text}", expected="NAME=VALUE")
        try:
            named[name] = json_of(value)
        except ValueError:
            named[name] = value
    return named


def call_flow(flow: Any, parameters: dict[str, Any], quiet: bool) -> Any:
    """What the flow hands back, its steps' lines on the terminal."""
    from prefect.logging.handlers import APILogHandler
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    handlers = _listen(quiet)
    try:
        # The heartbeat finds dead runs on workers; at a terminal it would only cost a second at the end.
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            return call(flow, **parameters)
    finally:
        APILogHandler().flush()  # the server that takes the last lines may be stopped next
        for logger, handler in handlers:
            logger.removeHandler(handler)


def _listen(quiet: bool) -> list[tuple[logging.Logger, logging.Handler]]:
    """Our lines on the terminal; Prefect's own go to its server only."""
    if quiet:
        return []
    handler = _Progress()
    loggers = [logging.getLogger(name) for name in ("prefect.flow_runs", "prefect.task_runs")]
    for logger in loggers:
        logger.addHandler(handler)
    return [(logger, handler) for logger in loggers]
