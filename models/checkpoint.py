"""Weights on disk: safetensors with the widths in the header, and the published checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from models.modnet import MODNet
from models.widths import MODNetWidths


class CheckpointError(Exception):
    """A weights file that cannot be used; the message names the file and what is wrong with it."""


def save(
    model: MODNet, path: Path, *, half: bool = False, notes: Mapping[str, str] | None = None
) -> None:
    """Write weights and widths as safetensors.

    Args:
        model: The network.
        path: Target file; its folder is made.
        half: Store floating-point tensors as float16, as shipped weights are; those with numbers
            beyond its 65504, as variances may be, as they are.
        notes: Further entries for the header, such as where the weights come from.

    Raises:
        CheckpointError: The file cannot be written.
    """
    tensors = {
        name: _halved(tensor.detach().cpu()) if half else tensor.detach().cpu()
        for name, tensor in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    header = {**(notes or {}), "arch": "MODNet", "widths": model.widths.to_json()}
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial, header)
        partial.replace(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: cannot be written ({error})") from error


def _halved(tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point() or tensor.abs().max() > torch.finfo(torch.float16).max:
        return tensor
    return tensor.half()


def load(path: Path) -> MODNet:
    """Read a file that `save` wrote; without widths in its header it must be the published size.

    Returns:
        The network in float32 and evaluation mode.

    Raises:
        CheckpointError: No such file, not safetensors, not a MODNet, or tensors that do not fit the
        widths or are not finite.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a safetensors file ({error})") from error
    if header.get("arch", "MODNet") != "MODNet":
        raise CheckpointError(f"{path}: expected arch MODNet, got {header['arch']}")
    try:
        widths = MODNetWidths.from_json(header["widths"]) if "widths" in header else MODNetWidths()
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path}: the header's widths cannot be read: {error}") from error
    return build(widths, tensors, path)


def load_official(path: Path, widths: MODNetWidths | None = None) -> MODNet:
    """Read a checkpoint in the published layout (`.ckpt`, `.pth`: a pickled state dict).

    Accepts the `module.` prefix of data-parallel training and the backbone stored a second time
    under `lr_branch`.

    Args:
        path: The file. It is unpickled with `weights_only=True`: code in it is refused, not run.
        widths: Channel counts, where they differ from the published network.

    Raises:
        CheckpointError: As for `load`, or a pickle that holds more than tensors.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the damaged pickle or zip raised
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path}: not a checkpoint of tensors only ({reason})") from error
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(
        isinstance(value, Tensor) for value in state.values()
    ):
        raise CheckpointError(f"{path}: expected a state dict of tensors")
    tensors = {
        str(name).removeprefix("module.").replace(".cbr.", "."): tensor
        for name, tensor in state.items()
    }
    return build(
        widths or MODNetWidths(),
        {
            name: tensor
            for name, tensor in tensors.items()
            if not name.startswith("lr_branch.backbone.")
        },
        path,
    )


def build(widths: MODNetWidths, tensors: Mapping[str, Tensor], path: Path) -> MODNet:
    """A network of these widths that holds these tensors.

    Raises:
        CheckpointError: A tensor is missing, unknown, of another shape or not finite; the message
        names it and `path`.
    """
    model = MODNet(widths)
    expected = model.state_dict()
    for name, tensor in expected.items():
        if name.endswith("num_batches_tracked"):
            continue
        if name not in tensors:
            raise CheckpointError(f"{path}: tensor {name} is missing")
        if tensors[name].shape != tensor.shape:
            want, got = tuple(tensor.shape), tuple(tensors[name].shape)
            raise CheckpointError(f"{path}: tensor {name} should have shape {want}, got {got}")
        if not torch.isfinite(tensors[name]).all():
            raise CheckpointError(f"{path}: tensor {name} holds numbers that are not finite")
    if unknown := sorted(set(tensors) - set(expected)):
        raise CheckpointError(
            f"{path}: unknown tensor {unknown[0]} ({len(unknown)} in all): "
            "not a MODNet of these widths"
        )
    model.load_state_dict({name: tensors.get(name, tensor) for name, tensor in expected.items()})
    return model.eval()
