"""The naive baseline listens to the level alone."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.sound.detectors import Loudness, level_column


def test_loudness_needs_a_level():
    """And uses nothing else: another column, nine deviations off, leaves the AUC at 0.5."""
    assert level_column(["a", "rms_mean"]) == 1
    with pytest.raises(BadInput, match="rms_mean"):
        level_column(["a", "b"])
    rng = np.random.default_rng(0)
    normal = rng.standard_normal((4_000, 2))
    fitted = Loudness(1).fit(normal)
    other = rng.standard_normal((4_000, 2)) + np.array([9.0, 0.0])
    labels = np.repeat([0, 1], 4_000)
    assert roc_auc_score(
        labels, np.r_[fitted.decision_function(normal), fitted.decision_function(other)]
    ) == pytest.approx(0.5, abs=0.02)
    assert fitted.decision_function(np.array([[0.0, 2.0]]))[0] == pytest.approx(2.0, abs=0.1)
