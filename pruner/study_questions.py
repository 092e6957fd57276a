"""What can be asked: which networks answer it, and how each comes about."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from models.modnet import MODNet
from pruner.compress import Wish, compress
from pruner.cost import cost
from pruner.policy import MIN_KEEP, Limits
from pruner.published import load_network
from pruner.run_folder import fingerprint
from pruner.study_lab import Lab, Row


def modes(lab: Lab, options: argparse.Namespace) -> list[Row]:
    """Inherited weights, fresh ones or a teacher; the backbone trained along or left as it is.

    All start from one pruned network, its batch norms estimated anew. Fresh branches before a
    backbone that is left as it is stand on the inherited one. The budget is budget E of Liu et al.
    (Rethinking the value of network pruning, ICLR 2019), as much as the others have; budget B is as
    many multiply-accumulates as the network before pruning would need for that.
    """
    teacher = load_network(options.teacher)
    pruned = load_network(options.weights)
    rows = [
        lab.once("original", partial(_as_it_is, lab, teacher)),
        lab.once("pruned", partial(_recalibrated, lab, pruned)),
    ]
    start = lab.network("pruned")
    kinds = {"finetune": 1.0, "distil": 1.0, "scratch": 1.0}
    if options.budget_b:
        kinds["scratch-b"] = (
            cost(teacher.widths).macs_with_heads / cost(start.widths).macs_with_heads
        )
    for kind, longer in kinds.items():
        for frozen in (False, True):
            work = partial(
                lab.retrained,
                mode=kind.partition("-")[0],
                start=start,
                teacher=teacher,
                freeze_backbone=frozen,
                longer=longer,
            )
            row = lab.once(f"{kind}-fixed" if frozen else kind, work)
            rows.append({**row, "kind": kind, "fixed": frozen})
    return rows


def importance(lab: Lab, options: argparse.Namespace) -> list[Row]:
    """What makes a channel important, at the same cost: as cut, recalibrated, and retrained.

    `taylor-greedy` is `taylor` with the policy of that name.
    """
    original = load_network(options.weights)
    rows = [lab.once("original", partial(_as_it_is, lab, original))]
    for name in options.criteria:
        criterion, _, policy = name.partition("-")
        wish = Wish(
            ratio=options.ratio,
            policy=policy or "threshold",
            criterion=criterion,
            data=options.data,
            limits=_limits(options),
            max_macs=options.target_macs,
            max_parameters=options.target_params,
            seed=options.seed,
        )
        work = partial(_pruned, lab, original, wish, options.retraining, with_stages=True)
        rows.append(lab.once(name, work))
    return rows


def sweep(lab: Lab, options: argparse.Namespace) -> list[Row]:
    """Quality against latency for all ratios and thresholds; what is shipped stands beside them."""
    original = load_network(options.weights)
    shipped = f"shipped-{fingerprint(options.shipped)}"  # a better one may be shipped meanwhile
    works = {
        "original": partial(_as_it_is, lab, original),
        shipped: partial(_as_it_is, lab, load_network(options.shipped)),
    }
    for ratio in options.ratios:
        for threshold in options.thresholds:
            wish = Wish(
                ratio=ratio, threshold=threshold, limits=_limits(options), seed=options.seed
            )
            name = f"ratio-{ratio:g}-threshold-{threshold:g}"
            works[name] = partial(_pruned, lab, original, wish, options.retraining)
    rows = {name: lab.once(name, work) for name, work in works.items()}
    rows[shipped]["name"] = "shipped"
    latencies = lab.latencies(list(rows), device=options.device)
    return [{**row, "latency_ms": latencies[name]} for name, row in rows.items()]


ASK: dict[str, Callable[[Lab, argparse.Namespace], list[Row]]] = {
    "modes": modes,
    "importance": importance,
    "sweep": sweep,
}
"""By the name of a question, what answers it."""


def _as_it_is(lab: Lab, model: MODNet, folder: Path) -> Row:
    lab.save(model, folder)
    return lab.scores(model)


def _recalibrated(lab: Lab, model: MODNet, folder: Path) -> Row:
    return _as_it_is(lab, lab.recalibrated(model), folder)


def _pruned(
    lab: Lab, original: MODNet, wish: Wish, mode: str, folder: Path, *, with_stages: bool = False
) -> Row:
    """Prune, recalibrate, retrain; on request with the error after each."""
    result = compress(original, wish)
    start = lab.recalibrated(result.model)
    row: Row = {"ratio": result.ratio, "threshold": result.threshold}
    if with_stages:
        row["mse_cut"] = lab.scores(result.model)["mse"]
        row["mse_recalibrated"] = lab.scores(start)["mse"]
    return {**row, **lab.retrained(folder, mode=mode, start=start, teacher=original)}


def _limits(options: argparse.Namespace) -> Limits:
    return Limits(dict(options.keep), MIN_KEEP if options.min_keep is None else options.min_keep)
