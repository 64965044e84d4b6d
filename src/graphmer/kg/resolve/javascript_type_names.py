"""The types that an annotation of TypeScript names, by its text."""

import re

from graphmer.kg.resolve.javascript_builtins import EMPTY_TYPES

TRANSPARENT = frozenset({"Promise", "Readonly", "Partial", "Required", "NonNullable", "Awaited", "PromiseLike"})
TYPE_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*")


def type_names(said: str) -> list[str]:
    """Dotted names of the types that a value of this annotation may have; of `T[]` it is Array."""
    names: list[str] = []
    for part in _split(said.strip(), "|&"):
        part = part.removeprefix("readonly ").strip()
        if part.startswith("(") and part.endswith(")") and "=>" not in part:
            names += type_names(part[1:-1])
            continue
        match = TYPE_NAME.match(part)
        if match is None or part.startswith(("typeof ", "keyof ", "infer ")) or " extends " in part:
            continue
        rest = part[match.end() :]
        if rest.endswith("[]"):
            names.append("Array")
        elif match.group() in TRANSPARENT and rest.startswith("<") and rest.endswith(">"):
            names += type_names(_split(rest[1:-1], ",")[0])
        elif match.group() not in EMPTY_TYPES and (not rest or (rest.startswith("<") and rest.endswith(">"))):
            names.append(match.group())
    return list(dict.fromkeys(names))


def _split(text: str, marks: str) -> list[str]:
    """Split at marks outside brackets."""
    parts, depth, start = [], 0, 0
    for place, character in enumerate(text):
        if character == ">" and text[place - 1 : place] == "=":
            continue
        depth += (character in "[(<{") - (character in "])>}")
        if character in marks and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]
