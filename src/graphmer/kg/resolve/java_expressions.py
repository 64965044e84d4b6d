"""Static types of the access paths that the Java parser writes, and what a name or a call means at its place."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from graphmer.corpus.parse.java_text import erase
from graphmer.corpus.parse.records import Symbol
from graphmer.kg.resolve.java_generics import returned_element, type_arguments
from graphmer.kg.resolve.java_index import JavaMethod
from graphmer.kg.resolve.java_names import (
    ANY_RECEIVER,
    ENUM_METHODS,
    FIELD_TYPES,
    LITERALS,
    MARKERS,
    NUMBERS,
    OBJECT,
    OBJECT_METHODS,
    PRIMITIVES,
    RETURNS,
    STRING,
    UNBOXED,
)
from graphmer.kg.resolve.java_overloads import Choice
from graphmer.kg.resolve.java_types import JavaTypes

OPERATORS = re.compile(r"[+*]")
CALL = re.compile(r"\((\d*)\)$")
QUALIFIED = re.compile(r"[a-z_][\w]*(?:\.[a-z_][\w]*)+\.[A-Z][\w$]*")
ENUM_RETURNS = {("java.lang.Enum.valueOf",): "", ("java.lang.Enum.values",): "[]"}  # beside the enum itself
NOT_SEARCHED = MARKERS | {"java.lang.Enum"}
NOTHING = Choice((), "unresolved")


class Callee(NamedTuple):
    """What a call means: methods of the corpus, or one or more external APIs, by dotted name."""

    choice: Choice
    external: tuple[str, ...] = ()


class JavaExpressions:
    """Types of expressions inside one package; every answer is remembered."""

    def __init__(self, types: JavaTypes) -> None:
        self.types = types
        self._assigned: dict[tuple[str, str], str] = {}
        self._types: dict[tuple[str, str], str | None] = {}
        self._callees: dict[tuple[str, str], Callee] = {}
        self._written: dict[tuple[str, str], tuple[str, str]] = {}
        self._variables: dict[tuple[str, str], Symbol | None] = {}
        for file in types.package.files:
            for reference in file.references:
                if reference.kind == "assign":
                    self._assigned[reference.scope, reference.name] = reference.value

    def variable(self, name: str, scope: str) -> Symbol | None:
        """The local variable, parameter or field that a bare name means; None where it is none of the corpus."""
        key = (scope, name)
        if key not in self._variables:
            self._variables[key] = self._find_variable(name, scope)
        return self._variables[key]

    def _find_variable(self, name: str, scope: str) -> Symbol | None:
        types, at = self.types, scope
        while at and types.symbols[at].kind != "module":
            local = types.symbols.get(f"{at}.{name}")
            if local is not None and local.kind in ("local", "parameter"):
                return local
            if at in types.classes:
                found = types.field_of(at, name)
                if found is not None:
                    return found
            at = types.container(at)
        file = types.file_of[scope]
        imports = types.imports[file]
        for dotted in (*imports.members.get(name, ()), *imports.member_stars):
            owner = types.internal(dotted, file)
            found = types.field_of(owner, name) if owner else None
            if found is not None:
                return found
        return None

    def type_of_variable(self, symbol: Symbol) -> str | None:
        """The declared type; of a `var`, the type of its first value."""
        text = erase(symbol.signature)
        if text != "var":
            return self.types.named(text, symbol.container)
        value = self._assigned.get((symbol.container, symbol.symbol.rpartition(".")[2]))
        return None if value is None else self.type_of(value, symbol.container)

    def type_of(self, path: str, scope: str) -> str | None:
        """The static type of an access path inside a scope; of a class's name, that class. None where not known."""
        key = (path, scope)
        if key not in self._types:
            self._types[key] = None  # `var x = x.next()` ends here
            self._types[key] = self._type_of(path, scope)
        return self._types[key]

    def _type_of(self, path: str, scope: str) -> str | None:
        if path.endswith("::new()"):
            return self.types.named(path[: -len("::new()")], scope)
        if "+" in path or "*" in path:
            return promoted([self.type_of(operand, scope) for operand in OPERATORS.split(path)])
        call = CALL.search(path)
        if call is not None:
            return self._returned(path[: call.start()], int(call[1] or 0), scope) or self._by_arguments(path, scope)
        if path.endswith("[]"):
            array = self.type_of(path[:-2], scope)
            return array[:-2] if array and array.endswith("[]") else self._by_arguments(path, scope)
        if path.startswith("(") and path.endswith(")"):
            return self.types.named(path[1:-1], scope)
        if path.startswith("<") and path.endswith(">"):
            literal = LITERALS.get(path, path.strip("<>"))
            return literal if literal in PRIMITIVES or path in LITERALS else None
        receiver, _, name = path.rpartition(".")
        if receiver:
            return self._member(path, receiver, name, scope)
        return self._bare(name, scope)

    def _bare(self, name: str, scope: str) -> str | None:
        if name == "this":
            return self.types.class_around(scope)
        if name == "super":
            around = self.types.class_around(scope)
            found = self.types.supertypes(around) if around else []
            return found[0] if found else OBJECT
        variable = self.variable(name, scope)
        return self.type_of_variable(variable) if variable is not None else self.types.known(name, scope)

    def _member(self, path: str, receiver: str, name: str, scope: str) -> str | None:
        owner = self.type_of(receiver, scope)
        if name == "this":
            return owner
        if owner is None:
            if self.variable(path.partition(".")[0], scope) is not None:
                return None
            return self.types.internal(path, self.types.file_of[scope]) or (path if QUALIFIED.fullmatch(path) else None)
        if owner in self.types.classes:
            found = self.types.field_of(owner, name)
            return self.type_of_variable(found) if found is not None else self.types.member_type(owner, name)
        if owner.endswith("[]"):
            return "int" if name == "length" else None
        dotted = f"{owner}.{name}"
        constant = name.isupper() or name[:1].islower()
        return FIELD_TYPES.get(dotted) or (None if constant or owner in PRIMITIVES else dotted)

    def _returned(self, callee: str, count: int, scope: str) -> str | None:
        """The type that a call returns: the same for every method that it may mean, else not known."""
        receiver, name = split_callee(callee)
        if name in ANY_RECEIVER:
            return ANY_RECEIVER[name]
        found = self.methods(receiver, name, scope)
        if receiver and found.external in ENUM_RETURNS:
            owner = self.type_of(receiver, scope)
            return None if owner is None else owner + ENUM_RETURNS[found.external]
        if found.external:
            return RETURNS.get(found.external[0]) if len(found.external) == 1 else None
        kinds = {self._return_type(method) for method in found.choice.methods if method.takes(count)}
        return kinds.pop() if len(kinds) == 1 else None

    def _return_type(self, method: JavaMethod) -> str | None:
        variable = method.returned in self.types.type_variables.get(method.symbol.symbol, ())
        if variable or method.returned in self.types.type_variables.get(method.owner, ()):
            found = self.types.named(method.returned, method.symbol.symbol)
            return None if found == OBJECT else found  # some type, which erasure does not show
        return self.types.named(method.returned, method.symbol.symbol)

    def _by_arguments(self, path: str, scope: str) -> str | None:
        """The type of an element of a generic container, by the container's type arguments."""
        text, place = self.written(path, scope)
        kind = self.types.named(erase(text), place) if text else None
        return None if kind == OBJECT else kind

    def written(self, path: str, scope: str) -> tuple[str, str]:
        """An expression's type with its arguments as written, and the scope it is written in; empty: not known."""
        key = (path, scope)
        if key not in self._written:
            self._written[key] = ("", "")  # `for (var y : y)` ends here
            self._written[key] = self._find_written(path, scope)
        return self._written[key]

    def _find_written(self, path: str, scope: str) -> tuple[str, str]:
        call = CALL.search(path)
        if call is not None:
            return self._written_call(path[: call.start()], int(call[1] or 0), scope)
        if path.endswith("[]"):
            text, place = self.written(path[:-2], scope)
            arguments = type_arguments(text)
            return (arguments[0], place) if len(arguments) == 1 else ("", "")
        receiver, _, name = path.rpartition(".")
        if receiver and receiver != "this":
            owner = self.type_of(receiver, scope)
            found = self.types.field_of(owner, name) if owner in self.types.classes else None
        else:
            found = self.variable(name, scope)
        if found is None:
            return "", ""
        if found.signature != "var":
            return found.signature, found.container
        value = self._assigned.get((found.container, found.symbol.rpartition(".")[2]))
        return self.written(value, found.container) if value else ("", "")

    def _written_call(self, callee: str, count: int, scope: str) -> tuple[str, str]:
        receiver, name = split_callee(callee)
        found = self.methods(receiver, name, scope)
        methods = [method for method in found.choice.methods if method.takes(count)]
        if methods:
            texts = {method.symbol.signature.rpartition(" -> ")[2] for method in methods}
            return (texts.pop(), methods[0].symbol.symbol) if len(texts) == 1 else ("", "")
        if not receiver or len(found.external) != 1:
            return "", ""
        text, place = self.written(receiver, scope)
        element = returned_element(name, text)
        return ("", "") if element is None else (element, place)

    def methods(self, receiver: str, name: str, scope: str) -> Callee:
        """All methods of a name that a receiver's type has, whatever the arguments. An empty receiver: a bare name."""
        if not receiver:
            return self._bare_methods(name, scope)
        owner = self.type_of(receiver, scope)
        if owner is None:
            return Callee(NOTHING)
        return self.methods_of_type(owner, name)

    def methods_of_type(self, owner: str, name: str) -> Callee:
        """The methods of a name of a type, or the external API that it has."""
        key = (owner, name)
        found = self._callees.get(key)
        if found is None:
            found = self._callees[key] = self._methods_of_type(owner, name)
        return found

    def _methods_of_type(self, owner: str, name: str) -> Callee:
        types = self.types
        if owner in PRIMITIVES:
            return Callee(NOTHING)
        if owner.endswith("[]"):
            return Callee(NOTHING, (f"{OBJECT}.{name}",) if name in OBJECT_METHODS else ())
        if owner not in types.classes:
            return Callee(NOTHING, (f"{owner}.{name}",))
        found = types.methods_of(owner, name)
        if found:
            return Callee(Choice(found, "exact"))
        if name in OBJECT_METHODS:
            return Callee(NOTHING, (f"{OBJECT}.{name}",))
        if types.is_unknown_above(owner):
            return Callee(NOTHING)
        external = types.ancestors(owner)[1]
        if name in ENUM_METHODS and "java.lang.Enum" in external:
            return Callee(NOTHING, (f"java.lang.Enum.{name}",))
        return Callee(NOTHING, self.inherited_api(owner, name))

    def inherited_api(self, owner: str, name: str) -> tuple[str, ...]:
        """The external APIs that a method may be: of the superclass if that is external, else of any supertype."""
        superclass = self.types.external_superclass(owner)
        external = [superclass] if superclass else self.types.ancestors(owner)[1]
        return tuple(f"{kind}.{name}" for kind in external if kind not in NOT_SEARCHED)

    def _bare_methods(self, name: str, scope: str) -> Callee:
        """A call without a receiver: the innermost class with a method of that name, then static imports."""
        around = self.types.class_around(scope) or scope
        key = (f"{around} ", name)  # no type has a space
        found = self._callees.get(key)
        if found is None:
            found = self._callees[key] = self._find_bare_methods(name, around)
        return found

    def _find_bare_methods(self, name: str, scope: str) -> Callee:
        types = self.types
        inherited: tuple[str, ...] = ()
        superclass: tuple[str, ...] = ()
        unknown = False
        at = types.class_around(scope)
        while at:
            found = types.methods_of(at, name)
            if found:
                return Callee(Choice(found, "exact"))
            unknown = unknown or types.is_unknown_above(at)
            above = types.external_superclass(at)
            superclass = superclass or ((f"{above}.{name}",) if above and above not in NOT_SEARCHED else ())
            inherited = inherited or self.inherited_api(at, name)
            at = types.class_around(types.container(at))
        file = types.file_of[scope]
        imports = types.imports[file]
        for owners, named in ((imports.members.get(name, ()), True), (imports.member_stars, False)):
            for dotted in owners:
                owner = types.internal(dotted, file)
                methods = types.methods_of(owner, name) if owner else []
                if methods:
                    return Callee(Choice(methods, "exact"))
            if named and owners and types.internal(owners[0], file) is None:
                return Callee(NOTHING, (f"{owners[0]}.{name}",))
        if name in OBJECT_METHODS:
            return Callee(NOTHING, (f"{OBJECT}.{name}",))
        stars = tuple(f"{dotted}.{name}" for dotted in imports.member_stars if types.internal(dotted, file) is None)
        return Callee(NOTHING, () if unknown else (*(superclass or inherited), *stars))


def promoted(kinds: Sequence[str | None]) -> str | None:
    """The type of arithmetic on operands of these types; a sum with a text is a text."""
    if STRING in kinds:
        return STRING
    found = {UNBOXED.get(kind or "", kind) for kind in kinds}
    if found == {"boolean"}:
        return "boolean"
    if not found <= NUMBERS:
        return None
    return next((kind for kind in ("double", "float", "long") if kind in found), "int")


def split_callee(callee: str) -> tuple[str, str]:
    """The receiver's path, empty for a bare name, and the method's name."""
    receiver, _, name = callee.rpartition(".")
    return receiver, name
