"""What an expression may be, one object of each: functions, classes, instances, modules, things from outside."""

from collections.abc import Iterable

BUILTIN = "<builtin>"


class Value:
    """One thing that an expression may be; there is one object of each, so that they compare by identity.

    kind       what is                                       of
    function   symbol of a function or lambda
    bound      symbol of a function                          the instance or class that it is bound to
    class      symbol of a class
    instance   symbol of a class
    maker      symbol of a class, which is instantiated past its metaclass
    module     symbol of a module
    namespace  dotted name of a folder above modules
    external   dotted name of something from outside
    result     dotted name of what was called outside: an instance where that is a class
    constant   a text or whole number, as the parser writes it
    container  where it is made, and its type after a space: list, tuple, set, dict, generator
    method     name of a container's method                  the container
    generator  symbol of a generator function
    super      symbol of the class whose method says super() the receiver
    partial    where it is made
    many       more than are followed
    """

    __slots__ = ("kind", "of", "what")

    def __init__(self, kind: str, what: str, of: "Value | None" = None) -> None:
        self.kind, self.what, self.of = kind, what, of

    def __repr__(self) -> str:
        return f"{self.kind} {self.what}"


def is_text(value: Value) -> bool:
    """Whether a value is a text, known or by its beginning."""
    return value.kind == "prefix" or (value.kind == "constant" and value.what[0] == "'")


def is_builtin(value: Value) -> bool:
    """Whether a value's type is a builtin one, whose special methods have no symbol in the package."""
    if value.kind == "result":
        return value.what.startswith(f"{BUILTIN}.")
    return value.kind in ("container", "constant", "prefix", "generator")


class ValueTable:
    """The values of a package, each once."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str, Value | None], Value] = {}

    def value(self, kind: str, what: str, of: Value | None = None) -> Value:
        """The one object of a value."""
        key = (kind, what, of)
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = Value(kind, what, of)
        return found


def in_order(values: Iterable[Value]) -> list[Value]:
    """Values by kind and name, so that facts come in an order that lasts."""
    found = list(values)
    return sorted(found, key=lambda value: (value.kind, value.what)) if len(found) > 1 else found
