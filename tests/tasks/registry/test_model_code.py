"""What travels with a model is what its classes need: their sources, and the libraries that those import."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import gauntlet.tasks.models as models
from gauntlet.datasets.errors import GauntletError
from gauntlet.tasks.models.decision import DecisionClassifier
from gauntlet.tasks.models.forecasters.prophet import ProphetForecaster
from gauntlet.tasks.models.process_features import ProcessFeatures
from gauntlet.tasks.registry.model_code import FOLDER, LOADER, _imports, code_of, modules_in, needed_by, path_of
from gauntlet.tasks.registry.requirements import requirements
from gauntlet.tasks.registry.trust import TRUSTED_TYPES

MODULES = sorted(one.name for one in pkgutil.walk_packages(models.__path__, f"{models.__name__}.") if not one.ispkg)
LIBRARIES = {"numpy", "scipy", "pandas", "sklearn", "lightgbm"}
# A library of one kind of model's own, which is imported when that model is used.
OWN = {
    "gauntlet.tasks.models.forecasters.prophet": {"prophet"},
    "gauntlet.tasks.models.forecasters.classical": {"statsmodels"},
}
# Modules that still reach out of `tasks/models/`. Whoever moves what they need deletes the row; none may be added.
STILL_ELSEWHERE = {}


@pytest.mark.parametrize("module", [one for one in MODULES if one not in STILL_ELSEWHERE])
def test_models_import_the_libraries_of_models_and_each_other(module: str) -> None:
    """No prefect, no settings, no other room of ours: through every import, those inside functions included."""
    code = needed_by(frozenset({module}))
    outside = [name for name in code.files if not name.startswith(f"{FOLDER}/gauntlet/tasks/models/")]
    assert outside == []
    assert code.libraries <= LIBRARIES | OWN.get(module, set())


def test_the_loader_brings_nothing_but_models() -> None:
    """Beside itself and MLflow."""
    code = needed_by(frozenset({LOADER}))
    assert set(code.files) == {
        path_of(LOADER),
        *(path_of(f"gauntlet.tasks.models.{name}") for name in ("answer", "columns")),
    }
    assert code.libraries == {"mlflow", "numpy", "pandas"}


@pytest.mark.parametrize("module", sorted(STILL_ELSEWHERE))
def test_a_module_that_keeps_to_itself_is_taken_off_the_list(module: str) -> None:
    """The list shrinks only."""
    code = needed_by(frozenset({module}))
    assert any(not name.startswith(f"{FOLDER}/gauntlet/tasks/models/") for name in code.files)


@pytest.mark.parametrize("name", [one for one in TRUSTED_TYPES if one.startswith("gauntlet.")])
def test_every_trusted_type_of_ours_can_be_imported(name: str) -> None:
    """A place on the list that leads nowhere would be found only when a model is loaded."""
    module, _, attribute = name.rpartition(".")
    __import__(module)
    assert isinstance(getattr(sys.modules[module], attribute), type)


def test_sources_are_the_installed_ones_and_packages_are_namespaces() -> None:
    """Byte for byte; no `__init__` goes along, so that where Gauntlet is installed its own packages come first."""
    code = needed_by(frozenset({"gauntlet.tasks.models.decision"}))
    assert set(code.files) == {
        f"{FOLDER}/gauntlet/tasks/models/{name}.py" for name in ("base", "decision", "operating_point")
    }
    source = Path(models.__file__).parent / "decision.py"
    assert code.files[path_of("gauntlet.tasks.models.decision")] == source.read_bytes()


def test_imports_of_every_form_are_found() -> None:
    """Plain, from, of a submodule, inside a function or a branch; not those that only type checkers follow."""
    text = """
import numpy as np
import os.path
from typing import TYPE_CHECKING
from gauntlet.tasks.models import base, decision
from gauntlet.tasks.models.base import Detector
if TYPE_CHECKING:
    import prefect
    from mlflow import pyfunc
else:
    import joblib
try:
    import scipy.linalg
except ImportError:
    pass
def late():
    from prophet import Prophet
    return Prophet
"""
    assert set(_imports(compile(text, "text", "exec"))) == {
        "numpy", "os.path", "typing", "gauntlet.tasks.models.base", "gauntlet.tasks.models.decision", "scipy.linalg",
        "prophet", "joblib",
    }  # fmt: skip


def fitted(estimator: object) -> Pipeline:
    """A small classifier of the process table's form."""
    rows, labels = pd.DataFrame({"a": np.arange(30.0), "b": np.arange(30.0) ** 2}), np.arange(30) % 2
    return Pipeline([("decision", DecisionClassifier(estimator))]).fit(rows, labels)


def test_only_a_model_made_by_a_library_requires_it() -> None:
    """LightGBM for the boosted one, Prophet for Prophet, neither for a forest."""
    boosted = code_of(skops.io.dumps(fitted(LGBMClassifier(n_estimators=2, verbose=-1)))).libraries
    forest = code_of(skops.io.dumps(fitted(RandomForestClassifier(2)))).libraries
    prophet = code_of(skops.io.dumps(ProphetForecaster())).libraries
    assert "lightgbm" in boosted
    assert not {"lightgbm", "prophet"} & forest
    assert "prophet" in prophet
    assert "lightgbm" not in prophet


def test_modules_are_those_of_every_part() -> None:
    """Of steps inside steps, too."""
    content = skops.io.dumps(Pipeline([("features", ProcessFeatures()), ("rest", make_pipeline(StandardScaler()))]))
    assert {"gauntlet.tasks.models.process_features", "sklearn.pipeline", "sklearn.preprocessing._data"} <= modules_in(
        content
    )


def test_requirements_are_pinned_and_installed() -> None:
    """One line a library, under the name that is installed; one that nobody knows is told."""
    lines = requirements({"sklearn", "statsmodels"})
    assert {line.partition("==")[0] for line in lines} == {
        "boto3", "mlflow", "numpy", "pandas", "scikit-learn", "scipy", "skops", "statsmodels",
    }  # fmt: skip
    assert all(line.partition("==")[2][0].isdigit() for line in lines)
    with pytest.raises(GauntletError, match="no_such_library"):
        requirements({"no_such_library"})


@pytest.mark.slow
def test_the_travelling_code_runs_by_itself(tmp_path: Path) -> None:
    """In a process that knows no other `gauntlet`: the loader and a model's module are imported from the folder."""
    code = needed_by(frozenset({LOADER, "gauntlet.tasks.models.process_features"}))
    for name, content in code.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / FOLDER)!r}); "
        "sys.meta_path = [finder for finder in sys.meta_path if 'Editable' not in repr(finder)]; "
        f"import {LOADER} as loader; import gauntlet.tasks.models.process_features; print(loader.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path, env={"PATH": ""}
    )
    assert done.stdout.strip() == str(tmp_path / path_of(LOADER))
