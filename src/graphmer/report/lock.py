"""Whether dvc.yaml, dvc.lock, params.yaml and what git keeps of the outputs agree; none of the data is read.

DVC is imported when a check runs: the rest of the library works without it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from graphmer.artifacts import dotted
from graphmer.errors import ArtifactError

COMMITTED = ("metrics/", "plots/")


class Lock:
    """A project's pipeline and its lock."""

    def __init__(self, root: Path) -> None:
        """Raises ArtifactError where DVC is not installed, or the lock or the pipeline is missing or damaged."""
        self.root = root
        self.locked = locked_stages(root)
        repo = _repository(root)
        from dvc.exceptions import DvcException

        try:
            self.stages = {stage.name: stage for stage in repo.index.stages}
        except DvcException as error:
            raise ArtifactError(f"dvc.yaml: DVC cannot read it ({' '.join(str(error).split())}); mend it") from None

    def differences(self) -> Iterator[str]:
        """A line for everything that is not as the lock says."""
        for name in sorted(self.stages.keys() | self.locked.keys()):
            if name not in self.locked or name not in self.stages:
                yield f"{name}: only in {'dvc.yaml' if name in self.stages else 'dvc.lock'}"
                continue
            for difference in self.unlike(self.locked[name], self.stages[name]):
                yield f"{name}: {difference}"

    def unlike(self, locked: Mapping[str, Any], stage: Any) -> list[str]:
        """What of one stage is not as its lock says."""
        from dvc.dependency import ParamsDependency

        found = []
        if locked.get("cmd") != stage.cmd:
            found.append(f"command is '{stage.cmd}', locked '{locked.get('cmd')}'")
        values = {name: value for group in locked.get("params", {}).values() for name, value in group.items()}
        tree = yaml.safe_load((self.root / "params.yaml").read_text(encoding="utf-8"))
        for name, value in values.items():
            found += _changed_values(dotted(_lookup(tree, name), name), dotted(value, name))
        names = [name for dep in stage.deps if isinstance(dep, ParamsDependency) for name in dep.params]
        found += _one_sided("parameter", names, values)
        files = [dep.def_path for dep in stage.deps if not isinstance(dep, ParamsDependency)]
        found += _one_sided("dependency", files, [dep["path"] for dep in locked.get("deps", [])])
        outs = locked.get("outs", [])
        found += _one_sided("output", [out.def_path for out in stage.outs], [out["path"] for out in outs])
        return found + [difference for out in outs for difference in self._committed(out)]

    def _committed(self, out: Mapping[str, Any]) -> list[str]:
        """What is wrong with an output that git keeps; data, which it does not keep, is not looked at."""
        path = self.root / out["path"]
        if not out["path"].startswith(COMMITTED):
            return []
        if not path.is_file():
            return [f"{out['path']} is not committed"]
        found = dvc_digest(path)
        return [] if found == out["md5"] else [f"{out['path']}: expected md5 {out['md5']}, found {found}"]

    def drift(self) -> Iterator[str]:
        """A line for code, files and folders, that has changed since the locked run; the lock may still agree."""
        changed: dict[str, list[str]] = {}
        for name, stage in sorted(self.stages.items()):
            for dep in stage.deps:
                if dep.def_path.startswith(("src/", "stages/")) and dep.workspace_status():
                    changed.setdefault(dep.def_path, []).append(name)
        for path, names in sorted(changed.items()):
            yield f"{path} has changed since the locked run of {', '.join(names)}"


def _repository(root: Path) -> Any:
    """DVC's view of a project; raises ArtifactError where DVC is not installed, or `root` is no project of DVC's."""
    try:
        from dvc.exceptions import DvcException
        from dvc.repo import Repo
    except ImportError:
        raise ArtifactError("dvc.lock: not checked, since DVC is not installed; run make install") from None
    inside = {"core": {"site_cache_dir": str((root / ".dvc/tmp/site").absolute())}}  # by default in /var/tmp
    try:
        return Repo(str(root), config=inside)
    except DvcException as error:
        raise ArtifactError(f"{root}: DVC cannot open it ({' '.join(str(error).split())})") from None


def dvc_cache(root: Path) -> Callable[[str], Path]:
    """Where DVC's cache keeps what has a digest, be it there or not. Raises ArtifactError as Lock does."""
    place = _repository(root).cache.local.oid_to_path
    return lambda digest: Path(place(digest))


def locked_stages(root: Path) -> dict[str, dict[str, Any]]:
    """The stages of dvc.lock; raises ArtifactError where it is missing or damaged."""
    path = root / "dvc.lock"
    if not path.is_file():
        raise ArtifactError("dvc.lock: not committed; run `make repro` and commit it with metrics/ and plots/")
    try:
        stages: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["stages"]
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ArtifactError(f"dvc.lock: not a lock ({' '.join(str(error).split())}); run `make repro`") from None
    return stages


def dvc_digest(path: Path) -> str:
    """DVC's digest of a file, or of a folder: that of the list of its files' digests.

    Source: dvc-data's Tree, whose JSON is digested with its entries in the order of their paths.
    """
    if path.is_file():
        return _md5(path.read_bytes())
    files = [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    entries = [{"md5": _md5(file.read_bytes()), "relpath": file.relative_to(path).as_posix()} for file in files]
    entries.sort(key=lambda entry: entry["relpath"])
    return _md5(json.dumps(entries, sort_keys=True).encode()) + ".dir"


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _changed_values(present: Mapping[str, Any], locked: Mapping[str, Any]) -> list[str]:
    """Parameters, down to the single value, that are not as they were locked; None where one side has none."""
    return [
        f"parameter {name} is {present.get(name)!r}, locked {locked.get(name)!r}"
        for name in dict.fromkeys([*present, *locked])
        if present.get(name) != locked.get(name)
    ]


def _one_sided(kind: str, wanted: Iterable[str], locked: Iterable[str]) -> list[str]:
    """Names that only dvc.yaml or only dvc.lock has."""
    wanted, locked = set(wanted), set(locked)
    found = [f"{kind} {name} is in dvc.yaml, not in dvc.lock" for name in sorted(wanted - locked)]
    return found + [f"{kind} {name} is in dvc.lock, not in dvc.yaml" for name in sorted(locked - wanted)]


def _lookup(tree: Any, dotted: str) -> Any:
    """A dotted key of params.yaml; None where it is missing."""
    for name in dotted.split("."):
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree
