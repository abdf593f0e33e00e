"""The gauntlet's steps on simulated sound whose truth is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from gauntlet.datasets import mimii
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.simulate import sound_signal as signal
from gauntlet.datasets.simulate.sound import Draw, extensible_wav, session_of, write
from gauntlet.tasks.metrics.catalogue import METRICS
from gauntlet.tasks.metrics.detection import figures
from gauntlet.tasks.report.build import page_of, result_of
from gauntlet.tasks.sound.attribution import attribute
from gauntlet.tasks.sound.audit import audit, audit_result
from gauntlet.tasks.sound.evaluate import answers_of, evaluate
from gauntlet.tasks.sound.featurize import Clips, featurize
from gauntlet.tasks.sound.featurize.clip import RATE as RATE_HZ
from gauntlet.tasks.sound.featurize.clip import mel_filters
from gauntlet.tasks.sound.featurize.table import sound_table
from gauntlet.tasks.sound.gauntlets import DETECTORS, MIMII, SUPERVISED, Candidate
from gauntlet.tasks.sound.load import LoadedClips, load
from gauntlet.tasks.sound.report import story
from gauntlet.tasks.sound.split import recording_folds, shuffled_folds
from gauntlet.tasks.sound.train import champion, forest, out_of_fold, supervised, train


@pytest.fixture(scope="module")
def clips(request_of):
    """Makes the features of a draw of clips, split."""

    def made(folder: Path, draw: Draw, **parameters) -> Clips:
        write(folder, draw)
        return featurize(LoadedClips(MIMII, request_of(MIMII, folder, **parameters), mimii.read(folder)))

    return made


def _table(folder: Path, draw: Draw):
    """The features alone: what cannot be split can still be dealt into folds."""
    return sound_table(mimii.read(write(folder, draw)), None, 0)


@pytest.fixture(scope="module")
def all_machines(tmp_path_factory, clips):
    """All four machines, four ids, three noise levels."""
    ids = ("id_00", "id_02", "id_04", "id_06")
    return clips(
        tmp_path_factory.mktemp("all"), Draw(ids=ids, channels=1, normal=40, abnormal=12, fault_sessions=4, seconds=1)
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory, clips):
    """Two machines in two ids at two noise levels, and every candidate trained on them."""
    draw = Draw(machines=("fan", "pump"), snrs=(6, -6), channels=1, normal=40, abnormal=10)
    prepared = clips(tmp_path_factory.mktemp("small"), draw)
    trained = [train(candidate, prepared, 7) for candidate in MIMII.candidates]
    return prepared, trained, evaluate(prepared, trained, 7)


def _mean_auc_by_snr(judgement_cells):
    by_snr = {}
    for one in judgement_cells:
        by_snr.setdefault(one.cell.split("/")[0], []).append(one.metrics["auc"])
    return {snr: float(np.mean(values)) for snr, values in by_snr.items()}


@pytest.mark.slow
def test_auc_falls_with_the_noise(all_machines):
    """48 cells: 6 dB over 0 dB over -6 dB, of every type of machine too, and -6 dB is still above chance."""
    table, parts = all_machines.table, all_machines.parts
    assert len(parts.parts) == 48
    trained = train(Candidate("nearest", "nearest"), all_machines, 7)
    cells = [figures(one, 7) for one in answers_of(trained, trained.scores, table, parts)]
    auc = _mean_auc_by_snr(cells)
    assert auc["6dB"] > auc["0dB"] + 0.03 > auc["-6dB"] + 0.06
    assert auc["6dB"] > 0.85
    assert auc["-6dB"] > 0.55
    for machine in ("fan", "pump", "slider", "valve"):
        of_type = _mean_auc_by_snr([one for one in cells if f"/{machine}/" in one.cell])
        assert of_type["6dB"] > of_type["-6dB"], machine


def _forest_without_faults(folder: Path, colouration: float):
    """(AUC of blocks kept together, AUC dealt at random) where only sessions tell abnormal clips from normal ones."""
    draw = Draw(
        seed=3, machines=("fan",), ids=("id_00", "id_02"), snrs=(0,), channels=1, normal=60, abnormal=60,
        sessions=10, fault_sessions=10, colouration=colouration, fault=False,
    )  # fmt: skip
    table = _table(folder / f"colour-{colouration}", draw)
    forest = supervised(SUPERVISED, table, 7)
    cells = table.rows["cell"].to_numpy()

    def mean(scores):
        return float(np.mean([roc_auc_score(table.abnormal[cells == c], scores[cells == c]) for c in np.unique(cells)]))

    return mean(forest.scores), mean(forest.shuffled)


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


def test_the_table_has_known_metrics_and_all_candidates(small):
    """Names as registered, metrics of the contract, intervals that hold their estimates, baselines beside them."""
    prepared, trained, judgement = small
    assert [row.name for row in judgement.candidates] == [one.name for one in MIMII.candidates]
    assert set(judgement.baselines) == {"loudness", "majority"}
    for row in judgement.rows.values():
        assert set(row.metrics) <= set(METRICS)
        for metric, (low, high) in row.intervals.items():
            assert low <= row.metrics[metric] <= high
    best = next(row for row in judgement.candidates if row.name == judgement.best)
    assert best.intervals["auc"][0] > 0.5
    assert all(len(judgement.by_cell[one.name]) == len(prepared.parts.parts) for one in MIMII.candidates)
    assert judgement.best == champion(trained)
    assert judgement.best in [one.name for one in DETECTORS]


@pytest.mark.slow
def test_nothing_is_chosen_on_judged_clips(small):
    """With other judged clips, thresholds, settings and champion stay the same to the digit."""
    prepared, trained, _ = small
    table, parts = prepared.table, prepared.parts
    values = table.values.copy()
    judged = np.concatenate([one.test for one in parts.parts])
    values[judged] = np.random.default_rng(0).permutation(values[judged]) + 3.0
    moved = replace(prepared, table=replace(table, values=values))
    other = [train(candidate, moved, 7) for candidate in DETECTORS[:3]]
    for one, same in zip(other, trained[1:4], strict=True):
        assert one.model.thresholds_ == same.model.thresholds_
        assert one.chosen == same.chosen
        assert one.auc_of_others == same.auc_of_others


def test_the_audit_refuses_the_random_split_only(small):
    """The stated figures have no finding; the random split's would be `split_overlap`."""
    prepared, trained, judgement = small
    assert audit(prepared) == ()
    assert audit_result(prepared, trained, judgement) == ()
    assert [one.kind for one in judgement.refused] == ["split_overlap"]
    assert judgement.shuffled is not None


