"""Run a profile as a DVC experiment in a temporary workspace, and keep what it produced in results/<profile>/.

params.yaml and dvc.lock of the workspace stay as they are. `make repro PROFILE=<name>` comes here.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from graphmer.artifacts import atomic_folder, write_json
from graphmer.errors import ArtifactError, GraphmerError, ParamsError
from graphmer.params import check_tree, load_section, load_tree
from graphmer.report.plots import DRAWINGS, draw_table
from graphmer.report.run_record import run_record
from graphmer.train.checkpoint import RUNS_VARIABLE, runs_folder
from graphmer.train.config import TrainParams
from graphmer.train.profile import TARGET, VARIABLES, Profile, read_profile
from graphmer.train.survey import fitting

Stages = Mapping[str, Mapping[str, Any]]
# An experiment is a commit of its own: it needs a name, whoever runs it.
AUTHOR = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
          for what, value in (("NAME", "graphmer"), ("EMAIL", "graphmer@localhost"))}  # fmt: skip


def main(environ: Mapping[str, str]) -> int:
    """Run the profile that PROFILE names, from the project's root; returns the exit code."""
    try:
        run_profile(read_profile(environ.get("PROFILE", ""), Path("profiles")), environ)
    except GraphmerError as error:
        print(f"profile: {error}", file=sys.stderr)
        return 2 if isinstance(error, ParamsError) else 1
    return 0


def run_profile(profile: Profile, environ: Mapping[str, str]) -> str:
    """Check the profile against parameters, stages and machine, run it, keep its results; returns the run's commit.

    Raises ParamsError, TrainingError or ArtifactError before any work where something does not fit.
    """
    environment = profile.environment(environ)
    tree = load_tree(Path("params.yaml"), profile.changes)
    check_tree(tree)
    stages = stages_up_to(_read_yaml(Path("dvc.yaml").read_bytes())["stages"], environment.get(TARGET, ""))
    print("\n".join(described(profile, environ)), flush=True)
    print(fitting(environment, load_section(tree, "train", TrainParams)), flush=True)
    commit = _experiment(profile, environment)
    folder = Path("results") / profile.name
    keep(commit, stages, folder, profile.name, environment)
    print(f"{folder}: what {', '.join(stages)} produced; `git show {commit[:12]}` is the experiment")
    return commit


def described(profile: Profile, environ: Mapping[str, str]) -> Iterator[str]:
    """A line for each change and each variable; where the user's own value wins, it is the one shown."""
    yield f"profile: {profile.name}"
    yield from (f"  {change}" for change in profile.changes)
    for name in VARIABLES:
        if name in environ:
            yield f"  {name}={environ[name]} (set by you)"
        elif name in profile.defaults:
            yield f"  {name}={profile.defaults[name]}"


def stages_up_to(stages: Stages, target: str) -> dict[str, Mapping[str, Any]]:
    """The stages that a run of `target` reaches, in the order of dvc.yaml; all of them without a target."""
    if target and target not in stages:
        raise ParamsError(f"{TARGET}: no stage '{target}' in dvc.yaml; known: {', '.join(stages)}")
    todo = [target] if target else list(stages)
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [other for other in stages if _feeds(stages[other], stages[name])]
    return {name: stage for name, stage in stages.items() if name in found}


def _feeds(giver: Mapping[str, Any], taker: Mapping[str, Any]) -> bool:
    """Whether an output of one stage is, or lies in, a dependency of another."""
    return any(out == dep or out.startswith(f"{dep}/") for out in _outputs(giver) for dep in taker["deps"])


def _outputs(stage: Mapping[str, Any], kinds: Sequence[str] = ("outs", "metrics", "plots")) -> list[str]:
    entries = [entry for kind in kinds for entry in stage.get(kind, [])]
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def _experiment(profile: Profile, environment: Mapping[str, str]) -> str:
    """Run it through DVC; returns the experiment's commit."""
    _git("rev-parse", "--verify", "HEAD")
    name = f"{profile.name}-{int(time.time())}"
    flags = [part for change in profile.changes for part in ("-S", change)]
    targets = [environment[TARGET]] if environment.get(TARGET) else []
    command = ["dvc", "exp", "run", "--temp", "--name", name, *flags, *targets]
    # The temporary workspace goes with the run: a checkpoint in there would not outlive an interruption.
    runs = {RUNS_VARIABLE: str(runs_folder(environment).absolute())}
    if subprocess.run(command, env={**AUTHOR, **environment, **runs}, check=False).returncode:
        raise ArtifactError("the experiment did not end well, its last lines say why; nothing was kept")
    refs = _git("for-each-ref", "refs/exps", "--format=%(objectname) %(refname)").decode().split("\n")
    commits = [line.partition(" ")[0] for line in refs if line.endswith(f"/{name}")]
    if not commits:
        raise ArtifactError(f"DVC kept no experiment {name}; `dvc exp show` lists those that are there")
    return commits[0]


def keep(commit: str, stages: Stages, folder: Path, profile: str, environ: Mapping[str, str]) -> None:
    """Write the metrics and plots of `stages`, as they stand in `commit`, with parameters, lock and origin.

    The folder is replaced as a whole, and only when everything is there. A table whose drawing belongs to a later
    stage is drawn here. Files of the commit that other stages wrote are older than the run and stay out.
    """
    lock = _read_yaml(_git("show", f"{commit}:dvc.lock"))
    ran = {name: entry for name, entry in lock["stages"].items() if name.partition("@")[0] in stages}
    with atomic_folder(folder) as scratch:
        tables = [path for stage in stages.values() for path in _outputs(stage, ("metrics", "plots"))]
        for path in ("params.yaml", *tables):
            _write(scratch / path, _git("show", f"{commit}:{path}"))
        kept_lock = yaml.safe_dump({**lock, "stages": ran}, sort_keys=False)
        _write(scratch / "dvc.lock", kept_lock.encode())
        for path in tables:
            if path.endswith(".csv"):
                draw_table(scratch / path, DRAWINGS[Path(path).stem])
        outputs = {out["path"]: out["md5"] for entry in ran.values() for out in entry.get("outs", [])}
        write_json(scratch / "environment.json", run_record(profile, environ, outputs, scratch))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    if done.returncode:
        words = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise ArtifactError(f"git {arguments[0]} failed ({words}); a profile needs a clone with a commit")
    return done.stdout


def _read_yaml(data: bytes) -> Any:
    return yaml.safe_load(data)


if __name__ == "__main__":
    sys.exit(main(os.environ))
