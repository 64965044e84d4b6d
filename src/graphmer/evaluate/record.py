"""The run record: what an evaluation came from, as digests. No time, host, commit or path outside the project."""

import ast
import dataclasses
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from graphmer.artifacts import read_json, sha256_file, sha256_files, sha256_json
from graphmer.errors import ArtifactError
from graphmer.evaluate.config import EvalParams
from graphmer.machine import public_versions, python_minor
from graphmer.ontology.vocabulary import load_ontology

RECORD_VERSION = 2
PACKAGES = (
    "bm25s", "numpy", "pandas", "pyarrow", "safetensors", "scikit-learn", "scipy", "tokenizers", "torch",
)  # fmt: skip
LIBRARY = Path(__file__).resolve().parents[1]
START = "evaluate/run.py"
READ_BESIDES = ("evaluate/run.schema.json", "ontology/ontology.schema.json", "ontology/ontology.yaml")


def run_record(
    data: Mapping[str, Path],
    outputs: Mapping[str, str],
    params: EvalParams,
    device: str | None,
    scorer: str | None = None,
    peers: Sequence[Path] = (),
) -> dict[str, Any]:
    """What stands in data/eval/run.json; raises ArtifactError where it does not fit its own schema.

    data: the folders that were read, by name; `model` among them unless a scorer from elsewhere took its place.
    outputs: sha256 of the files that are written, by name.
    device: the kind that computed, cpu or gpu; None where a scorer of one's own did, which does not say.
    scorer: module:Class of that one. peers: files of the peers from outside the pipeline, where they were taken in.
    Two machines that compute the same figures write the same bytes: of the device only its kind is told.
    """
    training = _training(data["model"]) if "model" in data else {}
    record = {
        "version": RECORD_VERSION,
        "parameters": {"eval": parameters_digest(params), **training.get("parameters", {})},
        "seeds": {**eval_seeds(params), **({"train": training["seed"]} if training else {})},
        "code": source_digests(LIBRARY),
        "data": {name: sha256_files(folder) for name, folder in data.items()},
        "peers": {path.name: sha256_file(path) for path in peers},
        "outputs": dict(outputs),
        "packages": public_versions(PACKAGES),
        "python": python_minor(),
        "scorer": scorer,
        "device": {"eval": device, "train": training.get("device")},
        "ontology_version": load_ontology().version,
    }
    check_record(record, "run.json")
    return record


def _training(model: Path) -> dict[str, Any]:
    """What training says of itself; nothing where the checkpoint is from before it did, or from elsewhere."""
    path = model / "training.json"
    return dict(read_json(path)) if path.is_file() else {}


def parameters_digest(params: Any) -> str:
    """Digest of a section of params.yaml, as the dataclass that it is read into."""
    return sha256_json(dataclasses.asdict(params))


def eval_seeds(params: EvalParams) -> dict[str, int]:
    """Every seed of the stage, by its dotted name."""
    parts = {field.name: getattr(params, field.name) for field in dataclasses.fields(params)}
    return {f"eval.{name}": part.seed for name, part in sorted(parts.items()) if hasattr(part, "seed")}


def check_record(record: Any, where: str) -> None:
    """Raises ArtifactError that names the key where a record breaks run.schema.json."""
    import jsonschema

    schema = json.loads(files("graphmer.evaluate").joinpath("run.schema.json").read_text("utf-8"))
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(record))
    if error is not None:
        place = ".".join(map(str, error.absolute_path)) or "top level"
        raise ArtifactError(f"{where}: {place}: {error.message}; run dvc repro eval")


def source_digests(library: Path) -> dict[str, str]:
    """Digest of every file of the library that the evaluation reaches, by its path from the library's root.

    Not of the whole library: an edit of the command line would then make every record stale, and no figure.
    Source: imports as they stand in the code, lazy ones too; the same that dvc.yaml lists for the stage.
    """
    found = [*reached_modules(library, library / START), *(library / name for name in READ_BESIDES)]
    return {path.relative_to(library).as_posix(): sha256_file(path) for path in sorted(found) if path.is_file()}


def reached_modules(library: Path, start: Path) -> set[Path]:
    """Files of the library that a module reaches through imports, itself among them."""
    todo, seen = [start], {start}
    while todo:
        for name in _imported(todo.pop()):
            path = library.joinpath(*name.split(".")[1:]).with_suffix(".py")
            if path.is_file() and path not in seen:
                seen.add(path)
                todo.append(path)
    return seen


def _imported(path: Path) -> set[str]:
    """Dotted names of this library that a file imports; `from a import b` may mean the module a or a.b."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.startswith("graphmer.")}
