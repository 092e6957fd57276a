import argparse
import os

import pytest

from pruner.machine import keep_kernels
from pruner.objectives import LossWeights
from pruner.train_options import add_learning, data_set_weight, loss_weights


def test_a_data_set_and_its_weight_are_a_name_and_a_number() -> None:
    assert data_set_weight("voc=2.5") == ("voc", 2.5)


@pytest.mark.parametrize("text", ["voc", "voc=", "=2", "voc=0", "voc=-1", "voc=nan", "voc=inf"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="like voc=3"):
        data_set_weight(text)


def test_room_for_compiled_kernels_is_made_unless_somebody_chose_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
    monkeypatch.delenv(name, raising=False)
    keep_kernels()
    assert int(os.environ[name]) > 9 * 3 * 76  # shapes, passes, convolutions
    monkeypatch.setenv(name, "7")
    keep_kernels()
    assert os.environ[name] == "7"


def test_every_loss_weighs_what_is_asked_for() -> None:
    parser = argparse.ArgumentParser()
    add_learning(parser)
    assert loss_weights(parser.parse_args([])) == LossWeights()
    asked = ["--semantic", "1", "--entropy", "2", "--detail", "3", "--matte", "4", "--pyramid", "5"]
    assert loss_weights(parser.parse_args(asked)) == LossWeights(1, 3, 4, 2, pyramid=5)
