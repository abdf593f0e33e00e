"""The gauntlet's steps on simulated sound whose truth is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from gauntlet.datasets import mimii
from gauntlet.datasets.simulate import sound_signal as signal
from gauntlet.datasets.simulate.sound import SoundPlan, session_of, write
from gauntlet.tasks.metrics.catalogue import METRICS
from gauntlet.tasks.report.build import page_of, result_of
from gauntlet.tasks.sound.attribution import attribute
from gauntlet.tasks.sound.audit import audit, audit_result
from gauntlet.tasks.sound.detection import figures
from gauntlet.tasks.sound.detectors import forest
from gauntlet.tasks.sound.evaluate import CHOSEN_ON, best_detector, cell_answers, evaluate
from gauntlet.tasks.sound.featurize import featurize
from gauntlet.tasks.sound.featurize.clip import RATE as RATE_HZ
from gauntlet.tasks.sound.featurize.clip import mel_filters
from gauntlet.tasks.sound.featurize.table import sound_table
from gauntlet.tasks.sound.gauntlets import DETECTORS, MIMII, SUPERVISED, Candidate
from gauntlet.tasks.sound.load import load
from gauntlet.tasks.sound.register import artifacts
from gauntlet.tasks.sound.report import story
from gauntlet.tasks.sound.split import recording_folds, shuffled_folds
from gauntlet.tasks.sound.train import out_of_fold, train, train_forest


@pytest.fixture(scope="module")
def prepared_from(request_of):
    """Simulates clips by a plan and prepares them."""

    def made(folder: Path, plan: SoundPlan):
        write(folder, plan)
        return featurize(load(MIMII, request_of(MIMII, folder, cache=folder / "cache")))

    return made


@pytest.fixture(scope="module")
def all_machines(prepared_from, tmp_path_factory):
    """All four machines, four ids, three noise levels."""
    ids = ("id_00", "id_02", "id_04", "id_06")
    plan = SoundPlan(ids=ids, channels=1, normal=40, abnormal=12, fault_sessions=4, seconds=1)
    return prepared_from(tmp_path_factory.mktemp("all"), plan)


@pytest.fixture(scope="module")
def small(prepared_from, tmp_path_factory):
    """Two machines in two ids at two noise levels, and every candidate trained on them."""
    plan = SoundPlan(machines=("fan", "pump"), snrs=(6, -6), channels=1, normal=40, abnormal=10)
    prepared = prepared_from(tmp_path_factory.mktemp("small"), plan)
    trained = [train(candidate, prepared, 7) for candidate in MIMII.candidates]
    return prepared, trained, evaluate(prepared, trained, 7)


def _mean_auc_by_snr(cells):
    by_snr = {}
    for cell in cells:
        by_snr.setdefault(cell.cell.split("/")[0], []).append(cell.metrics["auc"])
    return {snr: float(np.mean(values)) for snr, values in by_snr.items()}


@pytest.mark.slow
def test_auc_falls_with_the_noise(all_machines):
    """48 cells: 6 dB over 0 dB over -6 dB, of every type of machine too, and -6 dB is still above chance."""
    assert len(all_machines.split.parts) == 48
    trained = train(Candidate("nearest", "nearest"), all_machines, 7)
    cells = [figures(cell, 7) for cell in cell_answers(trained, trained.scores, all_machines)]
    auc = _mean_auc_by_snr(cells)
    assert auc["6dB"] > auc["0dB"] + 0.03 > auc["-6dB"] + 0.06
    assert auc["6dB"] > 0.85
    assert auc["-6dB"] > 0.55
    for machine in ("fan", "pump", "slider", "valve"):
        of_type = _mean_auc_by_snr([cell for cell in cells if f"/{machine}/" in cell.cell])
        assert of_type["6dB"] > of_type["-6dB"], machine


def _table(folder: Path, plan: SoundPlan):
    return sound_table(mimii.read(write(folder, plan)))


def _forest_without_faults(folder: Path, colouration: float):
    """(AUC of blocks kept together, AUC dealt at random) where only sessions tell abnormal clips from normal ones."""
    plan = SoundPlan(
        seed=3,
        machines=("fan",),
        ids=("id_00", "id_02"),
        snrs=(0,),
        channels=1,
        normal=60,
        abnormal=60,
        sessions=10,
        fault_sessions=10,
        colouration=colouration,
        fault=False,
    )
    table = _table(folder / f"colour-{colouration}", plan)
    trained = train_forest(SUPERVISED, table, 7)
    cells = table.rows["cell"].to_numpy()

    def mean(scores):
        return float(np.mean([roc_auc_score(table.abnormal[cells == c], scores[cells == c]) for c in np.unique(cells)]))

    return mean(trained.scores), mean(trained.shuffled)


@pytest.mark.slow
def test_a_random_split_gains_what_sessions_give_away(tmp_path_factory):
    """No fault at all, so 0.5 is the truth. Without session colour both splits say so; with 3 dB only the grouped one.

    With distinct colours a clip tells its session, and the session its label: the random split's AUC rises towards 1.
    """
    folder = tmp_path_factory.mktemp("sessions")
    plain_grouped, plain_random = _forest_without_faults(folder, 0.0)
    coloured_grouped, coloured_random = _forest_without_faults(folder, 3.0)
    # 120 clips a cell, two cells: one deviation of an AUC of 0.5 is about 0.04.
    assert plain_grouped == pytest.approx(0.5, abs=0.13)
    assert plain_random == pytest.approx(0.5, abs=0.13)
    assert coloured_grouped == pytest.approx(0.5, abs=0.13)
    assert coloured_random > 0.7
    assert (coloured_random - coloured_grouped) > (plain_random - plain_grouped) + 0.1


@pytest.mark.slow
def test_the_table_has_known_metrics_and_all_candidates(small):
    """Names as registered, metrics of the contract, intervals that hold their estimates, baselines beside them."""
    prepared, trained, judgement = small
    assert [row.name for row in judgement.candidates] == [candidate.name for candidate in MIMII.candidates]
    assert {row.name for row in judgement.baselines.values()} == {"loudness", "majority"}
    assert (judgement.naive, judgement.chosen_on) == ("loudness", CHOSEN_ON)
    for row in judgement.rows.values():
        assert set(row.metrics) <= set(METRICS)
        for metric, (low, high) in row.intervals.items():
            assert low <= row.metrics[metric] <= high
    best = next(row for row in judgement.candidates if row.name == judgement.best)
    assert best.intervals["auc"][0] > 0.5
    cells = len(prepared.split.parts)
    assert all(len(judgement.figures[candidate.name]) == cells for candidate in MIMII.candidates)
    assert judgement.best == best_detector(trained)
    assert judgement.best in [candidate.name for candidate in DETECTORS]


@pytest.mark.slow
def test_nothing_is_chosen_on_judged_clips(small):
    """With other judged clips, thresholds, settings and champion stay the same to the digit."""
    prepared, trained, _ = small
    values = prepared.table.values.copy()
    values[prepared.judged] = np.random.default_rng(0).permutation(values[prepared.judged]) + 3.0
    changed = replace(prepared, table=replace(prepared.table, values=values))
    other = [train(candidate, changed, 7) for candidate in DETECTORS[:3]]
    for one, same in zip(other, trained[1:4], strict=True):
        assert _thresholds(one.model) == _thresholds(same.model)
        assert one.settings == same.settings
        assert one.separation == same.separation


def _thresholds(model):
    return {cell: detector.threshold_ for cell, detector in model.detectors.items()}


@pytest.mark.slow
def test_the_audit_refuses_the_random_split_only(small):
    """The stated figures have no finding; the random split's would be `split_overlap`."""
    prepared, trained, judgement = small
    assert audit(prepared) == ()
    assert audit_result(prepared, trained, judgement) == ()
    assert [finding.kind for finding in judgement.refused] == ["split_overlap"]
    assert judgement.shuffled is not None


