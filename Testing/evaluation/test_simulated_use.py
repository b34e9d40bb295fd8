"""Tests of what is measured of the localizer's training on simulated patients: networks that see all, or nothing."""

import json

import pytest
import torch
from painted_spine import PaintReader, painted_volume, sagittal_grid, spine_boxes, true_discs, true_labels

from ModicGraderLib.evaluation import simulated_use
from ModicGraderLib.localization.network import BACKGROUND
from ModicGraderLib.training.simulated_source import simulated_slices
from ModicGraderLib.training.simulation_use import BUDGET, LOCALIZER_SHARES


class Blind(PaintReader):
    """Sees background everywhere."""

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        structures, identities, corners = super().forward(image)
        structures = torch.zeros_like(structures)
        structures[:, BACKGROUND] = self.sharpness
        return structures, identities, corners


@pytest.fixture
def arms(monkeypatch, tmp_path):
    """Arms that are measured on painted slices; the one trained on simulation alone is blind."""
    boxes, grid = spine_boxes(6), sagittal_grid(1, (4.0, 1.0), (300, 160))
    volume, labels = painted_volume(boxes, grid, "t1"), true_labels(boxes, grid)
    slices = [
        one
        for patient in ("a", "b")
        for one in simulated_slices([volume], labels, grid, list(reversed(true_discs(boxes))), patient)
    ]
    trained = {"real": PaintReader(), "simulation": Blind(), "both": PaintReader()}
    monkeypatch.setattr(simulated_use, "load_network", lambda device: PaintReader())
    monkeypatch.setattr(simulated_use, "_trained", lambda folder: trained[folder.name])
    monkeypatch.setattr(simulated_use, "read_slices", lambda folder, seeds: slices)
    monkeypatch.setattr(simulated_use, "_on_real", lambda network, tenths: ["-"] * 6)
    (tmp_path / "localizer").mkdir()
    (tmp_path / "localizer" / BUDGET).write_text(json.dumps({"steps": [60, 40]}))
    return tmp_path


def test_each_arm_is_measured_by_what_its_own_network_finds(arms):
    text = simulated_use.simulated_use(arms)
    assert "two cycles of 60 and 40 batches" in text
    assert "Simulation is 2 patients" in text
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:3] for line in text.splitlines()[-5:]}
    assert set(rows) >= {"shipped", *LOCALIZER_SHARES}
    for arm, found in rows.items():
        if arm in LOCALIZER_SHARES or arm == "shipped":
            share = 0 if arm == "simulation" else 1
            assert found == [f"{share:.3f} ({share:.3f}-{share:.3f})"] * 2, arm
