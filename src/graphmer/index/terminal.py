"""What the verbs share: parameters, one line for what a user can mend, and the answer on the screen."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from graphmer.errors import GraphmerError, ParamsError

if TYPE_CHECKING:
    from graphmer.index.build import IndexParams
    from graphmer.index.session import Session
    from graphmer.index.store import Index

# The library lies in the project's src/; its parameters at the project's root.
PACKAGED = Path(__file__).parents[1] / "params.yaml"  # of a wheel; setup.py puts it there
PARAMS = PACKAGED if PACKAGED.is_file() else Path(__file__).resolve().parents[3] / "params.yaml"
INTERRUPTED = 130


@contextmanager
def told(verb: str) -> Iterator[None]:
    """What a user can mend as one line on standard error, and its exit status."""
    try:
        yield
    except GraphmerError as error:
        print(f"graphmer {verb}: {error}", file=sys.stderr)
        raise typer.Exit(2 if isinstance(error, ParamsError) else 1) from None
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print(f"graphmer {verb}: {what}; check the path and who may write it", file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        print(f"graphmer {verb}: interrupted", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


def asked(folder: Path, model: Path | None, params: Path) -> "Session":
    """The index of a verb's flags with what its questions need."""
    from graphmer.index.session import Session
    from graphmer.index.store import check_parameters

    index, section = opened(folder, model), read_params(params).eval
    check_parameters(index, section, params)
    return Session(index, section.link)


def opened(folder: Path, model: Path | None) -> "Index":
    """The index of a verb's flags."""
    from graphmer.index.store import Index

    return Index.open(folder, model)


def show(as_json: bool, tree: dict[str, Any], text: str) -> None:
    """The answer on standard output. Names from code may hold anything: what would steer a terminal is escaped."""
    if as_json:
        print(json.dumps(tree, ensure_ascii=True, indent=2))
        return
    for line in text.split("\n"):
        print("".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in line))


def read_params(path: Path) -> "IndexParams":
    """The sections of params.yaml that an index needs."""
    from graphmer.evaluate.config import EvalParams
    from graphmer.index.build import IndexParams
    from graphmer.kg.folder_graph import FolderParams
    from graphmer.pack.config import PackParams
    from graphmer.params import load_section, load_tree

    tree = load_tree(path)
    sections = (load_section(tree, "pack", PackParams), load_section(tree, "eval", EvalParams))
    return IndexParams(FolderParams.of(tree), *sections)
