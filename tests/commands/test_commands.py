"""The fenced commands of README and docs run as written, on the smoke profile, in a copy of the project.

Each block has a copy of its own and runs from its first command to its last; NOT_RUN in tests/documented.py names those
that are left out, and why.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from documented import EXIT, NOT_RUN, Block, beginning, blocks, filled, shell_blocks
from imports import ROOT

BLOCKS = [block for block in shell_blocks() if not all(beginning(command, NOT_RUN) for command in block.commands())]
# Files that a block shows under its first line's name, which the commands of the same page read.
SHOWN = re.compile(r'^(?:# |""")([\w/]+\.(?:py|yaml))\b')
OWN_CODE = {"mylib": "ledger", "other": "planner", "third": "router"}


def environment(project: Path) -> dict[str, str]:
    """The tests' own Python behind the names that a reader types."""
    path = os.pathsep.join([str(project.parent / "bin"), os.environ["PATH"]])
    who = {f"GIT_{one}_{what}": "reader@localhost" for one in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    facts = {"GRAPHMER_DEVICE": "cpu", "GRAPHMER_WORKERS": "1", "OMP_NUM_THREADS": "1", "DVC_NO_ANALYTICS": "1"}
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    library = os.pathsep.join([str(project / "src"), *(one for one in others if one and one != str(ROOT / "src"))])
    return {**os.environ, **who, **facts, "PATH": path, "PYTHONPATH": library}


def run(project: Path, command: str) -> subprocess.CompletedProcess[str]:
    """One line, by a shell, in a project's root."""
    site = {"DVC_SITE_CACHE_DIR": str(project / ".dvc/tmp/site")}
    return subprocess.run(
        ["bash", "-euc", command],
        cwd=project,
        env=environment(project) | site,
        capture_output=True,
        text=True,
        check=False,
    )


def passed(project: Path, command: str) -> None:
    """Run a command of a page; fails where its status is none of those that it may have."""
    line = filled(command)
    done = run(project, line)
    allowed = {0, *EXIT.get(command, {})}
    assert done.returncode in allowed, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after the whole pipeline on the smoke profile, committed; an index and the graph of a package."""
    base = tmp_path_factory.mktemp("smoke")
    project = base / "graphmer"
    _copy_sources(project)
    _programs(base / "bin")
    smoke = (project / "profiles/smoke.params").read_text(encoding="utf-8").splitlines()
    changes = [line for line in smoke if line and not line.startswith("#")]
    _set_parameters(project, changes)
    _copy_code(project)
    router = "tests/fixtures/corpus/router"
    for command in (
        "git init -q && git add -A && git commit -qm sources",
        "dvc repro -q",
        "python -m graphmer.report.documents",
        f"dvc remote add -q -d shared '{base / 'remote'}' && dvc push -q",
        "git add -A && git commit -qm smoke && git tag graphmer@v1.0.0 -m first",
        f"graphmer index {router}",
        f"graphmer kg {router} --out kg",
    ):
        done = run(project, command)
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return project


def _copy_sources(project: Path) -> None:
    """What git keeps or would keep."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, project / name)


def _copy_code(project: Path) -> None:
    """Packages that say nothing of a licence, as code of one's own."""
    for name in OWN_CODE.values():
        code = Path(shutil.copytree(project / "tests/fixtures/corpus" / name, project / ".scratch/code" / name))
        lines = (code / "pyproject.toml").read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not line.startswith("license")]
        (code / "pyproject.toml").write_text("\n".join(kept), encoding="utf-8")


def _programs(folder: Path) -> None:
    """What a reader types as python, dvc and graphmer."""
    folder.mkdir()
    for name, start in {"python": "", "dvc": "-m dvc", "graphmer": "-m graphmer.cli"}.items():
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -W ignore {start} "$@"\n', encoding="utf-8")
        (folder / name).chmod(0o755)


def _set_parameters(project: Path, changes: list[str]) -> None:
    from dvc.utils.serialize import modify_yaml

    from graphmer.params import load_tree

    tree = load_tree(project / "params.yaml", changes)
    with modify_yaml(project / "params.yaml") as kept:
        for change in changes:
            *parents, leaf = change.partition("=")[0].split(".")
            wanted, node = tree, kept
            for name in parents:
                wanted, node = wanted[name], node[name]
            node[leaf] = wanted[leaf]


@pytest.fixture
def project(smoke: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    shutil.copytree(smoke, tmp_path / "graphmer", symlinks=True)
    shutil.copytree(smoke.parent / "bin", tmp_path / "bin")
    return tmp_path / "graphmer"


def show_files(project: Path, asking: Block) -> None:
    """Write the files that pages show and a block names, its own page's last, so that it wins.

    Packages of the smoke corpus stand for the reader's own.
    """
    for block in sorted(blocks(), key=lambda one: (one.page == asking.page, one.page == "README.md")):
        if (found := SHOWN.match(block.text)) and Path(found[1]).stem in asking.text:
            text = re.sub(r"/code/(\w+)", lambda name: str(own_code(project, name[1])), block.text)
            (project / found[1]).write_text(text, encoding="utf-8")


def own_code(project: Path, name: str) -> Path:
    """A package of the smoke corpus, or a part of this project's own code where one with many modules is asked for."""
    return project / (f".scratch/code/{OWN_CODE[name]}" if name in OWN_CODE else "src/graphmer/corpus")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.page}:{block.line}")
def test_the_commands_of_a_block_run(block: Block, project: Path) -> None:
    show_files(project, block)
    for command in block.commands():
        if not beginning(command, NOT_RUN):
            passed(project, command)


@pytest.mark.parametrize("page", sorted({block.page for block in blocks() if block.tag == "python"}))
def test_the_python_of_a_page_runs(page: str, project: Path) -> None:
    for block in blocks():
        if block.page == page and block.tag == "python" and not SHOWN.match(block.text):
            (project / "example.py").write_text(filled(block.text), encoding="utf-8")
            passed(project, "python example.py")


def test_a_command_that_does_not_run_is_found(project: Path) -> None:
    for command in ("graphmer search words --top 3", "python stages/eval.py --modle model", "dvc repro nowhere"):
        with pytest.raises(AssertionError):
            passed(project, command)