@pytest.mark.slow
def test_the_clips_looked_at_are_the_extremes_of_a_machine(small):
    """The larger margin is the abnormal one's; what its features add to it is among its parts, largest first."""
    prepared, trained, judgement = small
    best = next(model for model in trained if model.candidate.name == judgement.best)
    attribution = attribute(prepared, best)
    assert attribution.abnormal.margin > attribution.normal.margin
    assert attribution.abnormal.decibels.shape[0] == 64
    parts = [part for _, part in attribution.abnormal.top]
    assert parts == sorted(parts, reverse=True)
    assert attribution.abnormal.bands.sum() > 0


@pytest.mark.slow
def test_report_tells_all_of_it(small):
    """Verdict, cells, spectrograms, the refused split, and the word simulated."""
    prepared, trained, judgement = small
    prepared = replace(prepared, passed_over=("mimii/: too few",))
    report = story(prepared, trained, judgement)
    assert {"roc.png", "auc.png", "spectrogram_abnormal.png", "bands.png", "moments.png"} <= set(report.pictures)
    assert all(png.startswith(b"\x89PNG") for png in report.pictures.values())
    result = result_of(MIMII, prepared.summary, judgement, report, (), 7)
    page = page_of(MIMII, prepared.summary, report, result, ()).replace("<wbr>", "")  # where long names may break
    for words in ("simulated data", "6dB/fan/id_00", "split_overlap", "split at random", "mimii/: too few"):
        assert words in page
    assert "published_autoencoder" not in page
    document = result.document()
    assert {(one["model"], *one["group"].values()) for one in document["cells"]} >= {
        (judgement.best, "6dB", "fan", "id_00"),
        ("loudness", "-6dB", "pump", "id_02"),
    }


