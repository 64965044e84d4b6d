"""Static types of the access paths that the Java parser writes, and what a name means at its place."""

import re
from abc import ABC, abstractmethod
from typing import NamedTuple

from graphmer.corpus.parse.java_text import CHOICE
from graphmer.corpus.parse.records import Symbol
from graphmer.kg.resolve.java_conditional import conditional, promoted
from graphmer.kg.resolve.java_generics import Generic, JavaGenerics, is_variable
from graphmer.kg.resolve.java_names import (
    ENUM_METHODS,
    FIELD_TYPES,
    LITERALS,
    MARKERS,
    OBJECT,
    OBJECT_METHODS,
    PRIMITIVES,
)
from graphmer.kg.resolve.java_overloads import Choice

OPERATORS = re.compile(r"[+*]")
QUALIFIED = re.compile(r"[a-z_][\w]*(?:\.[a-z_][\w]*)+\.[A-Z][\w$]*")
NOT_SEARCHED = MARKERS | {"java.lang.Enum"}
NOTHING = Choice((), "unresolved")
LAMBDA = "->"
METHOD_REFERENCE = "::"


class Callee(NamedTuple):
    """What a call means: methods of the corpus, or one or more external APIs, by dotted name."""

    choice: Choice
    external: tuple[str, ...] = ()


