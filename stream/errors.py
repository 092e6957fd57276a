"""What a user can cause. Anything else that is raised is a bug."""


class StreamError(Exception):
    """A fault the user can mend: one line on stderr, `exit_code`, no traceback.

    Args:
        message: What was expected, what was got.
        hint: What to do about it.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class StoppedError(StreamError):
    """The user stopped the program while it waited for something; nothing to complain of."""

    exit_code = 130


class UsageError(StreamError):
    """Options that do not go together."""

    exit_code = 2


class CameraError(StreamError):
    """No such camera, or it stopped delivering pictures."""

    exit_code = 3


class InputError(StreamError):
    """A file, address or background that cannot be read."""

    exit_code = 4


class OutputError(StreamError):
    """A result that cannot be written."""

    exit_code = 5


class ModelError(StreamError):
    """A model file that is missing, damaged or of the wrong kind."""

    exit_code = 6


class DeviceError(StreamError):
    """An inference device that is not there."""

    exit_code = 7


class DisplayError(StreamError):
    """No display to open a window on, or no virtual camera to write to."""

    exit_code = 8
