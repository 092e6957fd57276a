"""Runs the NCS2's worker under this Python, with a stand-in for OpenVINO 2021.4.

Started as the worker is. The plugin's name says what goes wrong; the matte is the green channel.
Where a fault happens once only, the network's file is the memory of it.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "stream" / "ncs2"))
import worker


class Request:
    def __init__(self, plugin: str, path: Path, shape: tuple[int, ...]) -> None:
        self._plugin, self._path = plugin, path
        self.input_blobs = {"image": SimpleNamespace(buffer=np.zeros(shape, np.float32))}
        self.output_blobs = {"matte": SimpleNamespace(buffer=None)}

    def async_infer(self) -> None:
        image = self.input_blobs["image"].buffer
        self.output_blobs["matte"].buffer = (image[:, 1:2] + 1) / 2
        if self._plugin == "NOT_STARTED":
            raise RuntimeError("cannot\nstart")

    def wait(self, timeout_ms: int) -> int:
        first = self._plugin == "DIES" or self._path.read_text() == ""
        if self._plugin in ("DIES", "DIES_ONCE") and first:
            self._path.write_text("died")
            print("Segmentation fault", file=sys.stderr)
            os._exit(11)
        if self._plugin == "HANGS":
            time.sleep(60)
        return {"UNPLUGGED": -5}.get(self._plugin, 0)


class Core:
    available_devices = ("CPU", *(name for name in sys.argv[2:3] if name != "MYRIAD"))

    def read_network(self, path: str) -> Any:
        if Path(path).read_text() == "nonsense":
            raise RuntimeError("Unknown model format!\n  Cannot find reader")
        ends = {"image": SimpleNamespace()}, {"matte": SimpleNamespace()}
        network = SimpleNamespace(input_info=ends[0], outputs=ends[1], path=Path(path))
        network.reshape = lambda shapes: setattr(network, "shape", shapes["image"])
        return network

    def get_versions(self, plugin: str) -> None:
        if plugin == "NO_LIBRARY":
            raise RuntimeError("Cannot load library: libusb-1.0.so.0")

    def load_network(self, network: Any, plugin: str, config: object, num_requests: int) -> Any:
        print("[ INFO ] noise on standard output", flush=True)
        if plugin == "NOT_COMPILED":
            raise RuntimeError("Can not init Myriad device: NC_ERROR")
        requests = [Request(plugin, network.path, network.shape) for _ in range(num_requests)]
        return SimpleNamespace(requests=requests)


if __name__ == "__main__":
    module = ModuleType("openvino.inference_engine")
    module.IECore = Core  # type: ignore[attr-defined]
    sys.modules["openvino"] = ModuleType("openvino")
    sys.modules["openvino.inference_engine"] = module
    worker.FIND_S = 0.0
    worker.main()
