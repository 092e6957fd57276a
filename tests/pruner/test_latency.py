from __future__ import annotations

import pytest

from pruner.errors import PrunerError
from pruner.latency import measure_latency
from tests.pruner.networks import tiny_network


def test_a_network_is_timed_and_left_as_it_is() -> None:
    model = tiny_network().train()
    assert 0 < measure_latency(model, size_wh=(64, 32), budget_s=0) < 10_000
    assert model.training


def test_a_device_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(PrunerError, match=r"no device ABACUS; there are .*CPU"):
        measure_latency(tiny_network(), device="ABACUS")
