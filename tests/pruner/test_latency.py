from __future__ import annotations

import openvino as ov
import pytest

from models.modnet import MODNet
from pruner import openvino_ir
from pruner.errors import PrunerError
from pruner.latency import measure_latency
from tests.pruner.networks import tiny_network


def test_a_network_is_timed_and_left_as_it_is() -> None:
    model = tiny_network().float().train()
    assert 0 < measure_latency(model, size_wh=(64, 32), budget_s=0) < 10_000
    assert model.training


def test_what_is_timed_is_what_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[MODNet] = []

    def to_ir(model: MODNet) -> ov.Model:
        timed.append(model)
        return openvino_ir.to_ir(model)

    monkeypatch.setattr("pruner.latency.to_ir", to_ir)
    model = tiny_network().float()
    measure_latency(model, size_wh=(64, 32), budget_s=0)
    assert timed == [model]


def test_a_device_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(PrunerError, match=r"no device ABACUS; there are .*CPU"):
        measure_latency(tiny_network(), device="ABACUS")
