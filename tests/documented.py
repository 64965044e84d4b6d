"""The commands of README and docs: where they stand, which of them run on the smoke profile, and why others do not."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from imports import ROOT

PAGES = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
HISTORY = {"docs/log.md", "docs/decisions.md"}  # what was run at some time, with the flags of that time
PROGRAMS = ("cp", "docker", "dvc", "git", "graphmer", "make", "pip", "pytest", "python", "source")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ASSIGNED = re.compile(r"^(?:[A-Z_]+=\S+ )+")
SPAN = re.compile(r"`([^`\n]+)`")

NETWORK, ENVIRONMENT = "needs a network", "builds the environment, which the tests run in already"
NOT_RUN = {  # how a command begins, and why it is not run
    "git clone <this repository>": NETWORK,
    "make install": ENVIRONMENT,
    "make repro": f"{ENVIRONMENT}, then half an hour; the stages run here by dvc repro",
    "make test": "would run itself",
    "make ablation ROWS=": "hours",
    "source .venv/bin/activate": ENVIRONMENT,
    "pip install -r requirements.txt": f"{ENVIRONMENT}; {NETWORK}",
    "python stages/fetch.py --set fetch.corpus=data/corpora/large.yaml": f"{NETWORK}: large public packages",
    "python benchmarks/kg_speed.py .scratch/large": "measures what the line above it downloads",
    "git checkout --theirs": "only in the middle of a merge",
    "git add dvc.lock metrics plots README.md docs": "only in the middle of a merge",
    "git commit": "only in the middle of a merge",
}
EXIT = {  # statuses beside 0 that are an answer
    "python -m graphmer.train.device --profile base": {1: "a machine that the profile does not fit"},
    "graphmer verify --gates --strict": {1: "a minute's training misses the bounds of a real one"},
}
FILLED = {  # names of the reader's own, and numbers that mean hours, with what the smoke profile has in their place
    "path/to/repo --out kg --license": ".scratch/code/router --out kg --license",
    "--model models/small": "--model data/model",  # whose scoring is of the default's parameters
    "path/to/repo": "tests/fixtures/corpus/router",
    "train.steps=2400": "train.steps=24",
    "ablation.seeds=[1,2,3]": "ablation.seeds=[1]",
    "--model model --out tries/mine": "--model data/model --out tries/mine",
    "REPOSITORY": '"file://$PWD"',
    "COMMIT": "HEAD",
    "pkg/mod.py:41": "router/app.py:38",
    "pkg.mod.Class.method": "router.app.Router.find",
    "pkg.mod.f": "router.app.Router.add",
    "src/marshmallow/error_store.py:26": "router/app.py:38",
    "ErrorStore.store_error calls merge_errors": "router.app.Router.find raises NotFound",
    "fields.Mapping._serialize": "router.app.Router.dispatch",
    "boltons/iterutils.py:831": "router/app.py:38",
    "/content/drive/MyDrive/graphmer-runs": ".scratch/runs",
}


class Block(NamedTuple):
    """A fenced block. line: of its fence, from 1. tag: what the fence names, such as python."""

    page: str
    line: int
    tag: str
    text: str

    def commands(self) -> list[str]:
        """Its commands in order, comments cut off; in a block with `$ ` prompts the lines behind them alone."""
        lines = self.text.splitlines()
        if any(line.startswith("$ ") for line in lines):
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        cut = [re.split(r"\s+# ", line)[0].strip() for line in lines]
        return [line for line in cut if ASSIGNED.sub("", line).split(" ")[0] in PROGRAMS]


def blocks(root: Path = ROOT) -> Iterator[Block]:
    """Every fenced block of README and docs."""
    for page in PAGES:
        text = (root / page).read_text(encoding="utf-8")
        for found in FENCE.finditer(text):
            yield Block(page, text.count("\n", 0, found.start()) + 1, found[1], found[2])


def shell_blocks(root: Path = ROOT) -> list[Block]:
    """Those that hold a command."""
    return [block for block in blocks(root) if block.tag in ("", "text") and block.commands()]


def spans(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Page and text of every command that stands within a line."""
    for page in PAGES:
        if page not in HISTORY:
            for text in SPAN.findall(FENCE.sub("", (root / page).read_text(encoding="utf-8"))):
                if " " in text and ASSIGNED.sub("", text).split(" ")[0] in PROGRAMS:
                    yield page, text


def beginning(command: str, table: dict[str, str]) -> str | None:
    """The entry of a table that a command begins with."""
    return next((begin for begin in table if f"{command} ".startswith(begin)), None)


def filled(command: str) -> str:
    """A command with names of the smoke corpus for the reader's own."""
    for name, value in FILLED.items():
        command = command.replace(name, value)
    return command
