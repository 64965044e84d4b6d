"""Every command of README and docs names what there is; `make test-commands` runs those of the fenced blocks."""

import importlib.util
import re
import shlex

import pytest
import typer
from documented import FILLED, NOT_RUN, SPAN, Block, beginning, blocks, filled, shell_blocks, spans
from imports import ROOT

from graphmer.cli import app

VERBS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
TARGETS = set(re.findall(r"^([a-z-]+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
TARGETS |= {"readme", "docs"}
FENCED = [command for block in shell_blocks() for command in block.commands()]


def faults(command: str) -> list[str]:
    """What a command names that is not there: a target, a script, a module, a verb or one of its flags."""
    command = re.sub(r"<[^>]*>", "NAME", command)
    words = [word for word in shlex.split(command) if not re.fullmatch(r"[A-Z_]+=.*", word)]
    if words[0] == "make":
        return [word for word in words[1:] if not word.startswith("-") and word not in TARGETS]
    if words[:2] == ["python", "-m"]:
        return [module for module in words[2:3] if not importable(module)]
    if words[0] == "python":
        return [] if (ROOT / words[1]).is_file() else [words[1]]
    if words[0] != "graphmer":
        return []
    if words[1] not in VERBS:
        return [words[1]]
    flags = {name for option in VERBS[words[1]].params for name in (*option.opts, *option.secondary_opts)} | {"--help"}
    return [word for word in words[2:] if word.startswith("-") and word.split("=")[0] not in flags]


def importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("command", sorted({*FENCED, *(text for _, text in spans())}))
def test_a_command_names_what_there_is(command: str) -> None:
    assert faults(command) == []


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("make reproo", ["reproo"]),
        ("python stages/evil.py --out x", ["stages/evil.py"]),
        ("PYTHONPATH=src python -m graphmer.nowhere", ["graphmer.nowhere"]),
        ("graphmer serch words", ["serch"]),
        ('graphmer search "a -b" --top 3', ["--top"]),
    ],
)
def test_what_is_not_there_is_found(command: str, named: list[str]) -> None:
    assert faults(command) == named


def test_every_reason_and_every_stand_in_is_still_needed() -> None:
    for begin in NOT_RUN:
        assert any(f"{command} ".startswith(begin) for command in FENCED), begin
    for name in FILLED:
        assert any(name in f"{command} " for command in FENCED), name


def test_most_commands_are_run() -> None:
    left = [command for command in FENCED if beginning(command, NOT_RUN)]
    assert len(left) < len(FENCED) / 2


def test_commands_are_told_from_output_and_comments() -> None:
    shown = Block("p", 1, "", "$ graphmer resolve a.py:1\na.py:1  f\n$ dvc repro\n")
    assert shown.commands() == ["graphmer resolve a.py:1", "dvc repro"]
    plain = Block("p", 1, "", "metrics/  what\nX_Y=1 python a.py --set b=1   # why\ngraphmer x '#1'\n")
    assert plain.commands() == ["X_Y=1 python a.py --set b=1", "graphmer x '#1'"]
    assert filled("graphmer explain pkg.mod.f") == "graphmer explain router.app.Router.add"
    assert SPAN.findall("`a b` and `c`") == ["a b", "c"]
    assert {block.tag for block in blocks()} >= {"", "text", "python", "sql", "yaml"}
