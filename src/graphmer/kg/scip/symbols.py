"""SCIP's symbol strings: scheme, package manager, package, version and a path of descriptors.

`scip-python python shapes 1.0 `shapes.area`/Square#side().` names a method; `local 3` names something of one document.
Source: the grammar in the SCIP reference, message Symbol.
"""

import re
from typing import NamedTuple

LOCAL = "local "
CONSTRUCTOR = "<init>"  # Java's
PYTHON_BUILTINS = "builtins"
# Four parts, each ended by a space; a space within a part is doubled, an empty part is written as a dot. Possessive
# repeats: a line of spaces would otherwise be cut in every way that there is.
PACKAGE = re.compile(r"((?:[^ ]|  )*+) " * 4 + "(?=[^ ])")
NAME = r"(?:`(?:[^`]|``)++`|[\w+$-]++)"
DESCRIPTOR = re.compile(
    rf"(?P<method>{NAME})\([\w+$-]*\)\.|(?P<plain>{NAME})(?P<suffix>[/#.:!])"
    rf"|\[(?P<type_parameter>{NAME})\]|\((?P<parameter>{NAME})\)"
)
SUFFIXES = {"/": "namespace", "#": "type", ".": "term", ":": "meta", "!": "macro"}


class Descriptor(NamedTuple):
    """One step of a symbol's path."""

    name: str
    kind: str  # namespace, type, term, method, type_parameter, parameter, meta, macro


class ScipSymbol(NamedTuple):
    """A global symbol. `package` is its manager, name and version."""

    package: tuple[str, str, str]
    path: tuple[Descriptor, ...]

    @property
    def is_builtin_class(self) -> bool:
        """Whether it names one of Python's builtin classes."""
        return self.last.kind == "type" and [step.name for step in self.path[:-1]] == [PYTHON_BUILTINS]

    @property
    def last(self) -> Descriptor:
        """What the symbol names."""
        return self.path[-1]


def parse_symbol(text: str) -> ScipSymbol | None:
    """A global symbol; None where the text keeps to no such form, or is local to a document."""
    head = PACKAGE.match(text)
    if head is None or text.startswith(LOCAL):
        return None
    path = []
    at = head.end()
    while at < len(text):
        found = DESCRIPTOR.match(text, at)
        if found is None:
            return None
        path.append(_descriptor(found))
        at = found.end()
    manager, name, version = (part.replace("  ", " ") for part in head.groups()[1:])
    return ScipSymbol((manager, name, version), tuple(path)) if path else None


def _descriptor(found: re.Match[str]) -> Descriptor:
    for kind in ("method", "type_parameter", "parameter"):
        if found[kind]:
            return Descriptor(_plain(found[kind]), kind)
    return Descriptor(_plain(found["plain"]), SUFFIXES[found["suffix"]])


def _plain(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
