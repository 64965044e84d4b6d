"""Types with their arguments: what `List<Foo>` says about the value that its `get` returns.

A generic type is a base, in the notation of java_types, with the types of its arguments. The base of a type variable is
`?`, the class or method that declares it, a space and its name; `[]` may follow any base.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from graphmer.corpus.parse.java_text import erase
from graphmer.kg.facts import PackageFacts
from graphmer.kg.resolve.java_index import JavaMethod
from graphmer.kg.resolve.java_library import DOTTED, FUNCTIONAL, LIBRARY, LibraryMethod, split_arguments
from graphmer.kg.resolve.java_names import BOXES, JAVA_LANG, OBJECT_METHODS, PRIMITIVES
from graphmer.kg.resolve.java_types import JavaTypes

WILDCARD = re.compile(r"\?\s*(?:extends|super)\s*")
SUPERTYPES = re.compile(r"\b(?:extends|implements|permits)\b")
MAX_DEPTH = 8  # arguments of arguments: deeper types are left without theirs


class Generic(NamedTuple):
    """A type: its base, and the types of its arguments; none where it is raw or has none."""

    base: str
    arguments: tuple["Generic", ...] = ()


class Function(NamedTuple):
    """What a functional interface takes and returns."""

    parameters: tuple[Generic, ...]
    returned: Generic | None


UNKNOWN = Generic("")
Bindings = dict[str, Generic]


def is_variable(kind: Generic) -> bool:
    """Whether a type is a type variable, or an array of one."""
    return kind.base.startswith("?")


def has_variables(kind: Generic) -> bool:
    """Whether a type variable stands anywhere in a type."""
    return kind.base.startswith("?") or any(has_variables(argument) for argument in kind.arguments)


class JavaGenerics(JavaTypes):
    """Generic types of one package and of the standard library; every answer is remembered."""

    def __init__(self, package: PackageFacts) -> None:
        super().__init__(package)
        self._written: dict[tuple[str, str], Generic | None] = {}
        self._signatures: dict[JavaMethod, Signature] = {}
        self._above: dict[str, tuple[Generic, ...]] = {}
        self._functions: dict[Generic, Function | None] = {}

    def written(self, text: str, scope: str) -> Generic | None:
        """The type that a text means inside a scope, with its arguments."""
        scope = self.type_scope(scope)
        key = (text, scope)
        if key not in self._written:
            self._written[key] = self._read(text, scope, 0)
        return self._written[key]

    def _read(self, text: str, scope: str, depth: int) -> Generic | None:
        erased = text if text.isidentifier() else erase(text)
        variable = self._variable(erased.replace("[]", ""), scope)
        if variable:
            return Generic(variable + "[]" * erased.count("[]"))
        base = self.named(erased, scope)
        if base is None:
            return None
        start, end = text.find("<"), text.rfind(">")
        if start < 0 or end < start or depth > MAX_DEPTH:
            return Generic(base)
        parts = [WILDCARD.sub("", part, count=1) for part in split_arguments(text[start + 1 : end])]
        arguments = [self._read(part, scope, depth + 1) for part in parts]
        return Generic(base, tuple(argument or UNKNOWN for argument in arguments))

    def _variable(self, name: str, scope: str) -> str:
        """The base of a type variable that is visible in a scope; empty: there is none of that name."""
        at = scope
        while at and self.symbols[at].kind != "module":
            if name in self.type_variables.get(at, ()):
                return f"?{at} {name}"
            at = self.container(at)
        return ""

    def erasure(self, kind: Generic | None) -> str | None:
        """The type by erasure: a type variable is its bound."""
        if kind is None or not kind.base:
            return None
        if not is_variable(kind):
            return kind.base
        owner, _, name = kind.base[1:].partition(" ")
        plain = name.replace("[]", "")
        if owner not in self.symbols:
            return None
        bound = self.named(plain, owner)
        return None if bound is None else bound + name[len(plain) :]

    def bounded(self, kind: Generic) -> Generic:
        """A type variable's bound with its arguments; any other type as it is."""
        for _ in range(MAX_DEPTH):
            owner, _, name = kind.base[1:].partition(" ")
            bound = self.type_variables.get(owner, {}).get(name, "") if is_variable(kind) else ""
            found = self.written(bound, owner) if bound else None
            if found is None:
                return kind
            kind = found
        return kind

    def this_type(self, symbol: str) -> Generic:
        """A class of the package as it is seen from inside: its arguments are its own variables."""
        return Generic(symbol, tuple(Generic(f"?{symbol} {name}") for name in self.type_variables.get(symbol, ())))

    def above(self, symbol: str) -> tuple[Generic, ...]:
        """The supertypes of a class, with the arguments that its header gives them."""
        found = self._above.get(symbol)
        if found is None:
            found = self._above[symbol] = tuple(self._find_above(symbol))
        return found

    def _find_above(self, symbol: str) -> list[Generic]:
        if symbol in LIBRARY:
            return [self._library_type(text, symbol, symbol) for text in LIBRARY[symbol].supertypes]
        if symbol not in self.classes:
            return []
        known = set(self.supertypes(symbol))
        written = SUPERTYPES.split(WILDCARD.sub("", _after_variables(self.symbols[symbol].signature)))
        texts = [text for part in (written[1:] or written) for text in split_arguments(part)]
        kinds = [self.written(text, symbol) for text in texts]
        return [kind for kind in kinds if kind is not None and kind.base in known]

    def _library_type(self, text: str, owner: str, method: str) -> Generic:
        """A type as java_library writes it. owner: the class; method: what declares all other variables."""
        base, _, rest = text.partition("<")
        plain = base.replace("[]", "")
        dimensions = base[len(plain) :]
        if len(plain) == 1 and plain.isupper():
            where = owner if plain in LIBRARY[owner].variables else method
            return Generic(f"?{where} {plain}{dimensions}")
        arguments = split_arguments(rest[: rest.rfind(">")]) if rest else []
        dotted = DOTTED.get(plain) or (f"java.lang.{plain}" if plain in JAVA_LANG else plain)
        return Generic(dotted + dimensions, tuple(self._library_type(part, owner, method) for part in arguments))

    def library_method(self, receiver: Generic, name: str, count: int) -> "Signature | None":
        """A method of the standard library, with what the receiver's arguments say about it."""
        receiver = self.bounded(receiver)
        waiting, seen = [receiver], {receiver.base}
        while waiting:
            at = waiting.pop(0)
            declared = LIBRARY.get(at.base)
            for method in declared.methods.get(name, ()) if declared else ():
                if len(method.parameters) == count or method.parameters[-1:] == ("T[]",):
                    return self._library_signature(at, name, method)
            above = [substitute(kind, self.bindings(at)) for kind in self.above(at.base)]
            waiting += [kind for kind in above if kind.base not in seen]
            seen.update(kind.base for kind in above)
        return None

    def _library_signature(self, receiver: Generic, name: str, method: LibraryMethod) -> "Signature":
        owner, declared = receiver.base, f"{receiver.base}.{name}"
        parameters = tuple(self._library_type(text, owner, declared) for text in method.parameters)
        return Signature(parameters, self._library_type(method.returned, owner, declared), self.bindings(receiver))

    def bindings(self, kind: Generic) -> Bindings:
        """What the variables of a type's class stand for."""
        declared = LIBRARY.get(kind.base)
        names: Sequence[str] = declared.variables if declared else tuple(self.type_variables.get(kind.base, ()))
        if len(names) != len(kind.arguments):
            return {}
        return {f"?{kind.base} {name}": argument for name, argument in zip(names, kind.arguments)}

    def as_super(self, kind: Generic, base: str) -> Generic | None:
        """A type as one of its supertypes: an ItemBox is a Box<Item>."""
        kind = self.bounded(kind)
        waiting, seen = [kind], {kind.base}
        while waiting:
            at = waiting.pop(0)
            if at.base == base:
                return at
            bindings = self.bindings(at)
            is_raw = bool(self.type_variables.get(at.base)) and not bindings
            for above in self.above(at.base):
                if above.base not in seen:
                    seen.add(above.base)
                    waiting.append(Generic(above.base) if is_raw else substitute(above, bindings))
        return None

    def signature(self, method: JavaMethod, receiver: Generic | None) -> "Signature":
        """A method of the package, with what the receiver's arguments say about its class' variables."""
        plain = self.plain_signature(method)
        if receiver is None or method.owner not in self.type_variables:
            return plain
        seen_as = self.as_super(receiver, method.owner)
        return plain if seen_as is None else plain._replace(bindings=self.bindings(seen_as))

    def plain_signature(self, method: JavaMethod) -> "Signature":
        """A method of the package, as its own class sees it."""
        found = self._signatures.get(method)
        if found is None:
            symbol = method.symbol
            parameters = tuple(self.written(text, symbol.symbol) or UNKNOWN for text in method.written)
            returned = self.written(symbol.signature.rpartition(" -> ")[2], symbol.symbol) if method.returned else None
            found = self._signatures[method] = Signature(parameters, returned, {})
        return found

    def seen_from(self, kind: Generic, receiver: Generic, owner: str) -> Generic:
        """The type of a member of a class, seen from a receiver of a subclass: Box<Item>.content is an Item."""
        if not has_variables(kind):
            return kind
        seen_as = self.as_super(receiver, owner)
        return kind if seen_as is None else substitute(kind, self.bindings(seen_as))

    def function(self, kind: Generic) -> Function | None:
        """What a functional interface takes and returns; None where it is none, or not known."""
        if kind not in self._functions:
            self._functions[kind] = self._find_function(kind)
        return self._functions[kind]

    def _find_function(self, kind: Generic) -> Function | None:
        if kind.base in FUNCTIONAL:
            found: Signature | None = self._library_signature(kind, *self._library_single(kind.base))
        else:
            method = self.single_method(kind.base)
            found = None if method is None else self.signature(method, kind)
        if found is None:
            return self._inherited_function(kind)
        parameters = tuple(substitute(parameter, found.bindings) for parameter in found.parameters)
        return Function(parameters, None if found.returned is None else substitute(found.returned, found.bindings))

    def _library_single(self, base: str) -> tuple[str, LibraryMethod]:
        name, methods = next(iter(LIBRARY[base].methods.items()))
        return name, methods[0]

    def _inherited_function(self, kind: Generic) -> Function | None:
        """An interface of the package that only extends a functional one of the library."""
        declared = self.symbols.get(kind.base)
        if declared is None or declared.kind != "interface":
            return None
        outside = [base for base in self.ancestors(kind.base)[1] if base in FUNCTIONAL]
        seen_as = self.as_super(kind, outside[0]) if len(outside) == 1 else None
        return None if seen_as is None else self.function(seen_as)

    def single_method(self, symbol: str) -> JavaMethod | None:
        """The one abstract method of a functional interface of the package."""
        declared = self.symbols.get(symbol)
        if declared is None or declared.kind != "interface":
            return None
        names = {name for at in (symbol, *self.ancestors(symbol)[0]) for name in self.classes[at].methods}
        found = [
            method
            for name in sorted(names)
            for method in self.methods_of(symbol, name)
            if "abstract" in method.modifiers and OBJECT_METHODS.get(name) != len(method.parameters)
        ]
        return found[0] if len(found) == 1 else None

    def same_parameters(self, method: JavaMethod, other: JavaMethod) -> bool:
        """Whether a method takes what another takes, seen from the method's class: Box<Item> takes Items."""
        if len(method.parameters) != len(other.parameters):
            return False
        if not self.type_variables.get(other.owner) or not self.classes[method.owner].supertypes:
            return super().same_parameters(method, other)
        seen_as = self.as_super(self.this_type(method.owner), other.owner)
        if seen_as is None or not self.bindings(seen_as):
            return super().same_parameters(method, other)
        mine, theirs = self.signature(method, None), self.signature(other, seen_as)
        seen = (substitute(kind, theirs.bindings) for kind in theirs.parameters)
        return all(
            left == right or self.erasure(left) == self.erasure(right) for left, right in zip(mine.parameters, seen)
        )


