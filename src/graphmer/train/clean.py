"""What `make clean-runs` does: list the run folders, and delete them when told to."""

import argparse
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from graphmer.errors import ArtifactError
from graphmer.train.checkpoint import RUN_FILES, RunFolder, runs_folder

MIB = 1 << 20
HOUR_S = 3600.0


def main(arguments: Sequence[str] | None = None) -> int:
    """List every run folder, one line each, and with --execute delete them."""
    parser = argparse.ArgumentParser(prog="python -m graphmer.train.checkpoint", description=__doc__)
    parser.add_argument("--execute", action="store_true", help="delete the folders that are listed")
    execute = parser.parse_args(arguments).execute
    runs = runs_folder(os.environ)
    found = sorted(path for path in runs.iterdir() if path.is_dir()) if runs.is_dir() else []
    folders = [path for path in found if is_run_folder(path)]
    for folder in folders:
        print(line(folder))
        if execute:
            shutil.rmtree(folder)
    done = "deleted" if execute else "delete with: make clean-runs EXECUTE=1"
    print(f"{runs}: {len(folders)} run folders" + (f"; {done}" if folders else ""))
    if len(found) > len(folders):
        print(f"{runs}: {len(found) - len(folders)} other folders, left alone")
    return 0


def is_run_folder(folder: Path) -> bool:
    """Whether a folder holds what a run leaves there and nothing else: GRAPHMER_RUNS may name a disk full of others."""
    names = {path.name for path in folder.iterdir()}
    return not folder.is_symlink() and "description.json" in names and names <= RUN_FILES


def line(folder: Path) -> str:
    """A run folder's name, the steps its checkpoint has done, its size and its age."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / MIB
    age = (time.time() - max([path.stat().st_mtime for path in files], default=folder.stat().st_mtime)) / HOUR_S
    try:
        step = f"step {RunFolder(folder, {}).step()}"
    except ArtifactError:
        step = "damaged"
    return f"{folder.name}  {step}  {size:.1f} MiB  {age:.1f} h old"
