import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from models import checkpoint
from models.modnet import MODNet
from pruner import train
from pruner.data import pairs, pictures, read_pair
from pruner.errors import PrunerError
from pruner.objectives import (
    LossWeights,
    distillation,
    label_terms,
    objective_of,
    self_supervised,
    starting_network,
    supervised,
)
from pruner.recalibration import recalibrate
from pruner.schedule import Progress, Settings
from pruner.trainer import Data, Trainer, train_mode
from pruner.training_set import Batch, Mix
from pruner.validation import Validation
from tests.clips import make_clip
from tests.pruner.people import TINY, write_people


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("people"), 6)


def network(seed: int = 0) -> MODNet:
    torch.manual_seed(seed)
    return MODNet(TINY)


def batch_of(people: Path) -> Batch:
    image, alpha = Validation(pairs(people)[:1], 96)._pictures[0]
    return Batch(image, alpha)


def trainer_in(
    folder: Path,
    people: Path,
    model: MODNet,
    fabric: Fabric | None = None,
    rooms: Sequence[Path] = (),
    **settings: object,
) -> Trainer:
    lines: list[str] = []
    made = Trainer(
        model,
        Settings(
            **{"epochs": 2, "batch": 2, "sizes": (64,), "warmup": 1, "workers": 0, **settings}
        ),  # type: ignore[arg-type]
        Data(
            pairs(people),
            rooms,
            Mix(composite=1, negative=0),
            Validation(pairs(people)[:2], 64),
            foregrounds=folder / "foregrounds",
        ),
        folder=folder,
        fabric=fabric or Fabric(accelerator="cpu", devices=1),
        report=lines.append,
    )
    made.lines = lines  # type: ignore[attr-defined]
    return made


def test_training_lowers_the_loss_and_leaves_everything_to_go_on_from(
    people: Path, tmp_path: Path
) -> None:
    model = network()
    objective = supervised(LossWeights())
    trainer = trainer_in(tmp_path, people, model, epochs=6, learning_rate=1e-2, ema=0.5)
    trainer.run(objective)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [0, 3, 6, 9, 12, 15, 18]
    first, last = (sum(rows[i]["losses"].values()) for i in (1, -1))
    assert last < first
    assert min(row["mse"] for row in rows) == rows[-1]["best_mse"] < rows[0]["mse"]
    assert checkpoint.load(tmp_path / "best.safetensors").widths == TINY


def test_colours_of_those_put_before_other_backgrounds_are_kept(
    people: Path, tmp_path: Path
) -> None:
    rooms = pictures(people / "image")[:1]
    trainer = trainer_in(tmp_path, people, network(), rooms=rooms, epochs=None, steps=2)
    trainer.run(supervised(LossWeights()))
    kept = {path.stem for path in (tmp_path / "foregrounds").iterdir()}
    assert kept
    assert kept <= {pair.name for pair in pairs(people)}


