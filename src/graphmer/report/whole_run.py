"""All that is measured of a profile, by one command that goes on where it was cut off: `make whole PROFILE=base`.

    results/<profile>/    what `make repro PROFILE=<profile>` leaves there
      controls/           rows of the ablation on the same data, as profiles/controls/<profile>.params says
      peers/              the peers that need an environment of their own, trained on the same data, and the evaluation
                          once more, with them in it
      benchmarks/         speed of training, latency
      compact.json        what the compact model loses
    models/<profile>/     the compact model; beside it, <profile>.scoring.json, what ranks its answers

The data lie in .scratch/whole/<profile>/, taken from DVC's cache. A part that is done leaves its name there, and is
done again where the run's dvc.lock is another.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from graphmer.artifacts import read_json, sha256_file, sha256_files, write_json, write_text
from graphmer.errors import ArtifactError, GraphmerError, ParamsError
from graphmer.model.stored import BITS, Bits
from graphmer.params import load_tree
from graphmer.report.profile_run import run_profile
from graphmer.train.profile import Profile, read_profile

DATA = ("packed", "kg", "parsed", "model", "eval")
MOST_MIB = 60  # of a compact model: what a git repository bears
PEERS_PYTHON = Path(".venv-peers/bin/python")
MEASURED_AS_IT_IS = ("rows", "link_rows", "row_length", "curriculum", "dropout")  # the benchmark sets these itself
MADE = ("controls", "peers", "benchmarks", "compact.json")  # in results/<profile>/, beside what the pipeline leaves


class Part(NamedTuple):
    """One thing to do. commands: one after the other, each an argument vector."""

    name: str
    commands: Sequence[Sequence[str]]


def main(environ: Mapping[str, str]) -> int:
    """Measure the profile that PROFILE names, from the project's root; returns the exit code."""
    try:
        measure_profile(read_profile(environ.get("PROFILE", ""), Path("profiles")), environ)
    except GraphmerError as error:
        print(f"whole: {error}", file=sys.stderr)
        return 2 if isinstance(error, ParamsError) else 1
    return 0


def measure_profile(profile: Profile, environ: Mapping[str, str]) -> None:
    """Run the profile and then every part that is not done for this run.

    Raises ParamsError, TrainingError or ArtifactError where something is missing or a command does not end well; what
    is done stays.
    """
    controls = read_profile(profile.name, Path("profiles/controls")).changes
    if not PEERS_PYTHON.exists():
        raise ArtifactError(f"{PEERS_PYTHON}: not found; `make whole` builds it")
    folder, work = Path("results") / profile.name, Path(".scratch/whole") / profile.name
    kept = work / "kept"
    for name in MADE:  # the profile's run replaces its folder
        _move(folder / name, kept / name)
    commit = run_profile(profile, environ)
    lock = sha256_file(folder / "dvc.lock")
    if not (work / "lock").is_file() or (work / "lock").read_text(encoding="utf-8") != lock:
        shutil.rmtree(work, ignore_errors=True)
        write_text(work / "lock", lock)
    for name in MADE:
        _move(kept / name, folder / name)
    seal(folder)
    environment = {**profile.environment(environ), "PYTHONPATH": str(Path("src").absolute())}
    for part in parts(profile, controls, commit, folder, work, environment):
        done = work / "done" / part.name
        if not done.exists():
            print(f"whole: {part.name}", file=sys.stderr, flush=True)
            for command in part.commands:
                _call(command, environment)
            write_text(done, "")
            seal(folder)
    print(f"{folder}, models/{profile.name}: all is measured")


def parts(
    profile: Profile, controls: Sequence[str], commit: str, folder: Path, work: Path, environ: Mapping[str, str]
) -> Iterator[Part]:
    """What is left to do after the profile's run, in order."""
    params = ["--params", str(folder / "params.yaml")]
    places = {name: str(work / "data" / name) for name in DATA}
    inputs = [part for name in ("packed", "kg", "parsed") for part in (f"--{name}", places[name])]
    python = sys.executable
    get = ["dvc", "get", ".", "--rev", commit, "--force"]
    yield Part("data", [[*get, f"data/{name}", "--out", place] for name, place in places.items()])
    changes = [part for change in controls for part in ("--set", change)]
    out = ["--work", str(work / "controls"), "--out", str(folder / "controls")]
    yield Part("controls", [[python, "stages/long_ablation.py", *params, *changes, *inputs, *out]])
    peers = folder / "peers"
    measure = [str(PEERS_PYTHON), "benchmarks/peers/measure_peers.py", *params, *inputs, "--out", str(peers)]
    results = ["--metrics", str(peers / "eval.json"), "--plots", str(peers / "plots")]
    asked = [python, "stages/eval.py", *params, *inputs]
    again = [*asked, "--model", places["model"], "--peers", str(peers / "peers.json"), "--out", str(work / "eval")]
    yield Part("peers", [measure, [*again, *results]])
    yield Part("benchmarks", [_speed(places["packed"], folder, environ)])
    compact = f"models/{profile.name}"
    bits = fitting_bits(int(read_json(folder / "metrics/train.json")["weights"]["total"]))
    small = [*asked, "--model", compact, "--peers", str(peers / "peers.json"), "--out", str(work / "compact/eval")]
    small += ["--metrics", str(work / "compact/eval.json"), "--plots", str(work / "compact/plots")]
    yield Part("compact", [
        [python, "-m", "graphmer.model.compact", places["model"], compact, "--bits", str(bits)],
        small,
        [python, "-m", "graphmer.report.adapted", str(work / "eval"), str(work / "compact/eval"), *params,
         "--model", compact, "--out", str(folder / "compact.json")],
        [python, "-m", "graphmer.index.fit", compact, "--data", str(work / "data"), *params,
         "--out", f"{compact}.scoring.json"],
    ])  # fmt: skip


def fitting_bits(weights: int) -> Bits:
    """The most bits of a weight with which a compact model of so many stays within MOST_MIB.

    Raises ArtifactError where the fewest are too many.
    """
    for bits in BITS:
        # A tenth for scales, the tokenizer and what scores.
        if 1.1 * weights * bits / 8 <= MOST_MIB * 2**20:
            return bits
    raise ArtifactError(f"a model of {weights:,} weights is no compact one of {MOST_MIB} MiB")


def seal(folder: Path) -> None:
    """Write the digests of what lies in results/<profile>/ into its environment.json anew."""
    path = folder / "environment.json"
    digests = {name: digest for name, digest in sha256_files(folder).items() if name != path.name}
    write_json(path, read_json(path) | {"sha256": digests})


def _speed(packed: str, folder: Path, environ: Mapping[str, str]) -> list[str]:
    tree = load_tree(folder / "params.yaml")
    keys = [(section, key) for section in ("model", "train") for key in tree[section] if key not in MEASURED_AS_IT_IS]
    own = [word for part, key in keys for word in ("--set", f"{part}.{key}={json.dumps(tree[part][key])}")]
    compiled = ["--compile"] * (environ.get("GRAPHMER_COMPILE") == "1")
    flags = ["--rows", str(tree["train"]["rows"]), *own, *compiled, "--out", str(folder / "benchmarks")]
    return [sys.executable, "benchmarks/train_speed.py", packed, *flags]


def _move(path: Path, to: Path) -> None:
    if path.exists():
        to.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, to)


def _call(command: Sequence[str], environ: Mapping[str, str]) -> None:
    if subprocess.run(command, env=dict(environ), check=False).returncode:
        raise ArtifactError(f"`{' '.join(command)}` did not end well, its last lines say why; run again to go on")


if __name__ == "__main__":
    sys.exit(main(os.environ))
