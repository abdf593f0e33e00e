"""A model's folder: the model in skops' format, the code and the requirements to use it anywhere, its recipe, its files.

MLmodel, requirements.txt, conda.yaml, python_env.yaml    MLflow's own; two flavours, both with `code: code`
model.skops                                               the model
code/gauntlet/...                                         the sources that its classes need, nothing else
features.json                                             its columns and how its features are made
input_example.json                                        raw rows
"""

from __future__ import annotations

from pathlib import Path

import mlflow.sklearn
import skops.io
from mlflow.models import Model, ModelSignature, infer_signature
from mlflow.types.schema import AnyType, ColSpec, Schema, TensorSpec

from gauntlet.tasks.models.answer import answer, few
from gauntlet.tasks.models.columns import RECIPE, columns_of
from gauntlet.tasks.registry.model_code import FOLDER, LOADER, code_of
from gauntlet.tasks.registry.recipe import recipe
from gauntlet.tasks.registry.requirements import requirements
from gauntlet.tasks.registry.submission import Submission
from gauntlet.tasks.registry.trust import types_to_trust

EXAMPLE_ROWS = 5


def write(submission: Submission, folder: Path, description: Model) -> None:
    """Write the folder of this model, which must not be there yet. `description` becomes its `MLmodel`.

    Raises:
        UnknownType: the model is made of a type that is not trusted.
    """
    model, rows = submission.model, submission.rows
    content = skops.io.dumps(model)
    code = code_of(content)
    mlflow.sklearn.save_model(
        model,
        str(folder),
        mlflow_model=description,
        signature=_signature(submission),
        input_example=few(model, rows, EXAMPLE_ROWS),
        pip_requirements=requirements(code.libraries),
        pyfunc_predict_fn="predict" if hasattr(model, "predict") else "transform",
        serialization_format="skops",
        skops_trusted_types=types_to_trust(content),
    )
    _travel_with_code(description, folder)
    features = submission.files.get("feature_names.txt", b"").decode().splitlines()
    own = {RECIPE: recipe(model, rows, features, submission.rows_by), **submission.files}
    for name, text in {**own, **code.files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text)


def _signature(submission: Submission) -> ModelSignature:
    """Which columns there must be, and what comes back.

    Of any type: MLflow would refuse whole numbers for fractions, which is how plain pandas reads a column that happens to
    hold no fraction. The model's own loader converts, and refuses what it cannot.
    """
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(AnyType(), column.name, column.required) for column in columns_of(submission.rows)
    ]
    example = answer(submission.model, few(submission.model, submission.rows, EXAMPLE_ROWS))
    return ModelSignature(Schema(columns), infer_signature(example).inputs)


def _travel_with_code(description: Model, folder: Path) -> None:
    """Both flavours find their classes in the folder itself; `pyfunc` answers by our own frame."""
    flavours = description.flavors
    flavours["sklearn"]["code"] = FOLDER
    flavours["python_function"] |= {"loader_module": LOADER, "predict_fn": "predict", "code": FOLDER}
    description.save(str(folder / "MLmodel"))