class Signature(NamedTuple):
    """A method's types, and what is known of the variables in them."""

    parameters: tuple[Generic, ...]
    returned: Generic | None
    bindings: Bindings


def substitute(kind: Generic, bindings: Mapping[str, Generic]) -> Generic:
    """A type with what its variables stand for."""
    if not bindings:
        return kind
    base = kind.base
    if base.startswith("?"):
        plain = base.replace("[]", "")
        found = bindings.get(plain)
        return kind if found is None else Generic(found.base + base[len(plain) :], found.arguments)
    if not kind.arguments:
        return kind
    return Generic(base, tuple(substitute(argument, bindings) for argument in kind.arguments))


def unify(types: JavaGenerics, pattern: Generic, actual: Generic | None, bindings: Bindings) -> None:
    """Learn what the variables of a parameter's type stand for from an argument's type."""
    if actual is None:
        return
    if pattern.base.startswith("?"):
        plain = pattern.base.replace("[]", "")
        dimensions = (len(pattern.base) - len(plain)) // 2
        base = actual.base
        for _ in range(dimensions):
            base = base.removesuffix("[]")
        learnt = Generic(BOXES.get(base, base), actual.arguments)
        if learnt.base != plain and learnt.base not in PRIMITIVES:
            bindings.setdefault(plain, learnt)
        return
    if not pattern.arguments:
        return
    seen_as = types.as_super(actual, pattern.base)
    for inner, known in zip(pattern.arguments, seen_as.arguments if seen_as else ()):
        if known.base.startswith("?") and known.base.replace("[]", "") not in bindings:
            meant = substitute(inner, bindings)
            if not meant.base.startswith("?"):
                bindings.setdefault(known.base, meant)
                continue
        unify(types, inner, known, bindings)


def _after_variables(signature: str) -> str:
    """A class' header after its type variables and, of a record, its components."""
    text = signature.strip()
    if not text.startswith("<"):
        return text[text.rfind(")") + 1 :] if text.startswith("(") else text
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "<") - (character == ">")
        if depth == 0:
            return _after_variables(text[place + 1 :])
    return ""
