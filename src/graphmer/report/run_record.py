"""Where a run's results came from: the machine by its models, no host name and no date, and digests of all files."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import psutil

from graphmer.artifacts import sha256_file
from graphmer.machine import processor_name
from graphmer.train.profile import VARIABLES
from graphmer.train.survey import gpu_names

GIB = 1 << 30
PACKAGES = ("torch", "accelerate", "numpy")


def run_record(profile: str, environ: Mapping[str, str], outputs: Mapping[str, str], files: Path) -> dict[str, object]:
    """What stands in results/<profile>/environment.json.

    environ: the run's environment. outputs: DVC's digest of each output, by its path.
    files: the folder of what was kept; each file's sha256 by its path in there.
    """
    kept = sorted(path for path in files.rglob("*") if path.is_file())
    return {
        "profile": profile,
        "environment": {name: environ[name] for name in (*VARIABLES, "OMP_NUM_THREADS") if environ.get(name)},
        "machine": {
            "processor": processor_name(),
            "cores": os.cpu_count() or 1,
            "memory_gib": round(psutil.virtual_memory().total / GIB, 1),
            "gpus": gpu_names(),
        },
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "outputs": dict(outputs),
        "sha256": {path.relative_to(files).as_posix(): sha256_file(path) for path in kept},
    }