def test_an_interrupted_run_goes_on_to_the_same_weights(people: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    whole = trainer_in(tmp_path / "whole", people, network())
    whole.run(supervised(LossWeights()))

    class PowerCutError(Exception):
        pass

    def interrupted(model: torch.nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        if halves.progress.step == 3:
            raise PowerCutError
        return supervised(LossWeights())(model, batch)

    torch.manual_seed(5)
    halves = trainer_in(tmp_path / "halves", people, network())
    with pytest.raises(PowerCutError):
        halves.run(interrupted)
    halves = trainer_in(tmp_path / "halves", people, network(seed=9))
    halves.resume()
    assert halves.progress.step == 3
    halves.run(supervised(LossWeights()))
    expected, got = (
        torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("whole", "halves")
    )
    for name, tensor in expected["model"].items():
        assert torch.allclose(tensor, got["model"][name], atol=1e-6), name


def test_a_run_of_another_network_is_not_taken_up(people: Path, tmp_path: Path) -> None:
    trainer_in(tmp_path, people, network(), epochs=0).run(supervised(LossWeights()))
    with pytest.raises(PrunerError, match="another network"):
        other = MODNet()
        trainer_in(tmp_path, people, other).resume()
    last = tmp_path / "last.pt"
    last.write_bytes(last.read_bytes()[: last.stat().st_size // 2])
    with pytest.raises(PrunerError, match="damaged"):
        trainer_in(tmp_path, people, network()).resume()


@pytest.mark.parametrize(
    ("limits", "share"),
    [
        ({"epochs": 10}, 0.5),
        ({"epochs": 10, "minutes": 2}, 0.75),
        ({"epochs": 10, "minutes": 9}, 0.5),
        ({"steps": 60}, 50 / 60),
        ({"epochs": 1, "steps": 1000}, 1),
        ({"epochs": 0}, 1),
    ],
)
def test_the_first_limit_that_is_reached_ends_a_run(limits: dict[str, float], share: float) -> None:
    progress = Progress(step=50, seconds=90)
    assert progress.share(Settings(**limits), epoch_steps=10) == pytest.approx(share)  # type: ignore[arg-type]


def test_the_rate_rises_to_its_peak_and_falls_to_nothing() -> None:
    settings = Settings(warmup=10)
    assert settings.rate(0, 0) == pytest.approx(0.1)
    assert settings.rate(10, 0) == 1
    assert settings.rate(50, 0.5) == pytest.approx(0.5)
    assert settings.rate(99, 1) == pytest.approx(0)


def test_the_clock_of_the_first_of_several_devices_counts(people: Path, tmp_path: Path) -> None:
    class SecondDevice(Fabric):
        """The first one says that the time is up before the third step."""

        def broadcast(self, share: float, src: int = 0) -> float:
            return 1.0 if share >= 1 / 3 else share

    fabric = SecondDevice(accelerator="cpu", devices=1)
    trainer = trainer_in(tmp_path, people, network(), fabric)
    trainer.run(supervised(LossWeights()))
    assert trainer.progress.step == 2


def test_a_step_without_finite_gradients_is_left_out(people: Path, tmp_path: Path) -> None:
    def broken(model: torch.nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        terms = supervised(LossWeights())(model, batch)
        return {**terms, "matte": terms["matte"] * float("nan")}

    model = network()
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    trainer_in(tmp_path, people, model, epochs=1).run(broken)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]), name


def test_a_frozen_backbone_does_not_move(people: Path, tmp_path: Path) -> None:
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    trainer_in(tmp_path, people, model, epochs=1, backbone_factor=0.0).run(
        supervised(LossWeights())
    )
    moved = {
        name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])
    }
    assert moved
    assert not any(name.startswith("backbone.") for name in moved)


def test_the_backbones_batch_norms_keep_their_statistics_in_training() -> None:
    model = network()
    train_mode(model)
    assert model.training
    assert not any(module.training for module in model.backbone.modules())


def test_a_fresh_backbone_learns_its_statistics(people: Path, tmp_path: Path) -> None:
    model = network()
    before = {n: b.clone() for n, b in model.backbone.named_buffers() if "running" in n}
    trainer_in(tmp_path, people, model, epochs=1, fresh_backbone=True).run(
        supervised(LossWeights())
    )
    after = dict(model.backbone.named_buffers())
    assert not any(torch.equal(after[name], buffer) for name, buffer in before.items())


def test_self_supervision_keeps_the_statistics_of_all_norms(people: Path, tmp_path: Path) -> None:
    model = network()
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    weights = {name: parameter.clone() for name, parameter in model.named_parameters()}
    trainer_in(tmp_path, people, model, epochs=1, freeze_norms_after=0.0).run(
        objective_of("soc", model, LossWeights())
    )
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, before[name]), name
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, weights[n])}
    assert (
        "f_branch.conv_f.0.layers.1.bnorm.weight" in moved
    )  # what they learn, they go on learning


def test_semantic_training_moves_the_low_resolution_branch_alone(
    people: Path, tmp_path: Path
) -> None:
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    trainer = trainer_in(tmp_path, people, model, epochs=1, learning_rate=1e-2)
    trainer.run(objective_of("semantic", model, LossWeights()))
    moved = {n for n, tensor in model.state_dict().items() if not torch.equal(tensor, before[n])}
    assert {name.partition(".")[0] for name in moved} == {"backbone", "lr_branch"}
    assert "lr_branch.conv_lr.layers.0.weight" in moved
    assert "backbone.model.features.4.conv.0.weight" in moved
    assert "backbone.model.features.3.conv.0.weight" not in moved  # at 1/4: they take longest


def test_the_coarse_matte_is_the_semantic_prediction_scaled_up(people: Path) -> None:
    model = network().eval()
    image = batch_of(people).image * 2 - 1
    full, coarse = model(image, heads=True), model(image, coarse=True)
    assert torch.equal(coarse.semantic, full.semantic)
    assert coarse.matte.shape == full.matte.shape
    assert torch.allclose(
        torch.nn.functional.avg_pool2d(coarse.matte, 16), full.semantic, atol=0.05
    )


