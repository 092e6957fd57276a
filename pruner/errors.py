"""What a user of the pruner can cause. Anything else that is raised is a bug."""


class PrunerError(Exception):
    """A fault the user can mend: one line on stderr, `exit_code`, no traceback."""

    exit_code = 1


class PrunerUsageError(PrunerError):
    """Options that ask for something impossible, or do not go together."""

    exit_code = 2
