"""What this machine has: cameras, virtual cameras, inference devices."""

from __future__ import annotations

from stream.inference.devices import available_devices, describe_device
from stream.live.virtual_camera import list_virtual_cameras
from stream.ncs2.environment import has_stick, worker_python
from stream.sources.camera_devices import list_cameras


def print_devices() -> None:
    """Print what `--input`, `--output virtual:` and `--device` can name."""
    groups = {
        "cameras, for --input": [(camera.device, camera.name) for camera in list_cameras()],
        "virtual cameras, for --output virtual:…": list_virtual_cameras(),
        "inference devices, for --device": [
            *((device, describe_device(device)) for device in available_devices()),
            *([("NCS2", "Neural Compute Stick 2")] if has_stick() and worker_python() else []),
        ],
    }
    for title, devices in groups.items():
        print(f"{title}:")
        for device, name in devices or [("none", "")]:
            print(f"  {device:<14}{name}".rstrip())