def test_report_tells_all_of_it(small, tmp_path):
    """Verdict, cells, spectrograms, the refused split, and the word simulated."""
    prepared, trained, judgement = small
    table, parts = prepared.table, prepared.parts
    best = next(one for one in trained if one.candidate.name == judgement.best)
    found = attribute(table, parts, best.model, best.scores)
    assert found.abnormal.margin > found.normal.margin
    assert found.abnormal.decibels.shape[0] == 64
    told = story(replace(prepared, passed_over=("mimii/: too few",)), trained, judgement)
    assert {"roc.png", "auc.png", "spectrogram_abnormal.png", "bands.png", "moments.png"} <= set(told.pictures)
    assert all(png.startswith(b"\x89PNG") for png in told.pictures.values())
    result = result_of(MIMII, prepared.summary, judgement, told, (), 7)
    page = page_of(MIMII, prepared.summary, told, result, ()).replace("<wbr>", "")  # where long names may break
    for words in ("simulated data", "6dB/fan/id_00", "split_overlap", "dealt at random", "mimii/: too few"):
        assert words in page
    assert "published_autoencoder" not in page
    document = result.document()
    assert {(one["model"], *one["group"].values()) for one in document["cells"]} >= {
        (judgement.best, "6dB", "fan", "id_00"),
        ("loudness", "-6dB", "pump", "id_02"),
    }


