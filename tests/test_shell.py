"""What every verb says when it cannot answer: one line, whatever its flags and names hold, and a status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from imports import ROOT
from indexed import ROUTER, answer, copied, run
from typer.testing import CliRunner

from graphmer.cli import app
from graphmer.index.terminal import told

LEDGER = str(ROOT / "tests/fixtures/corpus/ledger")


def started(*flags: str, cwd: Path, **streams: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "graphmer.cli", *flags], cwd=cwd, text=True, **streams)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("search", "x", "-k", "0"), "graphmer search: Invalid value for '-k'"),
        (("search", "x", "--nope"), "graphmer search: No such option: --nope"),
        (("search",), "graphmer search: Missing argument"),
        (("serch", "x"), "graphmer: No such command 'serch'"),
        (("kg", ".", "--out", "x", "--format", "y"), "graphmer kg: Invalid value for '--format'"),
        (("explain", "f", "calls"), "graphmer explain: give SYMBOL alone, or SYMBOL RELATION TAIL"),
        (("verify", "--strict"), "graphmer verify: --strict judges gates; pass --gates too"),
        (("\x1b[31mred\nred",), "graphmer: No such command '\\x1b[31mred\\nred'"),
    ],
)
def test_wrong_flags_are_one_line(flags: tuple[str, ...], says: str) -> None:
    done = CliRunner().invoke(app, list(flags))
    assert done.exit_code == 2
    assert done.stderr.startswith(says)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_without_a_verb_the_help_is_shown() -> None:
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 2
    for verb in ("kg", "verify", "index", "search", "complete", "resolve", "explain"):
        assert verb in done.stdout


@pytest.mark.parametrize("verb", ["kg", "index"])
def test_a_name_neither_steers_a_terminal_nor_breaks_the_line(verb: str, made: Path, tmp_path: Path) -> None:
    more = ["--model", str(made / "data/model")] if verb == "index" else []
    done = CliRunner().invoke(app, [verb, "f\x1b[31m\nx", "--out", str(tmp_path / "out"), *more])
    assert done.exit_code == 1
    assert done.stderr == f"graphmer {verb}: f\\x1b[31m\\nx: no such folder; give the root of a code base\n"


def test_a_symbol_of_control_characters_is_told_escaped(made: Path) -> None:
    index = ["--index", str(made / "router.index"), "--params", str(made / "params.yaml")]
    done = CliRunner().invoke(app, ["explain", "f\x1b[31mx", *index])
    assert done.exit_code == 1
    assert done.stderr.startswith("graphmer explain: 'f\\x1b[31mx': no entity has this symbol")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError("no reason known"), "no reason known"),
        (OSError(), "OSError"),
        (PermissionError(13, "Permission denied", "a\nb"), "a\\nb: Permission denied"),
        (PermissionError(13, "Permission denied", b"a"), "a: Permission denied"),
    ],
)
def test_an_error_of_the_system_is_told_whatever_it_carries(
    error: OSError, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuntimeError), told("kg"):
        raise error
    assert capsys.readouterr().err == f"graphmer kg: {says}; check the path and who may write it\n"


@pytest.mark.parametrize("verb", ["kg", "verify"])
def test_a_reader_that_goes_ends_the_answer_in_silence(verb: str, tmp_path: Path) -> None:
    flags = ("kg", LEDGER, "--out", "kg") if verb == "kg" else ("verify", "--gates", "--root", str(ROOT))
    reading, writing = os.pipe()
    os.close(reading)
    command = started(*flags, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    said = command.communicate(timeout=120)[1]
    assert command.returncode == 141
    assert "pipe" not in said.lower()
    assert "Traceback" not in said
    if verb == "kg":
        assert (tmp_path / "kg/triples.parquet").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_an_answer_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = started(
            "verify", "--gates", "--root", str(ROOT), cwd=tmp_path, stdout=full.fileno(), stderr=subprocess.PIPE
        )
        said = command.communicate(timeout=120)[1]
    assert command.returncode == 1
    assert said.startswith("graphmer verify: standard output: No space left on device")
    assert said.count("\n") == 1


def test_index_counts_the_files_that_it_left_out_or_read_in_part(made: Path, tmp_path: Path) -> None:
    code, index = copied(ROUTER, tmp_path / "router"), str(tmp_path / "index")
    (code / "router/half.py").write_text("def whole():\n    return 1\n\n\ndef cut(a, b:\n", encoding="utf-8")
    (code / "router/blank.py").write_text(" \n", encoding="utf-8")
    (code / "router/binary.py").write_bytes(bytes(range(256)))
    found = answer(made, "index", str(code), "--out", index)
    graph = json.loads((tmp_path / "index/graph/manifest.json").read_text())
    counts = {kind: found[kind] for kind in ("skipped", "partial", "left_out")}
    assert counts == {kind: graph[kind] for kind in counts}
    assert sum(counts["partial"].values()) == 1
    assert sum(sum(reasons.values()) for reasons in counts.values()) >= 3
    done = run(made, "index", str(code), "--out", index)
    shown = {tuple(line.rsplit(maxsplit=1)) for line in done.stdout.splitlines()}
    for kind, reasons in counts.items():
        for reason, count in reasons.items():
            assert (f"{kind.replace('_', ' ')}, {reason}", f"{count:,}") in shown
    assert "coverage" not in done.stderr
