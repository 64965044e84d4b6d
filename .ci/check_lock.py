"""Check that dvc.yaml, dvc.lock, params.yaml and the committed metrics agree, without any of the data.

Commands, parameters, names of dependencies and outputs, and digests of committed metrics and plots must be equal; code
that has changed since the lock was written is listed, and is for whoever resolves an issue to re-run.
"""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from dvc.dependency import ParamsDependency
from dvc.repo import Repo

ROOT = Path(__file__).resolve().parents[1]


def md5(path: Path) -> str:
    """DVC's digest of a file."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def differences(locked: dict[str, Any], stage: Any) -> list[str]:
    """What of one stage is not as its lock says."""
    found = []
    if locked.get("cmd") != stage.cmd:
        found.append(f"command is '{stage.cmd}', locked '{locked.get('cmd')}'")
    values = {name: value for group in locked.get("params", {}).values() for name, value in group.items()}
    tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for name, value in values.items():
        if lookup(tree, name) != value:
            found.append(f"parameter {name} is {lookup(tree, name)!r}, locked {value!r}")
    names = [name for dep in stage.deps if isinstance(dep, ParamsDependency) for name in dep.params]
    found += unlike("parameter", names, values)
    files = [dep.def_path for dep in stage.deps if not isinstance(dep, ParamsDependency)]
    found += unlike("dependency", files, [dep["path"] for dep in locked.get("deps", [])])
    found += unlike("output", [out.def_path for out in stage.outs], [out["path"] for out in locked.get("outs", [])])
    return found + [difference for out in locked.get("outs", []) for difference in committed(out)]


def unlike(kind: str, wanted: Iterable[str], locked: Iterable[str]) -> list[str]:
    """Names that only dvc.yaml or only dvc.lock has."""
    wanted, locked = set(wanted), set(locked)
    found = [f"{kind} {name} is in dvc.yaml, not in dvc.lock" for name in sorted(wanted - locked)]
    return found + [f"{kind} {name} is in dvc.lock, not in dvc.yaml" for name in sorted(locked - wanted)]


def committed(out: dict[str, Any]) -> list[str]:
    """What is wrong with an output that git keeps; data, which it does not keep, is not looked at."""
    path = ROOT / out["path"]
    if not out["path"].startswith(("metrics/", "plots/")):
        return []
    if not path.is_file():
        return [f"{out['path']} is not committed"]
    return [] if md5(path) == out["md5"] else [f"{out['path']} is not what the locked run wrote"]


def lookup(tree: Any, dotted: str) -> Any:
    """A dotted key of params.yaml; None where it is missing."""
    for name in dotted.split("."):
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def drift(stage: Any) -> list[str]:
    """Code that the stage depends on, files and folders, that has changed since the locked run."""
    code = [dep for dep in stage.deps if dep.def_path.startswith(("src/", "stages/"))]
    return [dep.def_path for dep in code if dep.workspace_status()]


def main() -> int:
    """Print every difference; 1 where there is one."""
    lock_path = ROOT / "dvc.lock"
    if not lock_path.exists():
        print("dvc.lock: not committed; run `make repro` and commit it with metrics/ and plots/", file=sys.stderr)
        return 1
    lock = yaml.safe_load(lock_path.read_text(encoding="utf-8"))["stages"]
    stages = {stage.addressing: stage for stage in Repo(str(ROOT)).index.stages}
    failed = False
    for name in sorted(stages.keys() | lock.keys()):
        if name not in lock or name not in stages:
            print(f"{name}: only in {'dvc.yaml' if name in stages else 'dvc.lock'}", file=sys.stderr)
            failed = True
            continue
        for difference in differences(lock[name], stages[name]):
            print(f"{name}: {difference}", file=sys.stderr)
            failed = True
        for path in drift(stages[name]):
            print(f"{name}: note: {path} has changed since the locked run")
    print("dvc.lock does not agree; run `make repro` and commit the result" if failed else "dvc.lock agrees")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
