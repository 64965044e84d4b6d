"""What annotations say of the nodes that they stand at."""

from typing import TYPE_CHECKING

from graphmer.corpus.parse.python.notation import is_path
from graphmer.kg.resolve.python.annotations import read_annotation
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import FUNCTION_KINDS, Expression, Scope, expression
from graphmer.kg.resolve.python.values import BUILTIN, Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World

MAX_DEPTH = 40  # containers in containers; deeper ones are generated code
# Say nothing of what a value has.
NO_TYPES = frozenset(
    f"{module}.{name}"
    for module in ("typing", "typing_extensions")
    for name in (
        *("Any", "AnyStr", "Callable", "ClassVar", "Final", "Generic", "Hashable", "Literal", "LiteralString", "Never"),
        *("NoReturn", "Optional", "Protocol", "Self", "Sized", "TypeAlias", "TypedDict", "Union", "Unpack"),
    )
) | {f"{BUILTIN}.object", "collections.abc.Callable", "collections.abc.Hashable", "collections.abc.Sized"}
ALIASES = frozenset({"NewType", "TypeVar"})
CLASS_SELF = frozenset({"Self", "typing.Self", "typing_extensions.Self"})


class Annotated:
    """Adds the values of annotations to nodes."""

    def __init__(self, world: "World") -> None:
        self.network, self.statics = world.network, world.statics

    def add(self, node: Node, said: str, scope: Scope, name: str, depth: int = 0) -> None:
        """A node may be what its annotation says; `name` tells the containers of one scope apart."""
        if depth > MAX_DEPTH:
            return
        for place, one in enumerate(read_annotation(said)):
            if one.kind in ("instance", "class"):
                for value in self._named(one.name, scope, one.kind):
                    self.network.add(node, value)
                continue
            at = f"{scope.symbol.symbol}:{name}.{place}"
            value, container = self.network.container(at, one.kind)
            for number, item in enumerate(one.items):
                target = self.network.item(container, f"#{number}") if one.kind == "tuple" else container.any
                self.add(target, item, scope, f"{name}.{place}.{number}", depth + 1)
            self.network.add(node, value)

    def _named(self, name: str, scope: Scope, kind: str) -> list[Value]:
        """Instances of a type that an annotation in a scope names, or the type itself."""
        if name in CLASS_SELF:
            owner = self.statics.classes.owner_class(scope)
            return [self.network.value(kind, owner.symbol.symbol)] if owner is not None else []
        outer = scope.parent if scope.symbol.kind in FUNCTION_KINDS and scope.parent is not None else scope
        found = []
        for value in self.statics.path(name, outer) or self._alias(name, outer):
            if value.kind == "class":
                found.append(self.network.value(kind, value.what))
            elif value.kind == "external" and value.what not in NO_TYPES:
                found.append(self.network.value("result" if kind == "instance" else "external", value.what))
        return found

    def _alias(self, name: str, scope: Scope) -> list[Value]:
        """What a name stands for that is bound to `TypeVar(bound=T)`, `NewType("N", T)`, `Union[T, U]` or `T | U`."""
        at = self.statics.binder(name, scope)
        said = [expression(value) for value in at.assigned.get(name, ())] if at is not None else []
        if at is None or len(said) != 1:
            return []
        whole = said[0]
        if isinstance(whole, str) and whole[:1] == "@":
            call = self.statics.index.calls.get((at.file, int(whole[1:])))
            whole = _bound(expression(call.value)) if call is not None and call.name in ALIASES else whole
        paths = [part for part in _alternatives(whole) if is_path(part)]
        return [value for path in paths for value in self.statics.path(path, at)]


def _bound(call: Expression) -> Expression:
    """The type that a call of TypeVar or NewType names."""
    named = [part[2] for part in call[2:] if isinstance(part, list) and part[0] == "=" and part[1] == "bound"]
    plain = [part for part in call[3:] if isinstance(part, str)]  # after the name
    return named[0] if named else ["|", *plain]


def _alternatives(whole: Expression) -> list[Expression]:
    """The types of `A | B`, `Union[A, B]` and `Optional[A]`."""
    if isinstance(whole, list) and whole[0] in ("|", "union"):
        parts = whole[1:] if whole[0] == "|" else whole[1:3]
        return [one for part in parts for one in _alternatives(part)]
    if isinstance(whole, list) and whole[0] == "[]" and str(whole[1]).rpartition(".")[2] in ("Union", "Optional"):
        inside = whole[2]
        return list(inside[2:]) if isinstance(inside, list) and inside[0] == "tuple" else [inside]
    return [whole]