def test_the_command_freezes_norms_for_self_supervision_only(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen: list[float] = []
    monkeypatch.setattr(
        Trainer, "run", lambda self, _objective: frozen.append(self.settings.freeze_norms_after)
    )
    weights = tmp_path / "tiny.safetensors"
    checkpoint.save(network(), weights)
    for mode in ("soc", "finetune"):
        options = ["--weights", str(weights), "--data", str(people), "--output", str(tmp_path)]
        assert train.main([mode, *options]) == 0
    assert frozen == [0.0, 1.0]


def test_fresh_weights_stand_on_the_given_backbone_if_it_stays_frozen() -> None:
    given = network()
    torch.manual_seed(1)
    assert starting_network("finetune", given) is given
    fresh = starting_network("scratch", given)
    on_given = starting_network("scratch", given, freeze_backbone=True)
    for network_, same in ((fresh, False), (on_given, True)):
        assert torch.equal(first_filters(network_), first_filters(given)) == same
        assert not torch.equal(
            network_.lr_branch.conv_lr8x.conv.weight, given.lr_branch.conv_lr8x.conv.weight
        )


def first_filters(model: MODNet) -> torch.Tensor:
    weight = model.backbone.model.features[0][0].weight
    assert isinstance(weight, torch.Tensor)
    return weight


def test_recalibration_makes_batch_norms_see_normalised_channels(people: Path) -> None:
    model = network()
    norm = model.f_branch.conv_f[0].layers[1].bnorm
    norm.running_mean.fill_(100.0)
    recalibrate(model, pairs(people), size=64, batches=3)
    assert norm.running_mean.abs().max() < 10
    assert norm.momentum == 0.1
    assert not model.training


def test_a_weight_of_zero_leaves_its_head_out(people: Path) -> None:
    model, batch = network(), batch_of(people)
    nothing = LossWeights(semantic=0, entropy=0, detail=0, gradient=0, pyramid=0)
    terms = supervised(nothing)(model, batch)
    assert set(terms) == {"matte"}


@pytest.mark.parametrize("mode", ["finetune", "distil"])
def test_without_its_loss_the_detail_head_is_neither_computed_nor_trained(
    people: Path, mode: str
) -> None:
    model, teacher, computed = network(), network(seed=1), []
    for each in (model, teacher):
        each.hr_branch.conv_hr.register_forward_hook(lambda module, *_: computed.append(module))
    without = objective_of(mode, model, LossWeights(detail=0), teacher)
    assert "detail" not in without(model, batch_of(people))
    assert computed == []
    assert not any(p.requires_grad for p in model.hr_branch.conv_hr.parameters())
    objective_of(mode, model, LossWeights(), teacher)(model, batch_of(people))
    assert computed == [model.hr_branch.conv_hr]  # nothing is asked of the teacher's
    assert all(p.requires_grad for p in model.hr_branch.conv_hr.parameters())


def test_a_head_that_nothing_is_asked_of_is_not_waited_for() -> None:
    model = network()
    objective_of("finetune", model, LossWeights(semantic=0, entropy=0))
    assert not any(p.requires_grad for p in model.lr_branch.conv_lr.parameters())
    assert all(p.requires_grad for p in model.hr_branch.conv_hr.parameters())


def test_a_teacher_that_is_the_student_has_nothing_to_teach(people: Path) -> None:
    student = network().eval()
    teacher = network().eval()
    terms = distillation(student, teacher, LossWeights())(student, batch_of(people))
    assert {"teacher matte", "teacher semantic", "teacher conv_lr8x"} <= set(terms)
    assert all(term.item() < 1e-10 for name, term in terms.items() if name.startswith("teacher"))
    other = distillation(student, network(seed=1).eval(), LossWeights())(student, batch_of(people))
    assert other["teacher semantic"].item() > 1e-6


def test_where_teacher_and_label_disagree_the_label_counts(people: Path) -> None:
    student, teacher, batch = network().eval(), network(seed=1).eval(), batch_of(people)
    contradicted = Batch(batch.image, (teacher(batch.image * 2 - 1).matte < 0.5).float())
    terms = distillation(student, teacher, LossWeights())(student, contradicted)
    assert terms["teacher matte"].item() == 0


def test_self_supervision_looks_at_no_label(people: Path) -> None:
    model, batch = network().eval(), batch_of(people)
    objective = self_supervised(network().eval())
    torch.manual_seed(1)
    first = objective(model, batch)
    torch.manual_seed(1)
    again = objective(model, Batch(batch.image, 1 - batch.alpha))
    assert {name: term.item() for name, term in first.items()} == {
        n: t.item() for n, t in again.items()
    }
    assert first["detail"].item() == 0  # nothing has moved yet


def test_supervised_losses_name_their_terms(people: Path) -> None:
    model, batch = network(), batch_of(people)
    terms = label_terms(model(batch.image * 2 - 1, heads=True), batch, LossWeights())
    assert list(terms) == ["semantic", "entropy", "detail", "matte", "gradient", "pyramid"]
    assert all(np.isfinite(term.item()) for term in terms.values())


def test_the_command_trains_two_epochs_and_names_the_result(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "tiny.safetensors"
    checkpoint.save(network(), weights)
    arguments = [
        *("--weights", str(weights), "--data", str(people), "--output", str(tmp_path / "run")),
        *("--epochs", "2", "--batch", "2", "--sizes", "64", "--val-size", "64", "--workers", "0"),
    ]
    assert train.main(["finetune", *arguments]) == 0
    assert "best.safetensors" in capsys.readouterr().out
    assert checkpoint.load(tmp_path / "run" / "best.safetensors").widths == TINY
    assert train.main(["finetune", *arguments]) == 2
    assert "--resume" in capsys.readouterr().err
    assert train.main(["semantic", *arguments, "--resume"]) == 2
    assert "another mode" in capsys.readouterr().err
    assert train.main(["finetune", *arguments, "--resume"]) == 0


@pytest.mark.parametrize(
    ("code", "arguments", "message"),
    [
        (2, ["distil"], "--teacher"),
        (2, ["finetune", "--sizes", "100"], "multiples of 32"),
        (2, ["finetune", "--resume"], "nothing to resume"),
        (2, ["finetune", "--emphasis", "voc=3"], "no pictures in"),
        (2, ["finetune", "--composite", "0.7", "--negative", "0.4"], "of 1 at most together"),
        (1, ["finetune", "--data", "nowhere"], "nowhere: no such folder"),
        (1, ["finetune", "--weights", "nothing.safetensors"], "nothing.safetensors: no such file"),
    ],
)
def test_what_cannot_work_is_one_line(
    people: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    code: int,
    arguments: list[str],
    message: str,
) -> None:
    defaults = ["--weights", "x", "--data", str(people), "--output", str(tmp_path / "run")]
    assert train.main([arguments[0], *defaults, *arguments[1:]]) == code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("workers", [0, 1])
def test_a_picture_that_cannot_be_used_is_one_line_whoever_draws_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: int
) -> None:
    people = write_people(tmp_path / "people", 4)
    for item in pairs(people):
        assert item.alpha is not None
        shorter = read_pair(item)[1][:-1]
        cv2.imwrite(str(item.alpha), shorter)
    weights = tmp_path / "tiny.safetensors"
    checkpoint.save(network(), weights)
    arguments = [
        *("finetune", "--weights", str(weights), "--data", str(people), "--workers", str(workers)),
        *("--val", str(write_people(tmp_path / "val", 1)), "--output", str(tmp_path / "run")),
        *("--epochs", "1", "--batch", "2", "--sizes", "64", "--val-size", "64"),
    ]
    assert train.main(arguments) == 1
    error = capsys.readouterr().err
    assert "a matte has its picture's size" in error
    assert error.startswith(f"error: {people}")
    assert error.count("\n") == 1


def test_an_option_out_of_its_range_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for option, value in (
        *(("--batch", "0"), ("--devices", "abc"), ("--minutes", "0"), ("--negative", "1.5")),
        *(("--lr", "nan"), ("--matte", "-1"), ("--precision", "9")),
    ):
        with pytest.raises(SystemExit) as ended:
            train.main(
                ["finetune", "--weights", "x", "--output", "x", "--data", "x", option, value]
            )
        assert ended.value.code == 2
        assert f"argument {option}" in capsys.readouterr().err


def test_a_teacher_may_be_a_published_checkpoint(people: Path, tmp_path: Path) -> None:
    weights, teacher = tmp_path / "tiny.safetensors", tmp_path / "teacher.ckpt"
    checkpoint.save(network(), weights)
    torch.save(MODNet().state_dict(), teacher)
    arguments = [
        *("distil", "--weights", str(weights), "--teacher", str(teacher), "--data", str(people)),
        *("--output", str(tmp_path / "run"), "--epochs", "1", "--batch", "2", "--sizes", "64"),
        *("--val-size", "64", "--workers", "0"),
    ]
    assert train.main(arguments) == 0
    assert (tmp_path / "run" / "best.safetensors").is_file()


def test_self_supervision_takes_pictures_and_videos_without_mattes(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "tiny.safetensors"
    checkpoint.save(network(), weights)
    (tmp_path / "clips").mkdir()
    make_clip(tmp_path / "clips" / "talk.mp4", frames=20)
    common = ["soc", "--weights", str(weights), "--epochs", "1", "--workers", "0", "--batch", "2"]
    common += ["--sizes", "64", "--val-size", "64", "--val-limit", "1"]
    for data, name in ((people / "image", "a"), (tmp_path / "clips", "b")):
        arguments = [*common, "--data", str(data), "--output", str(tmp_path / name)]
        assert train.main([*arguments, "--val", str(people)]) == 0
    frames = sorted((tmp_path / "b" / "frames" / "talk").iterdir())
    assert [path.name for path in frames[:2]] == ["talk_00000.jpg", "talk_00001.jpg"]
    assert 2 <= len(frames) < 20
    assert train.main([*common, "--data", str(people / "image"), "--output", "x"]) == 2
    assert "give --val" in capsys.readouterr().err