@pytest.mark.slow
def test_what_is_registered_takes_the_features_by_name(small):
    """The candidates, then a scaler that transforms: finite, in the features' names, about one deviation wide."""
    prepared, trained, judgement = small
    made = artifacts(prepared, trained, judgement, story(prepared, trained, judgement))
    assert tuple(artifact.name for artifact in made) == MIMII.registered
    scaler = made[-1]
    scaled = scaler.model.transform(scaler.rows)
    assert list(scaled) == list(prepared.table.features)
    assert np.isfinite(scaled.to_numpy()).all()
    learnt = scaler.model.transform(prepared.rows(prepared.learnt)).to_numpy()
    np.testing.assert_allclose(learnt.mean(0), 0, atol=1e-9)
    assert not hasattr(scaler.model, "predict")


@pytest.mark.slow
def test_the_same_again_is_the_same_to_the_digit(small):
    """Training and figures."""
    prepared, _, judgement = small
    repeated = evaluate(prepared, [train(candidate, prepared, 7) for candidate in MIMII.candidates], 7)
    assert repeated.candidates == judgement.candidates
    assert repeated.baselines == judgement.baselines


@pytest.mark.slow
def test_the_gain_of_a_random_split_is_what_the_sessions_colours_predict(tmp_path):
    """The true filters' gains, added in decibels to clips without any, give both splits' AUC before a clip is coloured.

    The clips are the same draws with and without colour, so that the mean level of a band must rise by its gain.
    """
    plan = SoundPlan(
        seed=3,
        machines=("fan",),
        ids=("id_00",),
        snrs=(0,),
        channels=1,
        normal=100,
        abnormal=100,
        sessions=10,
        fault_sessions=10,
        colouration=3.0,
        fault=False,
    )
    coloured, plain = _table(tmp_path / "a", plan), _table(tmp_path / "b", replace(plan, colouration=0.0))
    bands = [k for k, name in enumerate(coloured.features) if name.startswith("logmel_mean")]
    names = [coloured.features[k] for k in bands]
    centres = mel_filters().argmax(1) * RATE_HZ / (2 * (mel_filters().shape[1] - 1))
    predicted = plain.values[:, bands].copy()
    for row, (abnormal, number) in enumerate(zip(plain.abnormal, plain.rows["number"], strict=True)):
        label = "abnormal" if abnormal else "normal"
        key = [plan.seed, 0, *b"id_00", *label.encode(), 1, session_of(int(number), 100, 10)]
        hz, gain = signal.colour(np.random.default_rng(key), 3.0)
        predicted[row] += np.interp(np.log(np.maximum(centres, 1.0)), np.log(hz), gain)
    # A band is wider than a point of the filter, hence not exactly; without the gains they are 3 dB apart.
    assert np.sqrt(np.mean((predicted - coloured.values[:, bands]) ** 2)) < 0.3

    def areas(values):
        frame = pd.DataFrame(values, columns=names).assign(cell="0dB/fan/id_00")
        folds = (recording_folds(plain.rows), shuffled_folds(plain.rows, 7))
        return [roc_auc_score(plain.abnormal, out_of_fold(forest(7), frame, plain.abnormal, one)) for one in folds]

    grouped, shuffled = areas(coloured.values[:, bands])
    expected_grouped, expected_shuffled = areas(predicted)
    nothing_grouped, nothing_shuffled = areas(plain.values[:, bands])
    assert shuffled - grouped == pytest.approx(expected_shuffled - expected_grouped, abs=0.05)
    assert shuffled - grouped > 0.2 > abs(nothing_shuffled - nothing_grouped) + 0.05
