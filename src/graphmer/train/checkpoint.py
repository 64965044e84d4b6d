"""Checkpoints of a run that may be cut off: a folder for each set of parameters and data.

    python -m graphmer.train.checkpoint             list the run folders
    python -m graphmer.train.checkpoint --execute   delete them

They lie in .scratch/train under the working directory, or in GRAPHMER_RUNS. A checkpoint is written about every five
minutes, or every GRAPHMER_CHECKPOINT_STEPS steps; neither changes a result.
"""

import errno
import hashlib
import json
import os
import pickle
import shutil
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import torch

from graphmer.artifacts import read_json, sha256_file, write_text
from graphmer.errors import ArtifactError

RUNS_VARIABLE = "GRAPHMER_RUNS"
RUNS = ".scratch/train"  # git and DVC ignore it; an output of DVC's would be deleted before each run
CHECKPOINT_S = 300.0  # five minutes of work are lost at most; writing the 85M model's 1 GB takes seconds
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
LAST, PARTIAL, DESCRIPTION = "last.pt", ".last.pt.partial", "description.json"
RUN_FILES = {LAST, PARTIAL, DESCRIPTION}  # all that a run folder holds
SHOWN = 3  # differences named in a refusal


def runs_folder(environ: Mapping[str, str]) -> Path:
    """Where run folders lie; a temporary workspace that is deleted with its run wants another place."""
    return Path(environ.get(RUNS_VARIABLE, "") or RUNS)


def describe(sections: Mapping[str, Mapping[str, Any]], inputs: Mapping[str, Path]) -> dict[str, Any]:
    """All that decides a run's result: its parameters, and the digest of every file of its input folders.

    sections: of the parameters, as plain dicts. inputs: name -> folder; where the folders lie does not matter.
    """
    digests = {name: _digests(folder) for name, folder in inputs.items()}
    described: dict[str, Any] = json.loads(json.dumps({**sections, "inputs": digests}))  # tuples become lists
    return described


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}


def fingerprint(description: Mapping[str, Any]) -> str:
    """The name of a run's folder: 16 hex digits of the sha256 of its description."""
    return hashlib.sha256(json.dumps(description, sort_keys=True, allow_nan=False).encode()).hexdigest()[:16]


def run_folder(description: Mapping[str, Any], runs: Path, resume: Path | None = None) -> "RunFolder":
    """The folder of the run that is described, or the one that `resume` names.

    Raises ArtifactError where `resume` holds no checkpoint, and where the folder is of other parameters or data.
    """
    folder = RunFolder(resume or runs / fingerprint(description), description)
    if resume is not None and not folder.last.is_file():
        raise ArtifactError(f"{resume}: no checkpoint to go on from (last.pt); name a folder of {runs}, or start anew")
    folder.refuse_other()
    return folder


@dataclass
class RunFolder:
    """One run's folder: `description.json`, and `last.pt`, its last good checkpoint.

    missed: steps whose checkpoint found no room on the disk.
    """

    path: Path
    description: Mapping[str, Any]
    missed: list[int] = field(default_factory=list)

    @property
    def last(self) -> Path:
        """The checkpoint's file."""
        return self.path / LAST

    def refuse_other(self) -> None:
        """Raises ArtifactError, naming the first differences, where the checkpoint is of other parameters or data."""
        if not self.last.exists():
            return
        file = self.path / DESCRIPTION
        if not file.exists():
            raise ArtifactError(f"{file}: not found, so nobody knows whose checkpoint this is; delete {self.path}")
        found = list(_differences(read_json(file), self.description))
        if found:
            more = f"; {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            raise ArtifactError(
                f"{self.path}: checkpoint of another run: {'; '.join(found[:SHOWN])}{more}; run with those values, "
                "or name another folder"
            )

    def save(self, state: Mapping[str, Any], step: int) -> bool:
        """Keep `state` as the checkpoint after `step` steps; until it is whole on the disk, the one before stays.

        A full disk does not end the run, which may well finish in memory; ending it would lose all since the last good
        checkpoint for certain. It is told on standard error, counted in `missed`, and False is returned.
        """
        scratch = self.path / PARTIAL
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not self.last.exists():
                write_text(self.path / DESCRIPTION, json.dumps(self.description, indent=2) + "\n")
            with scratch.open("wb") as stream:
                _write(stream, {"step": step, "state": dict(state)})
            os.replace(scratch, self.last)
            _sync_folder(self.path)
        except OSError as error:
            scratch.unlink(missing_ok=True)
            if error.errno not in FULL:
                raise
            self.missed.append(step)
            print(f"train: {self.lost()}", file=sys.stderr, flush=True)
            return False
        return True

    def lost(self) -> str | None:
        """One line on the checkpoints that were not kept, None where all were; worth telling again when a run ends."""
        if not self.missed:
            return None
        kept = f"that of step {self.step()} is kept" if self.last.exists() else "there is none yet"
        count = f" ({len(self.missed)} so far)" if len(self.missed) > 1 else ""
        return (
            f"the checkpoint of step {self.missed[-1]} found no room on the disk{count}; {kept} and training goes on; "
            "free some space"
        )

    def load(self) -> dict[str, Any] | None:
        """The last good checkpoint's state, tensors on the CPU; None where there is none.

        Raises ArtifactError where the file is damaged.
        """
        state: dict[str, Any] | None = _read(self.last, mmap=False)["state"] if self.last.exists() else None
        return state

    def step(self) -> int:
        """Steps done at the last good checkpoint, 0 where there is none; raises ArtifactError where it is damaged."""
        return int(_read(self.last, mmap=True)["step"]) if self.last.exists() else 0

    def remove(self) -> None:
        """Delete the folder, once the run's outputs are written."""
        if self.path.exists():
            shutil.rmtree(self.path)


class CheckpointClock:
    """When a checkpoint is due: every `steps` steps, or by time where that is None. For the process that writes it."""

    def __init__(self, steps: int | None) -> None:
        self.steps, self.since = steps, time.monotonic()

    def due(self, step: int) -> bool:
        """Whether to write one after step `step` (from 1); time counts anew from then."""
        if self.steps is not None:
            return step % self.steps == 0
        if time.monotonic() - self.since < CHECKPOINT_S:
            return False
        self.since = time.monotonic()
        return True


def _write(stream: IO[bytes], value: object) -> None:
    try:
        torch.save(value, stream)
    except RuntimeError as error:  # the disk's own error stands behind the one of torch's zip writer
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise
    stream.flush()
    os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """After this the rename outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path, mmap: bool) -> dict[str, Any]:
    try:
        if not mmap:
            _compare_checksums(path)
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except (RuntimeError, ValueError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ArtifactError(
            f"{path}: not readable as a checkpoint ({reason}); delete {path.parent} and run again"
        ) from None
    return found


def _compare_checksums(path: Path) -> None:
    """Torch writes a checksum of each tensor and compares none."""
    with zipfile.ZipFile(path) as archive:
        if (name := archive.testzip()) is not None:
            raise ValueError(f"{name} has another checksum")


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    """`key: value there, value here` of each value that differs, by dotted key in the order of `here`."""
    old, new = dict(_flat(there)), dict(_flat(here))
    for key in [*new, *(key for key in old if key not in new)]:
        if old.get(key) != new.get(key):
            yield f"{key}: {old.get(key, 'nothing')} there, {new.get(key, 'nothing')} here"


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            digest = prefix.startswith("inputs.")
            yield f"{prefix}{key}", str(value)[:12] if digest else json.dumps(value)


if __name__ == "__main__":
    from graphmer.train.clean import main

    sys.exit(main())
