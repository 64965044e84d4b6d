"""What calling a value means: which definitions, or which names from outside."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from graphmer.kg.resolve.python.builtin_members import DEQUE_ONLY
from graphmer.kg.resolve.python.entities import Externals
from graphmer.kg.resolve.python.library import QUEUES
from graphmer.kg.resolve.python.values import BUILTIN, Value
from graphmer.kg.resolve.python.world import World

# Bases that mark a class and make no instance of their own.
PLAIN_BASES = (f"{BUILTIN}.", "typing.", "typing_extensions.", "abc.", "enum.", "collections.abc.", "unittest.")


class Target(NamedTuple):
    """One thing that a call may mean; `choice` is what was called, of which a constructor is a part."""

    relation: str
    tail: str
    choice: str


class Targets:
    """The targets of each value, worked out once."""

    def __init__(self, world: World, externals: Externals) -> None:
        self.world, self.index, self.externals = world, world.index, externals
        self.constructors: dict[str, list[str]] = {}
        self.known: dict[Value, tuple[Target, ...]] = {}

    def of(self, value: Value) -> tuple[Target, ...]:
        """What calling a value means, worked out once each."""
        known = self.known.get(value)
        if known is None:
            known = self.known[value] = tuple(self._of_value(value))
        return known

    def of_all(self, values: Iterable[Value]) -> dict[Target, None]:
        """What calling each value means, once each."""
        found: dict[Target, None] = {}
        for value in values:
            found.update(dict.fromkeys(self.of(value)))
        return found

    def _of_value(self, value: Value) -> Iterator[Target]:
        kind, what = value.kind, value.what
        if kind == "function" or kind == "bound":
            yield Target("calls", what, what)
        elif kind == "class" or kind == "maker":
            yield Target("instantiates", what, what)
            meta = self.world.calls.meta_call(what) if kind == "class" else ""
            if meta:
                yield Target("calls", meta, what)
                owner = self.index.symbols[meta].container
                if self.world.calls.made_past.isdisjoint(self.world.statics.classes.made_by(owner)):
                    return
            for constructor in self._constructors(what):
                relation = "calls" if constructor in self.index.symbols else "invokes"
                yield Target(relation, constructor, what)
            for hook in self.world.generated.hooks(what):
                yield Target("calls", hook, what)
        elif kind == "external":
            tail = self.externals.called(what)
            yield Target("instantiates" if self.externals.is_exception(what) else "invokes", tail, tail)
        elif kind == "method" and value.of is not None:
            kind = value.of.what.rpartition(" ")[2]
            owner = kind if kind in QUEUES else f"{BUILTIN}.{kind}"
            if value.of in self.world.subclassed.owners:
                owner = self.world.subclassed.owners[value.of]
            elif kind == "list" and what in DEQUE_ONLY:
                owner = "collections.deque"
            tail = self.externals.api(f"{owner}.{what}")
            yield Target("invokes", tail, tail)
        elif kind == "instance":
            for member in self.world.attributes.view(value, "__call__").values:
                if member.kind in ("bound", "function"):
                    yield Target("calls", member.what, member.what)

    def _constructors(self, symbol: str) -> list[str]:
        """`__init__`, and a `__new__` of the package, of a class or its nearest ancestor that has one."""
        known = self.constructors.get(symbol)
        if known is None:
            order = self.world.statics.classes.order(symbol)
            known = self.constructors[symbol] = []
            for name in ("__new__", "__init__"):
                owner = next((one for one in order if name in self.index.scopes[one].definitions), None)
                if owner is not None:
                    known.append(self.index.scopes[owner].definitions[name][-1].symbol)
            bases = self.world.statics.classes.outside_bases(symbol)
            outside = [base for base in bases if not base.startswith(PLAIN_BASES)]
            if not known and outside:  # a base class from outside makes the instance
                known.append(self.externals.api(f"{outside[0]}.__init__"))
        return known
