"""Real-time portrait matting: capture, matte, composite, deliver.

The runtime needs numpy, OpenCV, PyAV and OpenVINO, and never torch.
Read `stream.pipeline` first: it is the whole program on one page.
"""

import os
import sys

# A camera that was unplugged would hold cv2's read for ten seconds; read when cv2 is imported.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")

# cv2 must be imported before av: both ship libxcb, and cv2.imshow hangs for ever on Linux when av's
# copy is loaded first. Every module of the package is imported after this line has run.
import cv2 as _cv2_before_av  # noqa: F401

# Importing OpenVINO would start a thread that reports to Intel; without this package it does not.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
