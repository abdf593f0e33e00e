"""Only types of our own list are ever built from a model's bytes, whatever the model says of itself."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import mlflow.sklearn
import numpy as np
import pytest
import skops.io
import yaml
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from gauntlet.datasets import ai4i
from gauntlet.datasets.errors import UnknownType, Untrusted
from gauntlet.datasets.simulate.ai4i import draw
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.registry.trust import TRUSTED_TYPES, deserialise, types_to_trust
from gauntlet.tasks.tabular.gauntlets import AI4I, Candidate
from gauntlet.tasks.tabular.train import pipeline

TABLE = draw(7, 600)
RAW, LABELS = TABLE[list(ai4i.SPEC.features)], TABLE[ai4i.SPEC.target].to_numpy()


class Intruder(StandardScaler):
    """Writes a file when its state is set, which is what deserialising it does."""

    marker: Path

    def __setstate__(self, state: dict[str, Any]) -> None:
        Path(state["marker"]).write_text("was here")
        self.__dict__.update(state)

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)


class Reducer:
    """Opens a file for writing when it is built."""

    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (Reducer.build, (self.marker,))

    @staticmethod
    def build(marker: str) -> "Reducer":
        Path(marker).write_text("was here")
        return Reducer(marker)


def intruder(marker: Path) -> Intruder:
    one = Intruder().fit(np.eye(3))
    one.marker = str(marker)  # type: ignore[assignment]
    return one


def test_the_bait_works(tmp_path: Path) -> None:
    """Once it is trusted the intruder does write its file, so that an absent file says something."""
    content = skops.io.dumps(intruder(tmp_path / "marker"))
    skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("wrapped", [False, True], ids=["alone", "inside a trusted pipeline"])
def test_a_foreign_type_is_refused_before_anything_is_built(tmp_path: Path, wrapped: bool) -> None:
    """The message names the type, and no code of it ran."""
    one = intruder(tmp_path / "marker")
    content = skops.io.dumps(
        Pipeline([("first", StandardScaler().fit(np.eye(3))), ("second", one)]) if wrapped else one
    )
    with pytest.raises(UnknownType, match="Intruder"):
        deserialise(content)
    with pytest.raises(UnknownType, match="Intruder"):
        types_to_trust(content)
    assert not (tmp_path / "marker").exists()


def test_a_type_that_rebuilds_itself_is_refused(tmp_path: Path) -> None:
    """Either skops cannot write such a file, or we do not read it."""
    try:
        content = skops.io.dumps(Reducer(str(tmp_path / "marker")))
    except Exception:  # noqa: BLE001 - any refusal to write it will do
        return
    with pytest.raises(Untrusted):
        deserialise(content)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("function", [print, eval, Path.unlink], ids=lambda one: one.__name__)
def test_a_function_smuggled_into_a_scikit_learn_step_is_refused(function: Any) -> None:
    """FunctionTransformer is scikit-learn's own, what it calls is not."""
    with pytest.raises(UnknownType):
        deserialise(skops.io.dumps(FunctionTransformer(function)))


def test_a_renamed_type_in_the_schema_is_refused(tmp_path: Path) -> None:
    """A trusted file whose schema is edited to name `os.system` in place of a class."""
    source = io.BytesIO(skops.io.dumps(StandardScaler().fit(np.eye(3))))
    target = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "schema.json":
                schema = json.loads(content)
                schema["__class__"], schema["__module__"] = "system", "os"
                content = json.dumps(schema).encode()
            new.writestr(name, content)
    with pytest.raises(UnknownType, match=r"os\.system"):
        deserialise(target.getvalue())


@pytest.mark.parametrize("candidate", AI4I.candidates, ids=lambda one: one.name)
def test_our_six_candidates_are_made_of_trusted_types(candidate: Candidate) -> None:
    """Each can be saved and loaded under the list as it is."""
    content = skops.io.dumps(pipeline(candidate, Prices(500.0, 25.0), 7).fit(RAW, LABELS))
    assert set(types_to_trust(content)) <= set(TRUSTED_TYPES)
    deserialise(content)


def test_the_list_holds_no_function_and_no_way_out() -> None:
    """Classes only, from modules that a model is made of."""
    assert list(TRUSTED_TYPES) == sorted(set(TRUSTED_TYPES))
    for name in TRUSTED_TYPES:
        assert name.split(".")[0] in {"collections", "gauntlet", "lightgbm", "sklearn"}
        assert name.rsplit(".", 1)[1][0].isupper()


def test_the_list_that_a_model_carries_has_no_say(tmp_path: Path) -> None:
    """An MLmodel that trusts the intruder changes nothing: its skops bytes are judged by our list alone."""
    folder = tmp_path / "model"
    mlflow.sklearn.save_model(
        intruder(tmp_path / "marker"), str(folder), serialization_format="skops", pip_requirements=[],
        skops_trusted_types=[f"{Intruder.__module__}.Intruder"],
    )  # fmt: skip
    (tmp_path / "marker").unlink(missing_ok=True)
    assert "Intruder" in str(yaml.safe_load((folder / "MLmodel").read_text()))
    with pytest.raises(UnknownType, match="Intruder"):
        deserialise((folder / "model.skops").read_bytes())
    assert not (tmp_path / "marker").exists()
