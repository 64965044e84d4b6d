"""The calls, lambdas and method references of a package by where they stand, and what is written there."""

from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.resolve.java_expressions import LAMBDA, METHOD_REFERENCE, Callee, JavaExpressions, split_callee
from graphmer.kg.resolve.java_generics import Generic, JavaGenerics
from graphmer.kg.resolve.java_names import OBJECT

CALLS = ("call", "new", "constructor_call", "constant")


class JavaPlaces(JavaExpressions):
    """What the parser found at each place, and what can be said of it without choosing a method."""

    def __init__(self, types: JavaGenerics) -> None:
        super().__init__(types)
        self._placed: dict[tuple[str, int], Reference] = {}  # calls by file and byte; method references by -byte
        self._lambdas: dict[tuple[str, int], Symbol] = {}
        self._anonymous: dict[tuple[str, int], str] = {}
        # lambdas and method references by file and first byte: the call that they are handed to, or what they become
        self._argument_of: dict[tuple[str, int], tuple[Reference, int]] = {}
        self._targets: dict[tuple[str, int], str] = {}
        self._results: dict[str, str] = {}
        self._is_block: dict[str, bool] = {}
        for file in types.package.files:
            for symbol in file.symbols:
                if symbol.kind == "lambda":
                    self._lambdas[file.file, symbol.byte_start] = symbol
                elif symbol.kind == "class" and symbol.name.startswith("<"):
                    self._anonymous[file.file, symbol.name_byte_start] = symbol.symbol
            self._add(file.file, types.references[file.file])

    def _add(self, file: str, kinds: dict[str, list[Reference]]) -> None:
        for kind in CALLS:
            for reference in kinds.get(kind, ()):
                self._placed[file, reference.byte_start] = reference
                value = reference.value
                if LAMBDA in value or METHOD_REFERENCE in value:
                    for place, argument in enumerate(value.split(" ")[1:]):
                        if argument.startswith((LAMBDA, METHOD_REFERENCE)):
                            self._argument_of[file, int(argument[2:])] = (reference, place)
        for reference in kinds.get("method_reference", ()):
            self._placed[file, -reference.ordinal] = reference
        for reference in kinds.get("target", ()):
            self._targets[file, reference.byte_start] = reference.value
        for reference in kinds.get("result", ()):
            self._results[reference.scope] = reference.value
            self._is_block[reference.scope] = self.types.symbols[reference.scope].byte_end != reference.byte_end

    def _at(self, place: str, scope: str) -> Reference | None:
        if not place.startswith("@"):
            return None
        return self._placed.get((self.types.file_of[scope], int(place[1:])))

    def created(self, reference: Reference) -> Generic | None:
        """The class of which `new` makes an object; without the body of an anonymous class."""
        value = reference.value.partition(" ")[0]
        outer, _, inner = value.rpartition("::")
        if outer:
            owner = self.type_of(outer, reference.scope)
            kind = self.types.member_type(owner, inner.partition("<")[0]) if owner is not None else None
            return None if kind is None else Generic(kind)
        return self.types.written(value, reference.scope)

    def receiver_of(self, receiver: str, scope: str) -> Generic | None:
        """What stands before the `::` of a method reference: an expression or a type."""
        if "<" in receiver:  # no expression has type arguments
            return self.types.written(receiver, scope)
        return self.value(receiver, scope) or self.types.written(receiver, scope)

    def _is_type(self, receiver: str, scope: str) -> bool:
        return receiver[:1].isupper() and self.variable(receiver.partition(".")[0], scope) is None

    def component(self, reference: Reference) -> Symbol | None:
        """The component of a record that the accessor reads which the language makes: `point.x()`."""
        receiver, name = split_callee(reference.value.partition(" ")[0])
        if reference.ordinal:
            return None
        return self.component_of(self.type_of(receiver or "this", reference.scope), name)

    def component_of(self, owner: str | None, name: str) -> Symbol | None:
        """The component of a record by its name."""
        if owner not in self.types.classes or self.types.symbols[owner].kind != "record":
            return None
        found = self.types.classes[owner].fields.get(name)
        return found if found is not None and "record" in found.modifiers.split() else None

    def accessed(self, reference: Reference, found: Callee) -> Symbol | None:
        """The component that a call reads, unless its record writes the accessor out.

        found: what else the call may mean, such as a method of an interface that the accessor implements.
        """
        component = self.component(reference)
        return None if component is None or is_declared(component, found) else component

    def _around(self, found: Callee, scope: str) -> Generic | None:
        """The receiver of a bare call: the innermost class around it that has the method."""
        types = self.types
        owners = {method.owner for method in found.choice.methods}
        at = types.class_around(scope)
        while at:
            if owners & {at, *types.ancestors(at)[0]}:
                return types.this_type(at)
            at = types.class_around(types.container(at))
        return self.value("this", scope)

    def _visible(self, kind: Generic | None, scope: str) -> Generic | None:
        """A type as a scope sees it: a variable of another class that nothing is known of is its bound, or unknown."""
        if kind is None or not kind.base.startswith("?"):
            return kind
        owner = kind.base[1:].partition(" ")[0]
        if scope == owner or scope.startswith(f"{owner}."):
            return kind
        bound = self.types.erasure(kind)
        return None if bound is None or bound.removesuffix("[]") == OBJECT else Generic(bound)


def is_declared(component: Symbol, found: Callee) -> bool:
    """Whether a record writes the accessor of a component out."""
    return any(method.owner == component.container for method in found.choice.methods)


def parameter_count(symbol: Symbol) -> int:
    """How many parameters a lambda has."""
    inside = symbol.signature.strip("()").strip()
    depth = commas = 0
    for character in inside:
        depth += (character == "<") - (character == ">")
        commas += character == "," and depth == 0
    return commas + 1 if inside else 0
