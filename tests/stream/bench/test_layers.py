from __future__ import annotations

from pathlib import Path

import pytest

from stream.bench.layers import measure_layers
from stream.bench.rounds import Effort
from tests.clips import picture
from tests.tiny_ir import write_tiny_ir


def test_a_networks_layers_are_listed_slowest_first_and_their_shares_add_up(
    tmp_path: Path,
) -> None:
    model = write_tiny_ir(tmp_path / "tiny.xml")
    found = measure_layers(str(model), picture((320, 256)), Effort(3, 1, 60))
    assert (found.model, found.size_wh) == ("tiny.xml", (320, 256))
    assert found.layers
    for layers in (found.layers, found.kinds):
        times = [layer.ms for layer in layers]
        assert times == sorted(times, reverse=True)
        assert sum(times) == pytest.approx(found.total_ms)
        assert sum(layer.share for layer in layers) == pytest.approx(1)
    assert {layer.kind for layer in found.layers} == {kind.kind for kind in found.kinds}
