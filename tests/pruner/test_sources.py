from __future__ import annotations

from pathlib import Path

import pytest

from pruner.data import Pair
from pruner.errors import PrunerError
from pruner.sources import sources


def pairs_named(*names: str) -> list[Pair]:
    return [Pair(name, Path(f"{name}.jpg"), Path(f"{name}.png")) for name in names]


def test_the_letters_before_the_first_underscore_name_the_data_set(tmp_path: Path) -> None:
    items = pairs_named("ccp_0001", "voc_2007_1", "6146816_55_o", "alone")
    assert list(sources(tmp_path, items).values()) == ["ccp", "voc", "", ""]


@pytest.mark.parametrize("place", ["val", "."])
def test_a_manifest_goes_before_what_names_say(tmp_path: Path, place: str) -> None:
    (tmp_path / "val").mkdir()
    table = "name,source,width\na_1,streets,5\nb_1,,6\n"
    (tmp_path / place / "manifest.csv").write_text(table)
    found = sources(tmp_path / "val", pairs_named("a_1", "b_1", "c_1"))
    assert found == {"a_1": "streets", "b_1": "b", "c_1": "c"}


def test_of_several_splits_the_folder_s_own_counts(tmp_path: Path) -> None:
    rows = ["split,name,source", "val,a,mine", "train,a,other"]
    (tmp_path / "manifest.csv").write_text("\n".join(rows))
    assert sources(tmp_path / "val", pairs_named("a")) == {"a": "mine"}
    assert sources(tmp_path / "train", pairs_named("a")) == {"a": "other"}


def test_a_manifest_that_is_no_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes(b"name,source\n\xff\xfe\n")
    with pytest.raises(PrunerError, match=r"manifest\.csv: cannot be read as CSV"):
        sources(tmp_path, pairs_named("a"))
