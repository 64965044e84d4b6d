"""Files between stages: whole or not there, the same bytes for the same content, checked when read."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from imports import SRC

from graphmer.artifacts import (
    atomic_file,
    atomic_folder,
    canonical_json,
    nested,
    read_json,
    read_table,
    sha256_tree,
    stable_hash,
    write_json,
    write_table,
)
from graphmer.errors import ArtifactError

NOBODY = 65534
REPLACE = f"""
import os, sys
from pathlib import Path
from graphmer.artifacts import atomic_folder
if os.getuid() == 0:  # whom no mode keeps out
    os.setuid({NOBODY})
with atomic_folder(Path(sys.argv[1])) as scratch:
    (scratch / "new").write_text("new")
"""
SCHEMA = pa.schema([("name", pa.string()), ("number", pa.int64())])


def test_a_folder_takes_its_place_only_when_all_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("old")
    with pytest.raises(OSError, match="disk"), atomic_folder(out) as scratch:
        (scratch / "new").write_text("half")
        raise OSError("disk full")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (out / "old").exists()
    with atomic_folder(out) as scratch:
        (scratch / "new").write_text("whole")
    assert [path.name for path in out.iterdir()] == ["new"]


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / ".out.partial"
    left.mkdir()
    (left / "half").write_text("half")
    with atomic_folder(tmp_path / "out") as scratch:
        assert list(scratch.iterdir()) == []


def test_the_folder_that_a_link_leads_to_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for text in ("one", "two"):
        with atomic_folder(tmp_path / "link") as scratch:
            (scratch / "new").write_text(text)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real/new").read_text() == "two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_the_current_folder_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    for out in (Path(), Path(".."), tmp_path):
        with pytest.raises(ArtifactError, match="the current folder is in it"), atomic_folder(out):
            pass
    assert (tmp_path / "in").is_dir()


def test_what_stood_there_goes_though_parts_of_it_may_not_be_written() -> None:
    with tempfile.TemporaryDirectory() as place:  # which another user may enter, unlike this test's own
        out = Path(place) / "out"
        (out / "sealed").mkdir(parents=True)
        (out / "sealed" / "old").write_text("old")
        (out / "sealed").chmod(0o500)
        if os.getuid() == 0:
            for path in (Path(place), out, out / "sealed", out / "sealed" / "old"):
                os.chown(path, NOBODY, NOBODY)
        environment = {**os.environ, "PYTHONPATH": str(SRC)}
        subprocess.run([sys.executable, "-c", REPLACE, str(out)], check=True, env=environment, cwd="/")
        assert [path.name for path in Path(place).iterdir()] == ["out"]
        assert [path.name for path in out.iterdir()] == ["new"]


def test_a_folder_that_may_not_be_written_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # a superuser may write whatever the mode says
    with pytest.raises(PermissionError) as caught, atomic_folder(out):
        pass
    assert caught.value.filename == str(out)
    assert (out / "old").exists()


def test_two_threads_that_write_one_file_leave_a_whole_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: write_json(tmp_path / "a.json", {"number": number}), range(200)))
    assert read_json(tmp_path / "a.json")["number"] in range(200)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_that_a_kill_left_aside_comes_back(tmp_path: Path) -> None:
    (tmp_path / ".out.earlier").mkdir()
    (tmp_path / ".out.earlier" / "old").write_text("old")
    with pytest.raises(OSError, match="disk"), atomic_folder(tmp_path / "out"):
        raise OSError("disk full")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "old").exists()


def test_a_file_takes_its_place_only_when_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(path) as scratch:
        scratch.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_json_is_sorted_rounded_and_refuses_what_is_not_a_number() -> None:
    assert canonical_json({"b": 1, "a": 0.12345678}) == '{\n  "a": 0.123457,\n  "b": 1\n}\n'
    with pytest.raises(ValueError, match="Out of range float"):
        canonical_json({"a": float("nan")})


def test_dotted_names_nest() -> None:
    assert nested({"a.b": 1, "a.c.d": 2}) == {"a": {"b": 1, "c": {"d": 2}}}


def test_a_table_comes_back_and_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": ["x", "y"], "number": [1, 2]})
    write_table(frame, tmp_path / "one.parquet", SCHEMA)
    write_table(frame, tmp_path / "two.parquet", SCHEMA)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert read_table(tmp_path / "one.parquet", SCHEMA).equals(frame)


def test_a_table_of_other_columns_or_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    with pytest.raises(ArtifactError, match="not found; run the stage"):
        read_table(path, SCHEMA)
    write_table(pd.DataFrame({"other": [1]}), path, pa.schema([("other", pa.int64())]))
    with pytest.raises(ArtifactError, match=r"columns \['other'\] are not the expected"):
        read_table(path, SCHEMA)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ArtifactError, match="not readable as Parquet"):
        read_table(path, SCHEMA)


def test_damaged_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("{")
    with pytest.raises(ArtifactError, match="not readable as JSON"):
        read_json(path)


def test_a_folders_digest_follows_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = sha256_tree(tmp_path)
    (tmp_path / "a").write_text("2")
    assert sha256_tree(tmp_path) != first


def test_the_stable_hash_is_the_same_in_every_process() -> None:
    assert stable_hash("a", 1) == 9331952569449725121
    assert stable_hash("a", 1) != stable_hash("a1")