class JavaExpressions(ABC):
    """Types of expressions inside one package; every answer is remembered."""

    def __init__(self, types: JavaGenerics) -> None:
        self.types = types
        self._assigned: dict[tuple[str, str], str] = {}
        self._values: dict[tuple[str, str], Generic | None] = {}
        self._callees: dict[tuple[str, str], Callee] = {}
        self._fields: dict[tuple[str, str], Symbol | None] = {}
        for kinds in types.references.values():
            for reference in kinds.get("assign", ()):
                self._assigned[reference.scope, reference.name] = reference.value

    @abstractmethod
    def placed(self, place: str, scope: str) -> Generic | None:
        """The type of the call or the new object at a place, `@` and a byte."""

    @abstractmethod
    def lambda_parameter(self, parameter: Symbol) -> Generic | None:
        """The type that a lambda's parameter has by what the lambda becomes."""

    def variable(self, name: str, scope: str) -> Symbol | None:
        """The variable that a bare name means: a local or a parameter where it begins with `%`, else a field."""
        if name.startswith("%"):
            return self._local(name[1:], scope)
        around = self.types.class_around(scope) or scope
        key = (around, name)
        if key not in self._fields:
            self._fields[key] = self._find_field(name, around)
        return self._fields[key]

    def _local(self, part: str, scope: str) -> Symbol | None:
        types, at = self.types, scope
        while at:
            found = types.symbols.get(f"{at}.{part}")
            if found is not None and found.kind in ("local", "parameter"):
                return found
            # A field of a local class hides the variables of the method around it.
            hiding = types.field_of(at, part.partition("~")[0]) if at in types.classes else None
            if hiding is not None:
                return hiding
            at = types.container(at)
        return None

    def _find_field(self, name: str, around: str) -> Symbol | None:
        types, at = self.types, around
        while at in types.classes:
            found = types.field_of(at, name)
            if found is not None:
                return found
            at = types.class_around(types.container(at)) or ""
        file = types.file_of[around]
        imports = types.imports[file]
        for dotted in (*imports.members.get(name, ()), *imports.member_stars):
            owner = types.internal(dotted, file)
            found = types.field_of(owner, name) if owner else None
            if found is not None:
                return found
        return None

    def value_of_variable(self, symbol: Symbol) -> Generic | None:
        """The declared type; of a `var`, the type of its first value; of a lambda's parameter, what the lambda says."""
        if symbol.signature and symbol.signature != "var":
            return self.types.written(symbol.signature, symbol.container)
        if symbol.kind == "parameter":
            return self.lambda_parameter(symbol)
        value = self._assigned.get((symbol.container, symbol.symbol.rpartition(".")[2]))
        return None if value is None else self.value(value, symbol.container)

    def type_of(self, path: str, scope: str) -> str | None:
        """The static type by erasure of an access path inside a scope; of a class's name, that class. None: unknown."""
        return self.types.erasure(self.value(path, scope))

    def value(self, path: str, scope: str) -> Generic | None:
        """The static type of an access path, with its arguments."""
        key = (path, scope)
        if key not in self._values:
            self._values[key] = None  # `var x = x.next()` ends here
            self._values[key] = self._value(path, scope)
        return self._values[key]

    def _value(self, path: str, scope: str) -> Generic | None:
        if CHOICE in path:
            return conditional(self.types, [self.value(side, scope) for side in path.split(CHOICE)])
        if path.endswith("[]"):
            return self._element(self.value(path[:-2], scope))
        if path.startswith("(") and path.endswith(")"):
            return self.types.written(path[1:-1], scope)
        if path.startswith((LAMBDA, METHOD_REFERENCE)):
            return None
        if "+" in path or "*" in path:
            kind = promoted([self.type_of(operand, scope) for operand in OPERATORS.split(path)])
            return None if kind is None else Generic(kind)
        if path.startswith("<") and path.endswith(">"):
            literal = LITERALS.get(path, path.strip("<>"))
            return Generic(literal) if literal in PRIMITIVES or path in LITERALS else None
        receiver, _, name = path.rpartition(".")
        if receiver:
            return self._member(path, receiver, name, scope)
        return self.placed(path, scope) if path.startswith("@") else self._bare(name, scope)

    def _element(self, container: Generic | None) -> Generic | None:
        """What an array or anything iterable holds."""
        if container is None:
            return None
        if container.base.endswith("[]"):
            return Generic(container.base[:-2], container.arguments)
        if is_variable(container):
            bound = self.types.erasure(container)
            container = container if bound is None else Generic(bound)
        seen_as = self.types.as_super(container, "java.lang.Iterable")
        return seen_as.arguments[0] if seen_as is not None and seen_as.arguments else None

    def _bare(self, name: str, scope: str) -> Generic | None:
        types = self.types
        if name in ("this", "super"):
            around = types.class_around(scope)
            if around is None:
                return None
            if name == "this":
                return types.this_type(around)
            above = types.above(around)
            return above[0] if above else Generic(types.supertypes(around)[0] if types.supertypes(around) else OBJECT)
        variable = self.variable(name, scope)
        if variable is not None:
            kind = self.value_of_variable(variable)
            return self._seen_inside(kind, variable.container, scope) if kind and variable.kind == "field" else kind
        known = types.known(name, scope)
        return None if known is None else Generic(known)

    def _seen_inside(self, kind: Generic, owner: str, scope: str) -> Generic:
        """The type of a field that is named alone: in a class that extends Repository<User>, its T is User."""
        types, at = self.types, self.types.class_around(scope)
        while at:
            if owner in (at, *types.ancestors(at)[0]):
                return types.seen_from(kind, types.this_type(at), owner)
            at = types.class_around(types.container(at))
        return kind

    def _member(self, path: str, receiver: str, name: str, scope: str) -> Generic | None:
        types = self.types
        if name == "class":
            named = types.written(receiver, scope)
            return Generic("java.lang.Class", () if named is None else (named,))
        value = self.value(receiver, scope)
        owner = types.erasure(value)
        if value is None or owner is None:
            if receiver[:1] in "%@" or self.variable(path.partition(".")[0], scope) is not None:
                return None
            found = types.internal(path, types.file_of[scope]) or (path if QUALIFIED.fullmatch(path) else None)
            return None if found is None else Generic(found)
        if name == "this":
            return types.this_type(owner) if owner in types.classes else value
        if name == "super":
            return self._qualified_super(owner)
        if owner in types.classes:
            return self._field_value(value, owner, name)
        if owner.endswith("[]"):
            return Generic("int") if name == "length" else None
        dotted = f"{owner}.{name}"
        constant = name.isupper() or name[:1].islower()
        kind = FIELD_TYPES.get(dotted) or (None if constant or owner in PRIMITIVES else dotted)
        return None if kind is None else Generic(kind)

    def _qualified_super(self, owner: str) -> Generic:
        """`Shape.super` is the interface Shape itself, `Outer.super` what the enclosing class Outer extends."""
        declared = self.types.symbols.get(owner)
        if declared is None or declared.kind == "interface":
            return Generic(owner)
        above = self.types.above(owner)
        return above[0] if above else Generic(OBJECT)

    def _field_value(self, value: Generic, owner: str, name: str) -> Generic | None:
        found = self.types.field_of(owner, name)
        if found is None:
            nested = self.types.member_type(owner, name)
            return None if nested is None else Generic(nested)
        kind = self.value_of_variable(found)
        return None if kind is None else self.types.seen_from(kind, value, found.container)

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
        if owner == OBJECT and name not in OBJECT_METHODS:
            return Callee(NOTHING)  # a type variable of which too little is known
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
            if name in ENUM_METHODS and "java.lang.Enum" in types.ancestors(at)[1]:
                return Callee(NOTHING, (f"java.lang.Enum.{name}",))
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


def split_callee(callee: str) -> tuple[str, str]:
    """The receiver's path, empty for a bare name, and the method's name."""
    receiver, _, name = callee.rpartition(".")
    return receiver, name
