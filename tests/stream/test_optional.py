from __future__ import annotations

import math

import pytest

from stream.errors import UsageError
from stream.optional import optional_module


def test_a_module_that_is_there_is_given() -> None:
    assert optional_module("math", needed_for="counting") is math


def test_one_that_is_missing_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(UsageError, match="counting needs no_such_package") as caught:
        optional_module("no_such_package.part", needed_for="counting")
    assert caught.value.hint == "pip install no_such_package"
