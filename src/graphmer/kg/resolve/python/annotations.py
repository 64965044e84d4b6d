"""What an annotation, given as text, says of a value: its types, and for containers those of their items."""

from functools import cache
from typing import NamedTuple

WRAPPERS = frozenset(
    {"Optional", "Final", "ClassVar", "Annotated", "Awaitable", "Coroutine", "Required", "NotRequired", "InitVar"}
)
LISTS = frozenset({"list", "List", "Sequence", "MutableSequence", "deque", "Deque"})
SETS = frozenset({"set", "Set", "frozenset", "FrozenSet", "AbstractSet", "MutableSet"})
STREAMS = frozenset(
    {"Iterable", "Iterator", "Collection", "Generator", "AsyncIterator", "AsyncIterable", "AsyncGenerator"}
)
MAPPINGS = frozenset({"dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "DefaultDict", "OrderedDict"})
CLASSES = frozenset({"type", "Type"})


class Said(NamedTuple):
    """One type that a value may have. kind: instance, class, list, set, generator, dict or tuple.

    name: dotted name of the type; of a class, of what it is a class.
    items: annotations of a container's items, as text; of a tuple one for each place, of any other container one.
    """

    kind: str
    name: str
    items: tuple[str, ...] = ()


@cache
def read_annotation(said: str) -> tuple[Said, ...]:
    """The types that an annotation allows: `X | None` and Optional[X] are X; a quoted one is what it quotes."""
    text = said.strip().removeprefix("->").strip().strip("\"'").strip()
    found = [one for part in _split(text, "|") for one in _read_part(part)]
    return tuple(dict.fromkeys(found))


def _read_part(part: str) -> tuple[Said, ...]:
    head, bracket, inner = part.partition("[")
    head = head.strip().strip("\"'")
    if bracket:
        short = head.rpartition(".")[2]
        inside = _split(inner.rstrip().removesuffix("]"), ",")
        if short in WRAPPERS:
            return read_annotation(inside[-1] if short == "Coroutine" else inside[0])
        if short == "Union":
            return tuple(one for item in inside for one in read_annotation(item))
        container = _container(head, short, inside)
        if container is not None:
            return (container,)
    named = head and head != "None" and head.replace(".", "").isidentifier()
    return (Said("instance", head),) if named else ()


def _container(head: str, short: str, inside: list[str]) -> Said | None:
    if short in CLASSES:
        return Said("class", inside[0].strip("\"'"))
    if short in LISTS or short in SETS or short in STREAMS:
        kind = "list" if short in LISTS else "set" if short in SETS else "generator"
        return Said(kind, head, (inside[0],))
    if short in MAPPINGS:
        return Said("dict", head, (inside[-1],))
    if short in ("tuple", "Tuple"):
        return Said("list", head, (inside[0],)) if inside[-1] == "..." else Said("tuple", head, tuple(inside))
    return None


@cache
def said_names(said: str) -> tuple[str, ...]:
    """Dotted names of the types that an annotation names outside brackets: of `dict[str, X] | Y` dict and Y."""
    return tuple(one.name for one in read_annotation(said))


def _split(text: str, mark: str) -> list[str]:
    """Split at a mark outside brackets."""
    if mark not in text:
        return [text.strip()]
    parts, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += (character in "[(") - (character in "])")
        if character == mark and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]
