"""What others state for these clips, to be shown beside our own figures."""

from __future__ import annotations

from gauntlet.datasets.records.clip import Cell

_SNRS = ("6dB", "0dB", "-6dB")
_IDS = ("id_00", "id_02", "id_04", "id_06")
# AUC of the authors' autoencoder (mimii_baseline 1.0.3) at 6, 0 and -6 dB. Fan ids 00, 02 and 04: the authors' own
# figures; all others: a rerun of their code by others.
_AUTOENCODER = {
    "fan": ((0.745, 0.634, 0.576), (0.993, 0.856, 0.640), (0.869, 0.730, 0.572), (0.998, 0.987, 0.873)),
    "pump": ((0.797, 0.614, 0.604), (0.485, 0.493, 0.561), (0.977, 0.946, 0.916), (0.936, 0.885, 0.599)),
    "slider": ((0.995, 0.984, 0.949), (0.822, 0.824, 0.768), (0.924, 0.796, 0.674), (0.687, 0.527, 0.541)),
    "valve": ((0.778, 0.566, 0.674), (0.666, 0.556, 0.567), (0.642, 0.628, 0.454), (0.630, 0.651, 0.538)),
}
# DCASE 2020 task 2, mean over the development ids: AUC and pAUC of the organisers' autoencoder.
_DCASE = {"fan": (0.652, 0.526), "pump": (0.726, 0.600), "slider": (0.850, 0.669), "valve": (0.665, 0.506)}


def published(cell: Cell) -> dict[str, float]:
    """AUC (and pAUC) of the published autoencoder on this cell; empty where nothing is published."""
    if cell.snr == "dcase" and cell.machine in _DCASE:
        auc, pauc = _DCASE[cell.machine]
        return {"auc": auc, "pauc": pauc}
    if cell.snr not in _SNRS or cell.id not in _IDS or cell.machine not in _AUTOENCODER:
        return {}
    return {"auc": _AUTOENCODER[cell.machine][_IDS.index(cell.id)][_SNRS.index(cell.snr)]}
