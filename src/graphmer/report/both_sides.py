"""Parameters and metrics before and after a change, each as a flat mapping."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from graphmer.artifacts import read_json
from graphmer.errors import ArtifactError
from graphmer.report.figure_changes import Figure, figures, parameters
from graphmer.report.revision import Revision

Parameters = Mapping[str, str]
Figures = Mapping[str, Figure]


def both_parameters(revision: Revision) -> tuple[Parameters, Parameters]:
    """params.yaml, then and now. Both as plain YAML: a version that today's checks refuse can still be compared."""
    then = _tree(revision.read("params.yaml"), f"{revision.commit[:12]}:params.yaml")
    return parameters(then), parameters(_tree(_present(revision.root, "params.yaml"), "params.yaml"))


def both_figures(revision: Revision) -> tuple[Figures, Figures]:
    """Metrics, then and now, as `<file>: <dotted path>`; those of the files that either dvc.yaml calls metrics.

    Raises ArtifactError where one is damaged, or there are none to compare with.
    """
    there = set(revision.names(["metrics"]))
    if not there:
        raise ArtifactError(f"{revision.commit[:12]}: no metrics/ there to compare with; name another BASE")
    now = _metric_files(_tree(_present(revision.root, "dvc.yaml"), "dvc.yaml"))
    then = _metric_files(_tree(revision.read("dvc.yaml"), f"{revision.commit[:12]}:dvc.yaml"))
    old: dict[str, Figure] = {}
    new: dict[str, Figure] = {}
    for path in dict.fromkeys([*now, *then]):
        if path in there:
            old |= _named(path, _old_json(revision, path))
        if (revision.root / path).is_file():
            new |= _named(path, read_json(revision.root / path))
    return old, new


def _named(path: str, tree: Mapping[str, Any]) -> dict[str, Figure]:
    return {f"{Path(path).stem}: {name}": figure for name, figure in figures(tree).items()}


def _metric_files(pipeline: Mapping[str, Any]) -> list[str]:
    """Paths that the stages of a dvc.yaml name as metrics, with or without settings."""
    listed = [metric for stage in pipeline.get("stages", {}).values() for metric in stage.get("metrics", [])]
    return [path for metric in listed for path in ([metric] if isinstance(metric, str) else metric)]


def _present(root: Path, name: str) -> bytes:
    path = root / name
    if not path.is_file():
        raise ArtifactError(f"{path}: not found; run from the project's root or pass --root")
    return path.read_bytes()


def _tree(data: bytes | None, where: str) -> Mapping[str, Any]:
    """YAML of a file; nothing where the commit has none."""
    try:
        found = yaml.safe_load(data or b"{}")
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{where}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(found, Mapping):
        raise ArtifactError(f"{where}: expected a mapping, got {type(found).__name__}")
    return found


def _old_json(revision: Revision, path: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(revision.read(path) or b"{}")
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{revision.commit[:12]}:{path}: not readable as JSON ({error}); another BASE?") from None
    return found
