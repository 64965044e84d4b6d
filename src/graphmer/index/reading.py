"""Reading the files of an index and of a model: whatever is wrong with one is a line that says what mends it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graphmer.artifacts import read_json
from graphmer.errors import ArtifactError

AGAIN = "run graphmer index again"
NAME_MODEL = "name a trained model with --model"
PIPELINE = "dvc repro"  # what the readers of the pipeline's files tell to run; it makes no index and no copied model


@contextmanager
def remedied(remedy: str) -> Iterator[None]:
    """Errors of the block that would send to the pipeline say this remedy in its place."""
    try:
        yield
    except ArtifactError as error:
        said, _, way = str(error).rpartition("; ")
        if said and PIPELINE in way:
            raise ArtifactError(f"{said}; {remedy}") from None
        raise


def read_object(path: Path, remedy: str) -> dict[str, Any]:
    """A JSON file whose top is an object; raises ArtifactError with this remedy where it is missing or anything else.

    remedy: what mends the file, as a command or an instruction.
    """
    if not path.is_file():
        raise ArtifactError(f"{path}: not found; {remedy}")
    try:
        tree = read_json(path)
    except (ArtifactError, RecursionError):
        raise ArtifactError(f"{path}: damaged (no JSON); {remedy}") from None
    if not isinstance(tree, dict):
        raise ArtifactError(f"{path}: damaged (expected an object of named values, got {kind_of(tree)}); {remedy}")
    return tree


def kind_of(value: object) -> str:
    """What a JSON value is, in JSON's words."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "a truth value"
    names = {list: "a list", str: "a text", int: "a number", float: "a number", dict: "an object"}
    return names[type(value)]
