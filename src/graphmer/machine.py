"""What a machine calls itself in a file of results: models, never a host name."""

import platform
from pathlib import Path


def processor_name() -> str:
    """The processor's model, as the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())
