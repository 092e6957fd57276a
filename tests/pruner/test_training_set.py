from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pruner.augment import compressed, photometric
from pruner.data import Pair, pairs, pictures
from pruner.training_set import Mix, Plan, Request, TrainingSet, put_behind, shape_of
from tests.pruner.people import write_people


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("people"), 4)


def make(people: Path, mix: Mix, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    made = TrainingSet(pairs(people), pictures(people / "image"), mix)
    return made[Request(0, (64, 96), seed)]


@pytest.mark.parametrize(
    "mix", [Mix(0, 0), Mix(1, 0), Mix(0, 1)], ids=["natural", "composite", "negative"]
)
def test_every_kind_has_the_asked_shape_and_range(people: Path, mix: Mix) -> None:
    for seed in range(5):
        image, alpha = make(people, mix, seed)
        assert image.shape == (3, 64, 96)
        assert alpha.shape == (1, 64, 96)
        for tensor in (image, alpha):
            assert tensor.dtype == torch.float32
            assert 0 <= tensor.min() <= tensor.max() <= 1


def test_the_same_request_makes_the_same_picture(people: Path) -> None:
    first, again, other = (make(people, Mix(1, 0), seed) for seed in (3, 3, 4))
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], other[0])


def test_a_negative_holds_nobody(people: Path) -> None:
    assert make(people, Mix(0, 1))[1].max() == 0


def test_a_composite_keeps_the_person_and_loses_the_room(people: Path, tmp_path: Path) -> None:
    green = np.zeros((90, 90, 3), np.uint8)
    green[..., 1] = 200
    assert cv2.imwrite(str(tmp_path / "green.png"), green)
    made = TrainingSet(pairs(people), [tmp_path / "green.png"], Mix(1, 0, group=0))
    image, alpha = made[Request(0, (64, 64), 1)]
    room = image[:, alpha[0] == 0]
    assert torch.allclose(
        room, torch.tensor([[0.0], [200 / 255], [0.0]]).expand_as(room), atol=0.02
    )
    assert image[0][alpha[0] > 0.99].mean() > 0.5


def test_the_people_behind_a_cut_out_stay_in_the_matte(people: Path, tmp_path: Path) -> None:
    (tmp_path / "room.png").write_bytes(next(people.glob("image/*")).read_bytes())
    alone, group = (
        TrainingSet(pairs(people), [tmp_path / "room.png"], Mix(1, 0, group=share))
        for share in (0, 1)
    )
    more = 0.0
    for seed in range(4):
        image, alpha = group[Request(0, (64, 64), seed)]
        bright = image.mean(dim=0) > 0.5  # everybody in these pictures is
        assert alpha[0][bright].mean() > 0.9
        more += float((alpha - alone[Request(0, (64, 64), seed)][1]).clamp_min(0).mean())
    assert more > 0.05


def test_things_stand_behind_people_and_never_in_the_matte(people: Path, tmp_path: Path) -> None:
    thing = np.zeros((40, 40, 4), np.uint8)
    thing[5:35, 5:35] = (0, 200, 0, 255)
    assert cv2.imwrite(str(tmp_path / "thing.png"), thing)
    items, mix = pairs(people), Mix(0, 0, objects=1)
    without = TrainingSet(items, (), mix)
    crowded = TrainingSet(items, (), mix, [tmp_path / "thing.png"])
    green = 0.0
    for seed in range(6):
        request = Request(0, (64, 96), seed)
        image, matte = crowded[request]
        assert torch.equal(matte, without[request][1])
        green += float((image[1] - image[0] > 0.7).float().mean())
    assert green > 0.1


def test_a_thing_covers_what_people_do_not() -> None:
    image = np.full((4, 6, 3), 100, np.uint8)
    alpha = np.zeros((4, 6), np.uint8)
    alpha[:, 3:] = 255
    thing = np.zeros((4, 6, 4), np.uint8)
    thing[:2] = (0, 200, 0, 255)
    made = put_behind(image, alpha, thing)
    assert np.array_equal(made[:2, :3], np.full((2, 3, 3), (0, 200, 0)))
    assert np.array_equal(made[2:], image[2:])  # nothing there
    assert np.array_equal(made[:, 3:], image[:, 3:])  # somebody in front


def test_without_backgrounds_every_picture_is_natural(people: Path) -> None:
    made = TrainingSet(pairs(people), (), Mix(0.5, 0.5))
    assert all(made[Request(0, (64, 64), seed)][1].max() > 0.5 for seed in range(6))


def test_a_plan_can_be_taken_up_at_any_step(people: Path) -> None:
    def plan(start: int) -> Plan:
        return Plan(pairs(people), batch=3, sizes=(64, 96), seed=7, start=start)

    assert list(islice(plan(2), 3)) == list(islice(plan(0), 5))[2:]


def test_devices_draw_the_same_shapes_and_pictures_of_their_own(people: Path) -> None:
    items = pairs(people)
    plans = [
        list(islice(Plan(items, batch=2, sizes=(64, 96), seed=7, device=device), 8))
        for device in (0, 1)
    ]
    shapes, seeds = (
        [[[getattr(r, name) for r in batch] for batch in plan] for plan in plans]
        for name in ("shape_hw", "seed")
    )
    assert shapes[0] == shapes[1]
    assert seeds[0] != seeds[1]


def test_what_is_emphasised_is_drawn_more_often() -> None:
    items = [Pair(f"{name}_{i}", Path(), Path()) for name in ("rare", "often") for i in range(4)]
    plan = Plan(items, batch=100, sizes=(64,), seed=0, emphasis={"often": 9})
    drawn = [request.item for batch in islice(plan, 10) for request in batch]
    assert np.mean([item >= 4 for item in drawn]) == pytest.approx(0.9, abs=0.03)


def test_some_pictures_are_as_jpeg_files_have_them() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    made = [compressed(image, np.random.default_rng(seed)) for seed in range(200)]
    changed = [each for each in made if not np.array_equal(each, image)]
    assert 15 <= len(changed) <= 45  # 15 %
    assert all(each.shape == image.shape for each in changed)
    assert abs(changed[0].astype(int) - image).mean() < 60  # its channels in order


@pytest.mark.parametrize(
    ("aspect", "shape"),
    [(1.0, (96, 96)), (4 / 3, (96, 128)), (3 / 4, (128, 96)), (16 / 9, (96, 160))],
)
def test_batch_shapes_are_multiples_of_32(aspect: float, shape: tuple[int, int]) -> None:
    assert shape_of(96, aspect) == shape


def test_photometric_changes_pictures_and_keeps_shape() -> None:
    torch.manual_seed(0)
    image = torch.rand(4, 3, 64, 64)
    changed = photometric()(image)
    assert changed.shape == image.shape
    assert not torch.equal(changed, image)
