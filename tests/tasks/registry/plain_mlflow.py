"""Run by an environment that was made from a version's own requirements: `python plain_mlflow.py REQUEST.json`.

Loads each version by MLflow alone, from the registry, and asks it the publisher's rows as plain pandas reads them. The
answers are written as arrays beside the request; what is printed says where the classes came from.
"""

import importlib.util
import json
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd


def main(request: Path) -> None:
    assert importlib.util.find_spec("gauntlet") is None, "the checkout is within reach"
    said = {}
    for name, version in json.loads(request.read_text()).items():
        read = dict(version["read"])
        rows = pd.read_csv(read.pop("file"), **read)
        served = mlflow.pyfunc.load_model(version["uri"])
        answer = served.predict(rows)
        raw = mlflow.sklearn.load_model(version["uri"])
        columns = [name for name in served.metadata.get_input_schema().input_names() if name in rows]
        own = getattr(raw, version["method"])(rows[columns]) if version["method"] else []
        np.save(request.parent / f"{name}.pyfunc.npy", answer.to_numpy(np.float64))
        np.save(request.parent / f"{name}.sklearn.npy", np.asarray(own, np.float64))
        module = sys.modules[type(raw).__module__]
        said[name] = {"columns": list(answer.columns), "class": type(raw).__qualname__, "from": module.__file__}
    print(json.dumps({"ours": sys.modules["gauntlet.tasks.models.answer"].__file__, "versions": said}))


main(Path(sys.argv[1]))
