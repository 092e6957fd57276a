"""Runs a network in OpenVINO 2021.4 for a program that runs under a newer Python.

    python worker.py NETWORK PLUGIN FOLDER

Stands alone: Python 3.6 to 3.9, numpy and openvino==2021.4.2 are all it needs. The network takes
(1, 3, h, w) RGB in [-1, 1] and gives (1, 1, h, w) in [0, 1]; it is read from IR version 10 or ONNX.

Messages on standard input and output are JSON behind their length (4 bytes, big-endian). Pictures
and mattes lie in FOLDER/ID, which both sides map: the slots' pictures, (h, w, 3) uint8 BGR each,
then their mattes, (h, w) uint8 each. An answer is `{"error": "one line"}` when something failed.

    {"do": "find"}                  answered when PLUGIN has a device
    {"do": "open", "id": "0", "size_wh": [512, 288], "slots": 2}
                                    answered when the network is compiled for that size
    {"do": "start", "id": "0", "slot": 1}
                                    not answered; an error is kept for `wait`
    {"do": "wait", "id": "0", "slot": 1}
                                    answered when the slot's matte is there
    {"do": "close", "id": "0"}      not answered
    {"do": "query", "size_wh": [512, 288]}
                                    answered with the layers that PLUGIN would not take

The first answer comes unasked, when the network has been read. The worker ends with its input, and
then removes what it mapped, in case the program was killed.
"""

import contextlib
import json
import mmap
import os
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

FIND_S = 3.0
"""How long a stick may take to appear, in seconds: one that was reset is away for a moment."""

INFER_MS = 10000
"""How long an inference may take, in milliseconds."""


UNANSWERED = ("start", "close")


class CompiledNetwork:
    """The network compiled for one input size, and the slots of its pictures and mattes."""

    def __init__(self, core: Any, path: str, plugin: str, memory: Path, message: Any) -> None:
        width, height = message["size_wh"]
        slots = message["slots"]
        network, self._input, self._output = read(core, path, (width, height))
        # The CPU plugin would otherwise compute in bfloat16 where the processor can.
        config = {"ENFORCE_BF16": "NO"} if plugin == "CPU" else {}
        self._compiled = core.load_network(network, plugin, config, num_requests=slots)
        with memory.open("r+b") as file:
            pixels = np.frombuffer(mmap.mmap(file.fileno(), 0), np.uint8)
        split = slots * height * width * 3
        self._pictures = pixels[:split].reshape(slots, height, width, 3)
        self._mattes = pixels[split:].reshape(slots, height, width)
        self._errors = {}  # type: dict[int, Exception]

    def start(self, slot: int) -> None:
        """Begin to infer a slot's picture."""
        try:
            request = self._compiled.requests[slot]
            target = request.input_blobs[self._input].buffer[0]
            rgb = self._pictures[slot].transpose(2, 0, 1)[::-1]
            np.divide(rgb, np.float32(127.5), out=target, dtype=np.float32)
            target -= 1
            request.async_infer()
        except Exception as error:
            self._errors[slot] = error

    def wait(self, slot: int) -> None:
        """Wait until a slot's matte is there."""
        if slot in self._errors:
            raise self._errors.pop(slot)
        request = self._compiled.requests[slot]
        status = request.wait(INFER_MS)
        if status != 0:
            raise RuntimeError(f"the inference failed with status {status}")
        matte = request.output_blobs[self._output].buffer[0, 0]
        np.rint(matte * 255, out=self._mattes[slot], casting="unsafe")


class Server:
    """Does what the messages say."""

    def __init__(self, path: str, plugin: str, folder: Path) -> None:
        from openvino.inference_engine import IECore

        self._core = IECore()
        self._path, self._plugin, self._folder = path, plugin, folder
        self._networks = {}  # type: dict[str, CompiledNetwork]
        self._core.read_network(path)

    def answer(self, message: Any) -> "dict[str, Any] | None":
        """Do one thing; None if it is not to be answered."""
        action = getattr(self, "do_" + message["do"])
        if message["do"] in UNANSWERED:
            action(message)
            return None
        try:
            found = action(message)
        except Exception as error:
            return {"error": one_line(error)}
        return found  # type: ignore[no-any-return]

    def leave(self) -> None:
        """Remove what the program could not remove if it was killed."""
        with contextlib.suppress(OSError):
            for name in self._networks:
                (self._folder / name).unlink()
            self._folder.rmdir()

    def do_find(self, message: Any) -> "dict[str, Any]":
        """Wait until the plugin has a device."""
        plugin = self._plugin.split(":")[-1].split(",")[0]
        self._core.get_versions(plugin)  # tells which library is missing, if one is
        deadline = time.monotonic() + FIND_S
        while not any(name.startswith(plugin) for name in self._core.available_devices):
            if time.monotonic() > deadline:
                raise RuntimeError("no stick found")
            time.sleep(0.1)
        return {}

    def do_open(self, message: Any) -> "dict[str, Any]":
        """Compile the network for a size."""
        name = message["id"]
        self._networks[name] = CompiledNetwork(
            self._core, self._path, self._plugin, self._folder / name, message
        )
        return {}

    def do_start(self, message: Any) -> None:
        """Begin to infer."""
        self._networks[message["id"]].start(message["slot"])

    def do_wait(self, message: Any) -> "dict[str, Any]":
        """Wait for a matte."""
        self._networks[message["id"]].wait(message["slot"])
        return {}

    def do_close(self, message: Any) -> None:
        """Forget a network."""
        del self._networks[message["id"]]

    def do_query(self, message: Any) -> "dict[str, Any]":
        """Ask the plugin which layers it would take. It needs no device to tell."""
        import ngraph  # type: ignore[import-not-found]  # it comes with the old runtime

        network = read(self._core, self._path, message["size_wh"])[0]
        taken = self._core.query_network(network, self._plugin)
        layers = ngraph.function_from_cnn(network).get_ordered_ops()
        names = [(layer.get_type_name(), layer.get_friendly_name()) for layer in layers]
        return {"layers": len(names), "left_out": [name for name in names if name[1] not in taken]}


def read(core: Any, path: str, size_wh: Any) -> "tuple[Any, str, str]":
    """The network at a size, and the names of what goes in and comes out."""
    network = core.read_network(path)
    (source,), (result,) = network.input_info, network.outputs
    width, height = size_wh
    network.reshape({source: (1, 3, height, width)})
    network.input_info[source].precision = "FP32"
    network.outputs[result].precision = "FP32"
    return network, source, result


def one_line(error: Exception) -> str:
    """An error's text; OpenVINO's have many lines."""
    return " ".join(str(error).split())[:500] or type(error).__name__


def receive(source: BinaryIO) -> Any:
    """The next message; None at the end."""
    length = source.read(4)
    if len(length) < 4:
        return None
    return json.loads(source.read(struct.unpack(">I", length)[0]).decode("utf-8"))


def send(target: BinaryIO, message: "dict[str, Any]") -> None:
    """Write one message."""
    text = json.dumps(message).encode("utf-8")
    target.write(struct.pack(">I", len(text)) + text)
    target.flush()


def main() -> None:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program, which then ends us
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what OpenVINO prints must not get between the answers
    path, plugin, folder = sys.argv[1:]
    try:
        server = Server(path, plugin, Path(folder))
    except Exception as error:
        send(answers, {"error": one_line(error)})
        return
    send(answers, {})
    message = receive(sys.stdin.buffer)
    while message is not None:
        answer = server.answer(message)
        if answer is not None:
            send(answers, answer)
        message = receive(sys.stdin.buffer)
    server.leave()


if __name__ == "__main__":
    main()
