"""The authors' split, DCASE's own, and blocks of recordings that stay together."""

import numpy as np
import pandas as pd
import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.audit import Part, Protocol, audit_claims
from gauntlet.tasks.sound.split import recording_folds, recording_groups, shuffled_folds, split


def _rows(cells=("6dB/fan/id_00",), normal=30, abnormal=10, part=""):
    rows = [
        {"file": f"{cell}/{label}/{k}", "cell": cell, "abnormal": label == "abnormal", "number": k, "part": part}
        for cell in cells
        for label, count in (("normal", normal), ("abnormal", abnormal))
        for k in range(count)
    ]
    return pd.DataFrame(rows)


def test_the_authors_split():
    """Of 30 sorted normal clips the first 10 are judged with the 10 abnormal ones; the other 20 are learnt from."""
    rows = _rows()
    one = split(rows).parts[0]
    assert rows["number"][one.train].tolist() == list(range(10, 30))
    assert not rows["abnormal"][one.train].any()
    assert rows["abnormal"][one.test].tolist() == [False] * 10 + [True] * 10
    assert rows["number"][one.test].tolist() == [*range(10), *range(10)]


def test_dcase_comes_split():
    """train/ is learnt from, test/ judged, whatever the numbers."""
    rows = pd.concat([_rows(normal=20, abnormal=0, part="train"), _rows(normal=2, abnormal=2, part="test")])
    rows = rows.reset_index(drop=True)
    one = split(rows).parts[0]
    assert (rows["part"][one.train] == "train").all()
    assert len(one.train) == 20
    assert len(one.test) == 4


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (_rows(abnormal=0), "no abnormal clips"),
        (_rows(normal=1, abnormal=0), "one clip only"),
        (_rows(normal=12, abnormal=10), "2 normal clips to learn from"),
        (_rows(normal=0, abnormal=10), "no normal clips to judge"),
    ],
)
def test_what_cannot_be_judged_says_why(rows, words):
    """One line with the cell."""
    with pytest.raises(BadInput, match=words) as caught:
        split(rows)
    assert "6dB/fan/id_00" in str(caught.value)


def test_a_cell_that_cannot_be_judged_does_not_stop_the_others():
    """It is listed with its reason."""
    rows = pd.concat([_rows(), _rows(("6dB/fan/id_02",), abnormal=0)]).reset_index(drop=True)
    found = split(rows)
    assert [one.cell for one in found.parts] == ["6dB/fan/id_00"]
    assert found.left_out == (("6dB/fan/id_02", "no abnormal clips"),)


def test_blocks_of_recordings_stay_together_at_all_noise_levels():
    """Five blocks of equal size; a recording is in one fold, at 6 dB as at -6 dB."""
    rows = _rows(("6dB/fan/id_00", "-6dB/fan/id_00", "6dB/pump/id_00"))
    folds = recording_folds(rows)
    of_fan = rows["cell"].str.contains("fan") & ~rows["abnormal"]
    for number, group in rows[of_fan].assign(fold=folds[of_fan]).groupby("number"):
        assert set(group["fold"]) == {number // 6}
    shuffled = shuffled_folds(rows, 7)
    together = rows.assign(fold=shuffled, machine=rows["cell"].str.split("/", n=1).str[1])
    assert (together.groupby(["machine", "abnormal", "number"])["fold"].nunique() == 1).all()
    assert (shuffled != folds).any()


def test_the_audit_names_the_random_split_and_not_the_grouped_one():
    """`split_overlap` by group; this is what makes a published 93 % worthless."""
    rows = _rows(("6dB/fan/id_00", "6dB/fan/id_02"))
    groups, ids = recording_groups(rows), np.arange(len(rows))

    def findings(folds):
        learn = folds != 0
        train, test = Part(ids=ids[learn], groups=groups[learn]), Part(ids=ids[~learn], groups=groups[~learn])
        return [one.kind for one in audit_claims(Protocol(train=train, test=test))]

    assert findings(recording_folds(rows)) == []
    assert findings(shuffled_folds(rows, 7)) == ["split_overlap"]
