"""Pictures are PNG, the same bytes for the same figures, and their intervals are right."""

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from gauntlet.tasks.metrics.classification import Judged, constant_answer
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.tabular import figures as pictures
from gauntlet.tasks.tabular.explanation import Explanation
from gauntlet.tasks.tabular.explanation_figures import importance_bars, shap_beeswarm
from gauntlet.tasks.tabular.figures import wilson


def answer(seed: int = 0, rows: int = 150) -> Judged:
    rng = np.random.default_rng(seed)
    y = (rng.random(rows) < 0.2).astype(int)
    y[:2] = 0, 1
    probability = np.clip(rng.random((2, rows)) * 0.6 + 0.4 * y, 0, 1)
    return Judged(y, probability, probability > 0.6, probability > 0.4)


def oracle() -> Judged:
    return constant_answer(answer().y, answer().y)


def explanation() -> Explanation:
    rng = np.random.default_rng(1)
    features = pd.DataFrame(rng.normal(size=(50, 3)), columns=["a", "b", "constant"]).assign(constant=1.0)
    return Explanation(pd.Series({"a": 0.4, "b": 0.1, "constant": -0.01}), features, rng.normal(size=(50, 3)))


DRAWN: dict[str, Callable[[], bytes | None]] = {
    "precision_recall": lambda: pictures.pr_curves({"one": answer(), "two": answer(1)}, oracle()),
    "roc": lambda: pictures.roc_curves({"one": answer(), "two": answer(1)}, oracle()),
    "confusion": lambda: pictures.confusion_matrix("one", answer()),
    "calibration": lambda: pictures.calibration("one", answer()),
    "calibration of certain answers": lambda: pictures.calibration("one", oracle()),
    "cost": lambda: pictures.cost_curve("one", answer(), Prices(500.0, 25.0), 0.3),
    "cost of silence": lambda: pictures.cost_curve("one", answer(), Prices(1, 100), float(np.nextafter(1, 2))),
    "importance": lambda: importance_bars(explanation()),
    "shap": lambda: shap_beeswarm(explanation()),
}


def chunks(png: bytes) -> list[bytes]:
    """The kinds of a PNG's chunks, each with a right checksum (RFC 2083)."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    place, kinds = 8, []
    while place < len(png):
        length = struct.unpack(">I", png[place : place + 4])[0]
        body = png[place + 4 : place + 8 + length]
        assert struct.unpack(">I", png[place + 8 + length : place + 12 + length])[0] == zlib.crc32(body)
        kinds.append(body[:4])
        place += 12 + length
    return kinds


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_a_whole_png_and_always_the_same(name: str) -> None:
    """Right signature and checksums, an end, no text with a version or a time; drawn twice it is equal byte for byte."""
    first = DRAWN[name]()
    assert first is not None
    kinds = chunks(first)
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")
    assert not {b"tEXt", b"iTXt", b"tIME"} & set(kinds)
    assert DRAWN[name]() == first


def test_other_figures_give_another_picture() -> None:
    """The bytes depend on what is shown."""
    assert pictures.calibration("one", answer(0)) != pictures.calibration("one", answer(1))


def test_without_shap_values_there_is_no_picture() -> None:
    """A kernel machine has none."""
    known = explanation()
    assert shap_beeswarm(Explanation(known.importance, known.features, None)) is None


@pytest.mark.parametrize("count", [1, 2, 7, 40, 1_000])
def test_wilson_is_that_of_scipy(count: int) -> None:
    """Every possible number of hits, none and all among them."""
    hits = np.unique(np.linspace(0, count, 12).astype(int))
    low, high = wilson(hits / count, np.full(len(hits), float(count)))
    for place, hit in enumerate(hits):
        expected = binomtest(int(hit), count).proportion_ci(method="wilson")
        assert (low[place], high[place]) == pytest.approx((expected.low, expected.high), abs=1e-7)


@pytest.mark.slow
def test_no_display_and_no_pyplot_is_touched() -> None:
    """Figures drawn side by side in threads share no global state."""
    import subprocess
    import sys

    code = (
        "import sys, gauntlet.tasks.tabular.figures, gauntlet.tasks.tabular.explanation_figures; from gauntlet.tasks.report.canvas import picture, png; "
        "png(picture()[0]); sys.exit('matplotlib.figure' not in sys.modules or 'matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False).returncode == 0
