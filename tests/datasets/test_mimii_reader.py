"""Three layouts are told apart, and a folder that is none of them says so in one line."""

import numpy as np
import pandas as pd
import pytest

from gauntlet.datasets import mimii
from gauntlet.datasets.errors import BadInput, TooManyBadFiles
from gauntlet.datasets.mimii_published import published
from gauntlet.datasets.records.clip import Cell, snr_of
from gauntlet.datasets.simulate.sound import SoundPlan, extensible_wav, write

SMALL = SoundPlan(machines=("fan", "valve"), ids=("id_00",), snrs=(6, -6), normal=6, abnormal=2, channels=1, seconds=1)


def test_mimii_layout(tmp_path):
    """Cells, labels and numbers come from the folders' names."""
    write(tmp_path, SMALL)
    found = mimii.read(tmp_path)
    assert [cell.name for cell in found.cells] == [
        "-6dB/fan/id_00",
        "-6dB/valve/id_00",
        "6dB/fan/id_00",
        "6dB/valve/id_00",
    ]
    assert (found.layout, found.source, len(found.clips)) == ("mimii", "simulated", 32)
    first = found.rows[found.rows["cell"] == "6dB/fan/id_00"]
    assert first["abnormal"].tolist() == [False] * 6 + [True] * 2
    assert first["number"].tolist() == [0, 1, 2, 3, 4, 5, 0, 1]
    assert (found.rows["part"] == "").all()


def test_a_part_of_the_layout_will_do(tmp_path):
    """One machine's folder, named alone, still knows its SNR."""
    write(tmp_path, SMALL)
    assert {cell.name for cell in mimii.read(tmp_path / "6_dB_fan" / "fan").cells} == {"6dB/fan/id_00"}


def test_dcase_layout(tmp_path):
    """`anomaly` is abnormal, and the organisers' split is kept."""
    content = extensible_wav(np.ones((1, 16_000), "<i2"), 16_000)
    for part, label, number in (("train", "normal", 3), ("test", "normal", 1), ("test", "anomaly", 2)):
        place = tmp_path / "dev_data" / "slider" / part / f"{label}_id_02_{number:08d}.wav"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    rows = mimii.read(tmp_path).rows
    assert set(rows["cell"]) == {"dcase/slider/id_02"}
    assert rows.set_index("number")["part"].to_dict() == {3: "train", 1: "test", 2: "test"}
    assert rows.set_index("number")["abnormal"].to_dict() == {3: False, 1: False, 2: True}


def _table(tmp_path, snr="6dB", name="id_00_raw.csv", **changes):
    frame = pd.DataFrame(
        {
            "filename": ["00000001.wav", "00000000.wav", "00000000.wav"],
            "duration": [10, 10, 10],
            "rms_mean": [0.1, 0.2, 0.3],
            "centroid_mean": [1.0, 2.0, 3.0],
            "label": [1, 1, 0],
        }
    ).assign(**changes)
    place = tmp_path / "fan_tables" / snr / name
    place.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(place, index=False)
    return place


def test_label_one_is_normal_in_published_tables(tmp_path):
    """As in the published ones, where 1,011 of 1,418 clips of fan id_00 bear a 1; a constant column is no feature."""
    _table(tmp_path)
    found = mimii.read(tmp_path)
    assert found.features == ("rms_mean", "centroid_mean")
    assert found.rows[["abnormal", "number", "rms_mean"]].to_numpy().tolist() == [
        [False, 0, 0.2],
        [False, 1, 0.1],
        [True, 0, 0.3],
    ]
    assert found.cells == (Cell("6dB", "fan", "id_00"),)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": [0, 0, 1]}, "which way round"),
        ({"label": [1, 1, 7]}, "not a label, saw 7"),
        ({"filename": ["a1.wav", "a1.wav", "b.wav"]}, "twice"),
        ({"rms_mean": ["x", "y", "z"]}, "no row is all numbers"),
    ],
)
def test_a_wrong_table_is_named(tmp_path, changes, words):
    """One line."""
    path = _table(tmp_path, **changes)
    with pytest.raises(BadInput, match=words) as caught:
        mimii.read(tmp_path)
    assert str(path) in str(caught.value)


def test_a_row_with_a_gap_is_set_aside(tmp_path):
    """With its line; the others are used."""
    _table(tmp_path, rms_mean=[0.1, np.inf, 0.3])
    found = mimii.read(tmp_path)
    assert len(found.rows) == 2
    assert found.quarantined == (("id_00_raw.csv:00000000.wav", "line 3: not a finite number"),)
    from gauntlet.tasks.sound.featurize.table import sound_table

    with pytest.raises(TooManyBadFiles, match="1 of 3"):
        sound_table(found)


def test_columns_of_tables_must_agree(tmp_path):
    """Two tables with other columns are no one set."""
    _table(tmp_path)
    _table(tmp_path, snr="0dB", extra=[1.0, 2.0, 3.0])
    with pytest.raises(BadInput, match="extra"):
        mimii.read(tmp_path)


def test_folders_without_clips_are_named(tmp_path):
    """Nothing there, nothing known there, nothing at all."""
    with pytest.raises(BadInput, match="no such folder"):
        mimii.read(tmp_path / "absent")
    with pytest.raises(BadInput, match="an empty folder"):
        mimii.read(tmp_path)
    (tmp_path / "song.wav").write_bytes(b"RIFF")
    with pytest.raises(BadInput, match="this is a file"):
        mimii.read(tmp_path / "song.wav")
    with pytest.raises(BadInput, match=r"song\.wav; expected SNR/machine/id_00"):
        mimii.read(tmp_path)


@pytest.mark.parametrize(
    ("path", "snr"),
    [
        ("-6_dB_fan/fan/id_00/normal/0.wav", "-6dB"),
        ("min6dB/fan/id_00/normal/0.wav", "-6dB"),
        ("6_dB_pump/pump/id_00/normal/0.wav", "6dB"),
        ("0dB/id_00_raw.csv", "0dB"),
        ("-0dB/id_00_raw.csv", "0dB"),
        ("unknown_SNR_valve/valve/id_00/normal/0.wav", "unknown"),
    ],
)
def test_snr_spellings(path, snr, tmp_path):
    """The publisher's and those of the authors' own scripts."""
    from pathlib import Path

    assert snr_of(Path(path)) == snr


def test_published_figures_are_the_published_ones():
    """Spot checks against the authors' table, and the mean over the fan that domain papers quote, about 0.79."""
    assert published(Cell("6dB", "fan", "id_00")) == {"auc": 0.745}
    assert published(Cell("-6dB", "valve", "id_04")) == {"auc": 0.454}
    assert published(Cell("dcase", "slider", "id_00")) == {"auc": 0.850, "pauc": 0.669}
    assert published(Cell("unknown", "valve", "id_00")) == {}
    fans = [published(Cell(snr, "fan", f"id_0{k}"))["auc"] for snr in ("6dB", "0dB", "-6dB") for k in (0, 2, 4, 6)]
    assert np.mean(fans) == pytest.approx(0.79, abs=0.005)
