"""A profile: changes to params.yaml, and defaults for the facts of the machine that it is meant for.

    profiles/<name>.params   lines `key.path=value`
    profiles/<name>.env      lines `NAME=value`, of the variables below; not every profile has one

Empty lines, and lines that start with '#', say nothing to the machine.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from graphmer.errors import ParamsError

TARGET = "DVC_TARGET"  # the stage that a run ends with; without it the whole pipeline runs
VARIABLES = (
    "GRAPHMER_DEVICE",
    "GRAPHMER_PROCESSES",
    "GRAPHMER_MICRO_BATCH",
    "GRAPHMER_THREADS",
    "GRAPHMER_CHECKPOINT_ACTIVATIONS",
    "GRAPHMER_COMPILE",
    TARGET,
)
CHANGE = re.compile(r"(?P<key>[a-z]\w*(?:\.\w+)+)=(?P<value>\S.*)")
SETTING = re.compile(r"(?P<key>[A-Z][A-Z_]*)=(?P<value>\S+)")


@dataclass(frozen=True)
class Profile:
    """A named set of changes (`key.path=value`), with defaults of environment variables by their names."""

    name: str
    changes: tuple[str, ...]
    defaults: Mapping[str, str]

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment of a run: a variable that is set wins over the profile's default, even an empty one."""
        return {**self.defaults, **environ}


def read_profile(name: str, folder: Path) -> Profile:
    """The profile `name` of a folder.

    Raises ParamsError, one line, where there is no such profile, a line has another form, a key stands twice, or a
    variable is none that a profile sets. Keys of parameters are not looked up here: `check_tree` does that.
    """
    path = folder / f"{name}.params"
    known = sorted(file.stem for file in folder.glob("*.params"))
    if name not in known:
        raise ParamsError(f"profile: no '{name}' in {folder}; known: {', '.join(known)}")
    changes = _lines(path, CHANGE, "key.path=value")
    settings = folder / f"{name}.env"
    defaults = _lines(settings, SETTING, "NAME=value") if settings.is_file() else {}
    for variable in defaults:
        if variable not in VARIABLES:
            raise ParamsError(f"{settings}: {variable} is no variable of a profile; known: {', '.join(VARIABLES)}")
    return Profile(name, tuple(f"{key}={value}" for key, value in changes.items()), defaults)


def _lines(path: Path, form: re.Pattern[str], expected: str) -> dict[str, str]:
    """Values by their keys, in the order of the file."""
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = form.fullmatch(line.rstrip())
        # DVC would take a trailing comment for a part of the value.
        if match is None or " #" in line:
            raise ParamsError(f"{path}:{number}: expected {expected}, comments on lines of their own, got '{line}'")
        if match["key"] in found:
            raise ParamsError(f"{path}:{number}: {match['key']} is set twice; keep one line")
        found[match["key"]] = match["value"]
    return found
