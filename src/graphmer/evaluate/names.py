"""Names as the counted features compare them: their parts and their letter case."""

import functools
import re

PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\dA-Za-z_]+")
SHAPES = ("lower", "snake", "Camel", "mixedCase", "UPPER", "_private", "__dunder__", "other")


@functools.lru_cache(maxsize=1 << 18)
def subtokens(name: str) -> tuple[str, ...]:
    """Lower-case parts of camelCase and snake_case, in order: `HTTPServer_run2` gives http, server, run, 2."""
    return tuple(part.lower() for part in PART.findall(name))


@functools.lru_cache(maxsize=1 << 18)
def shape(name: str) -> int:
    """Index into SHAPES of a name's letter case."""
    if name.startswith("__") and name.endswith("__") and len(name) > 4:
        return SHAPES.index("__dunder__")
    if name.startswith("_"):
        return SHAPES.index("_private")
    if not name.isidentifier():
        return SHAPES.index("other")
    if name.isupper() and len(name) > 1:
        return SHAPES.index("UPPER")
    if name.islower():
        return SHAPES.index("snake" if "_" in name else "lower")
    return SHAPES.index("Camel" if name[0].isupper() else "mixedCase")
