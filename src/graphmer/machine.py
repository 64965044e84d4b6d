"""What a machine calls itself in a file of results: models and versions, never a host name."""

import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path


def processor_name() -> str:
    """The processor's model, as the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def public_versions(packages: Iterable[str]) -> dict[str, str]:
    """Installed versions; of `2.9.0+cpu` only `2.9.0`, since the build says which machine it is, not which code."""
    return {name: version(name).partition("+")[0] for name in packages}


def python_minor() -> str:
    """Such as 3.11."""
    return ".".join(platform.python_version_tuple()[:2])
