"""Makes a smaller MODNet out of a larger one, retrains it, scores it and exports it."""

import sys

# OpenVINO and NNCF tell Google Analytics that they are used, without asking. Where the package that
# does so is missing they do without, and None makes it missing for this process; what the user
# decided with `opt_in_out` stays as it is.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