@pytest.mark.slow
def test_the_same_again_is_the_same_to_the_digit(small):
    """Training and figures."""
    prepared, _, judgement = small
    again = [train(candidate, prepared, 7) for candidate in MIMII.candidates]
    repeated = evaluate(prepared, again, 7)
    assert repeated.candidates == judgement.candidates
    assert repeated.baselines == judgement.baselines


def _folder(tmp_path, normal, abnormal):
    rng = np.random.default_rng(0)
    for label, count in (("normal", normal), ("abnormal", abnormal)):
        for number in range(count):
            place = tmp_path / "data" / "6_dB_fan" / "fan" / "id_00" / label / f"{number:08d}.wav"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(extensible_wav(rng.integers(-99, 99, (1, 16_000)).astype("<i2"), 16_000))
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("normal", "abnormal", "words"),
    [(20, 0, "no abnormal clips"), (1, 0, "one clip only"), (12, 10, "2 normal clips to learn from")],
)
def test_a_folder_that_cannot_be_judged_is_refused_before_any_work(tmp_path, request_of, normal, abnormal, words):
    """In one line."""
    folder = _folder(tmp_path, normal, abnormal)
    with pytest.raises(BadInput, match=words) as caught:
        load(MIMII, request_of(MIMII, folder, root=tmp_path))
    assert str(folder) in str(caught.value)


def test_real_is_not_made_of_simulated(tmp_path, request_of):
    """`--source real` with simulated files, or without any; auto simulates and says so."""
    drawn = write(tmp_path / "drawn", Draw(machines=("fan",), ids=("id_00",), snrs=(6,), channels=1, seconds=1))
    with pytest.raises(BadInput, match="real files are wanted, these are simulated"):
        load(MIMII, request_of(MIMII, drawn, "real", root=tmp_path))
    with pytest.raises(BadInput, match="real files of mimii are wanted"):
        load(MIMII, request_of(MIMII, None, "real", root=tmp_path / "empty"))
    assert load(MIMII, request_of(MIMII, drawn, root=tmp_path)).set.source == "simulated"


def test_what_cannot_be_judged_is_passed_over_and_told(tmp_path, request_of):
    """A root with two clips of mimii and a whole other set: the other one is taken, and the first named."""
    folder = _folder(tmp_path, 2, 0)
    root = tmp_path / "root"
    root.mkdir()
    folder.rename(root / "mimii")
    write(root / "dcase2020_task2", Draw(machines=("fan",), ids=("id_00",), snrs=(6,), channels=1, seconds=1))
    loaded = load(MIMII, request_of(MIMII, None, root=root))
    assert loaded.set.path == root / "dcase2020_task2"
    assert "no abnormal clips" in loaded.passed_over[0]


@pytest.mark.slow
def test_the_gain_of_a_random_split_is_what_the_sessions_colours_predict(tmp_path):
    """The true filters' gains, added in decibels to clips without any, give both splits' AUC before a clip is coloured.

    The clips are the same draws with and without colour, so that the mean level of a band must rise by its gain.
    """
    draw = Draw(
        seed=3, machines=("fan",), ids=("id_00",), snrs=(0,), channels=1, normal=100, abnormal=100,
        sessions=10, fault_sessions=10, colouration=3.0, fault=False,
    )  # fmt: skip
    coloured, plain = _table(tmp_path / "a", draw), _table(tmp_path / "b", replace(draw, colouration=0.0))
    bands = [k for k, name in enumerate(coloured.features) if name.startswith("logmel_mean")]
    names = [coloured.features[k] for k in bands]
    centres = mel_filters().argmax(1) * RATE_HZ / (2 * (mel_filters().shape[1] - 1))
    predicted = plain.values[:, bands].copy()
    for row, (abnormal, number) in enumerate(zip(plain.abnormal, plain.rows["number"], strict=True)):
        label = "abnormal" if abnormal else "normal"
        key = [draw.seed, 0, *b"id_00", *label.encode(), 1, session_of(int(number), 100, 10)]
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
