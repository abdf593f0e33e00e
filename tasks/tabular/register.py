"""What goes into the registry beside a classifier of the process table: its training and its evaluation rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from gauntlet.tasks.contract import Artifact, Story
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.tabular import figures
from gauntlet.tasks.tabular.evaluate import Classified
from gauntlet.tasks.tabular.featurize import ProcessRows
from gauntlet.tasks.tabular.train import TrainedClassifier, frozen_rows


def artifacts(
    prepared: ProcessRows, trained: Sequence[TrainedClassifier], judgement: Classified, _: Story
) -> list[Artifact]:
    """The candidates as they go into the registry."""
    return [_artifact(classifier, prepared, judgement) for classifier in trained]


def _artifact(classifier: TrainedClassifier, prepared: ProcessRows, judgement: Classified) -> Artifact:
    table, target = prepared.table, prepared.table.spec.target
    held_out = frozen_rows(table)
    rows = table.X.assign(**{target: table.y})
    features = classifier.model[:-1].transform(table.X[~held_out])
    answer, decision = judgement.answers[classifier.candidate.name], classifier.model[-1]
    return Artifact(
        name=classifier.candidate.name,
        model=classifier.model,
        rows=table.X.head(200),
        purpose="Announces the failure of a machining process from its settings and wear.",
        features=list(features.columns),
        sensors="\n".join(f"column: {column}" for column in table.X.columns),
        reference=features.assign(**{target: table.y[~held_out]}),
        phase="classification",
        task="failure-classification",
        figures=("pr_auc", "f1", "recall", "precision"),
        parameters={
            "kind": classifier.candidate.kind,
            "features": classifier.candidate.features,
            "threshold": decision.threshold_,
            "cheapest_threshold": decision.cheapest_threshold_,
            "price_of_miss": prepared.prices.miss,
            "price_of_false_alarm": prepared.prices.false_alarm,
        },
        identity={"prices": asdict(prepared.prices), "columns": list(table.X.columns)},
        # What a challenger is trained on beside new rows, and what no model is ever fitted on.
        files={"training.parquet": parquet(rows[~held_out]), "evaluation.parquet": parquet(rows[held_out])},
        pictures={
            "confusion.png": figures.confusion_matrix(classifier.candidate.name, answer),
            "calibration.png": figures.calibration(classifier.candidate.name, answer),
        },
    )
