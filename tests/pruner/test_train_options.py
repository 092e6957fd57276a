import argparse

import pytest

from pruner.train_options import data_set_weight


def test_a_data_set_and_its_weight_are_a_name_and_a_number() -> None:
    assert data_set_weight("voc=2.5") == ("voc", 2.5)


@pytest.mark.parametrize("text", ["voc", "voc=", "=2", "voc=0", "voc=-1", "voc=nan", "voc=inf"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="like voc=3"):
        data_set_weight(text)
