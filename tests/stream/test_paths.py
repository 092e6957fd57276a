from __future__ import annotations

from pathlib import Path

import pytest

from stream.errors import InputError, ModelError
from stream.paths import is_there, reading


def test_what_cannot_be_a_file_is_not_there(tmp_path: Path) -> None:
    address = f"http://localhost/{'x' * 300}"  # longer than a file's name may be
    assert [is_there(path) for path in (tmp_path, tmp_path / "no", Path(address))] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("kind", [InputError, ModelError])
def test_what_the_system_says_of_a_path_becomes_an_error_that_names_it(
    kind: type[InputError | ModelError],
) -> None:
    with (
        pytest.raises(kind, match=r"cannot read folder/clip\.mp4: Permission denied"),
        reading(Path("folder/clip.mp4"), kind),
    ):
        raise PermissionError(13, "Permission denied")
