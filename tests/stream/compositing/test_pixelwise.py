from __future__ import annotations

import threading

import numpy as np
import pytest

from stream.compositing.pixelwise import Pixelwise, Values, number


def weighted(first: Values, second: Values) -> Values:
    return first * number(1.5) - second / number(4)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).integers(0, 256, shape, np.uint8)


def expected(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    exact = 1.5 * first.astype(float) - second / 4
    return np.clip(np.floor(exact + 0.5), 0, 255)


@pytest.mark.parametrize("shape", [(1,), (7, 5), (33, 17, 3), (64, 48)])
def test_a_formula_is_computed_for_every_sample_then_rounded_and_saturated_once(
    shape: tuple[int, ...],
) -> None:
    first, second = noise(*shape), noise(*shape)[::-1].copy()
    result = Pixelwise(weighted)(first, second)
    assert result.dtype == np.uint8
    assert result.shape == shape
    assert (result == expected(first, second)).all()


def test_pictures_may_be_views_and_may_be_read_only() -> None:
    whole = noise(20, 30)
    view, other = whole[3:13, ::2], noise(10, 15)
    other.flags.writeable = False
    assert (Pixelwise(weighted)(view, other) == expected(view, other)).all()


def test_a_result_belongs_to_nobody_else_and_the_pictures_stay_as_they_are() -> None:
    combine = Pixelwise(weighted)
    first, second = noise(8, 8), noise(8, 8)
    kept = first.copy(), second.copy()
    result = combine(first, second)
    same = result.copy()
    combine(255 - first, second)
    assert (result == same).all()
    result[:] = 7
    assert (first == kept[0]).all()
    assert (second == kept[1]).all()


def test_many_sizes_take_turns_and_only_the_latest_few_stay_compiled() -> None:
    combine = Pixelwise(weighted)
    for side in (3, 4, 5, 6, 7, 3, 7):
        picture = noise(side, side)
        assert (combine(picture, picture) == expected(picture, picture)).all()
    assert len(combine._requests) == 4


def test_several_threads_may_use_one_formula() -> None:
    combine, wrong = Pixelwise(weighted), []

    def work(seed: int) -> None:
        pictures = np.random.default_rng(seed).integers(0, 256, (2, 40, 40), np.uint8)
        for _ in range(20):
            if (combine(*pictures) != expected(*pictures)).any():
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
