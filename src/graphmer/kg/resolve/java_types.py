"""What a type's name means at a place of a Java package, and what a class inherits.

A type is a text: the symbol of a class of the package, the dotted name of an external class, or a primitive's name;
`[]` after it for each dimension of an array. None is a type that is not known.
"""

from collections import deque

from graphmer.corpus.parse.java_text import erase
from graphmer.corpus.parse.records import Symbol
from graphmer.kg.facts import PackageFacts
from graphmer.kg.resolve.java_index import JavaIndex, JavaMethod
from graphmer.kg.resolve.java_names import JAVA_LANG, OBJECT, PRIMITIVES, STAR_IMPORTED


class JavaTypes(JavaIndex):
    """The classes of a package with their supertypes and members; every answer is remembered."""

    def __init__(self, package: PackageFacts) -> None:
        super().__init__(package)
        self._named: dict[tuple[str, str], str | None] = {}
        self._type_scopes: dict[str, str] = {}
        around = {declared.symbol.container for declared in self.classes.values()}
        self._deciding = {*self.classes, *self.type_variables, *around}
        self._known: dict[tuple[str, str], str | None] = {}
        self._imports: dict[tuple[str, str, bool], str | None] = {}
        self._supertypes: dict[str, list[str]] = {}
        self._busy: set[str] = set()  # classes whose supertypes are being looked up
        self._methods: dict[tuple[str, str], list[JavaMethod]] = {}
        self._parameters: dict[JavaMethod, list[str | None]] = {}
        self._ancestors: dict[str, tuple[list[str], list[str]]] = {}

    def container(self, symbol: str) -> str:
        """The definition around a symbol; empty at the top."""
        return self.symbols[symbol].container

    def class_around(self, scope: str) -> str | None:
        """The innermost class at a scope, which may be the scope itself."""
        while scope and scope not in self.classes:
            scope = self.container(scope)
        return scope or None

    def type_scope(self, scope: str) -> str:
        """The innermost definition at a scope that decides what a type's name means there."""
        found = self._type_scopes.get(scope)
        if found is None:
            at = scope
            while at not in self._deciding and self.symbols[at].kind != "module":
                at = self.symbols[at].container
            found = self._type_scopes[scope] = at
        return found

    def named(self, text: str, scope: str) -> str | None:
        """The type that an erased type text means inside a scope."""
        scope = self.type_scope(scope)
        key = (scope, text)
        if key not in self._named:
            self._named[key] = None  # a bound that names its own variable ends here
            found = self._named[key] = self._resolve(text, scope)
            if self._busy:  # found while supertypes were only half known
                del self._named[key]
            return found
        return self._named[key]

    def _resolve(self, text: str, scope: str) -> str | None:
        if text.endswith("[]"):
            element = self.named(text[:-2], scope)
            return None if element is None else element + "[]"
        if text in PRIMITIVES:
            return text
        if "|" in text:
            return "java.lang.Throwable"  # what is caught of several types has the members of all exceptions
        if not text or text == "var" or "&" in text or "?" in text:
            return None
        first, _, rest = text.partition(".")
        found = self._simple(first, scope, strict=bool(rest) and first[:1].islower())
        if found is None and rest and first[:1].islower():
            return self.internal(text, self.file_of[scope]) or text
        for part in rest.split(".") if rest else ():
            if found is not None:
                found = self.member_type(found, part)
        return found

    def known(self, name: str, scope: str) -> str | None:
        """The class that a simple name in an expression means, where that is certain."""
        if not name[:1].isupper():
            return None
        scope = self.type_scope(scope)
        key = (scope, name)
        if key not in self._known:
            self._known[key] = self._simple(name, scope, strict=True)
        return self._known[key]

    def _simple(self, name: str, scope: str, strict: bool) -> str | None:
        """A simple type name. strict: do not guess that it is a class of the same Java package outside the corpus."""
        foreign = False
        at = scope
        while at and self.symbols[at].kind != "module":
            if name in self.type_variables.get(at, ()):
                bound = self.type_variables[at][name]
                return self.named(erase(bound), at) if bound else OBJECT
            if at in self.classes:
                found = at if self.symbols[at].name == name else self.member_type(at, name)
                foreign = foreign or bool(self.ancestors(at)[1])
            else:
                local = f"{at}.{name}"
                found = local if local in self.classes else None
            if found is not None:
                return found
            at = self.container(at)
        return self._imported(name, self.file_of[scope], strict or foreign)

    def _imported(self, name: str, file: str, strict: bool) -> str | None:
        key = (name, file, strict)
        if key not in self._imports:
            self._imports[key] = self._find_imported(name, file, strict)
        return self._imports[key]

    def _find_imported(self, name: str, file: str, strict: bool) -> str | None:
        imports = self.imports[file]
        if name in imports.types:
            return self.internal(imports.types[name], file) or imports.types[name]
        own = f"{imports.module}.{name}" if imports.module else name
        for dotted in [own, *(f"{star}.{name}" for star in [*imports.stars, *imports.member_stars])]:
            found = self.internal(dotted, file)
            if found is not None:
                return found
        if name in JAVA_LANG:
            return f"java.lang.{name}"
        for star in imports.stars:
            if name in STAR_IMPORTED.get(star, ()):
                return f"{star}.{name}"
        unknown = [star for star in imports.stars if star not in STAR_IMPORTED and star not in self.modules]
        if strict and (len(unknown) != 1 or name.isupper()):
            return None
        if len(unknown) > 1 or not name[:1].isupper():
            return None
        return f"{unknown[0]}.{name}" if unknown else own

    def member_type(self, outer: str, name: str) -> str | None:
        """A nested type by name, inherited ones too; of an external class, the dotted name."""
        if outer not in self.classes:
            return None if outer.endswith("[]") or outer in PRIMITIVES else f"{outer}.{name}"
        for symbol in (outer, *self.ancestors(outer)[0]):
            found = self.classes[symbol].types.get(name)
            if found is not None:
                return found
        return None

    def supertypes(self, symbol: str) -> list[str]:
        """The types that a class extends and implements, in the order in which they are written, where known."""
        found = self._supertypes.get(symbol)
        if found is not None:
            return found
        if symbol in self._busy:  # asked for while it is being looked up: a nested class as supertype, or cyclic code
            return []
        self._busy.add(symbol)
        around = self.container(symbol)
        kinds = [self.named(reference.value, around) for reference in self.classes[symbol].supertypes]
        self._busy.discard(symbol)
        found = [kind for kind in kinds if kind is not None]
        if not self._busy:
            self._supertypes[symbol] = found
        return found

    def ancestors(self, symbol: str) -> tuple[list[str], list[str]]:
        """All supertypes, nearest first: those in the package, and those outside it (Object left out)."""
        found = self._ancestors.get(symbol)
        if found is not None:
            return found
        internal: dict[str, None] = {}
        external: dict[str, None] = {}
        waiting = deque([symbol])
        seen = {symbol}
        while waiting:
            at = waiting.popleft()
            supertypes = self.supertypes(at)
            if self.symbols[at].kind == "enum":
                supertypes = [*supertypes, "java.lang.Enum"]
            for kind in supertypes:
                if kind in seen or kind == OBJECT:
                    continue
                seen.add(kind)
                if kind in self.classes:
                    internal[kind] = None
                    waiting.append(kind)
                else:
                    external[kind] = None
        result = list(internal), list(external)
        if not self._busy:
            self._ancestors[symbol] = result
        return result

    def superclass(self, symbol: str) -> str | None:
        """The class of the package that a class extends; None where that is none of the package."""
        for reference in self.classes[symbol].supertypes:
            if reference.kind in ("extends", "anonymous") and self.symbols[symbol].kind == "class":
                found = self.named(reference.value, self.container(symbol))
                is_class = found in self.classes and self.symbols[found].kind != "interface"
                return found if is_class else None
        return None

    def external_superclass(self, symbol: str) -> str | None:
        """The first class outside the package on the chain of superclasses."""
        seen: set[str] = set()
        while symbol in self.classes and symbol not in seen:
            seen.add(symbol)
            written = [ref for ref in self.classes[symbol].supertypes if ref.kind in ("extends", "enum_body")]
            if not written or self.symbols[symbol].kind == "interface":
                return None
            symbol = self.named(written[0].value, self.container(symbol)) or ""
        return symbol if symbol and symbol not in self.symbols else None

    def is_unknown_above(self, symbol: str) -> bool:
        """Whether a class has supertypes that could not be resolved at all."""
        return any(
            len(self.supertypes(at)) < len(self.classes[at].supertypes) for at in (symbol, *self.ancestors(symbol)[0])
        )

    def field_of(self, symbol: str, name: str) -> Symbol | None:
        """A field by name, of a class or what it inherits from."""
        for at in (symbol, *self.ancestors(symbol)[0]):
            found = self.classes[at].fields.get(name)
            if found is not None and (at == symbol or "private" not in found.modifiers.split()):
                return found
        return None

    def methods_of(self, symbol: str, name: str) -> list[JavaMethod]:
        """The methods of a name that an object of a class has: its own, and the inherited ones it does not replace."""
        key = (symbol, name)
        found = self._methods.get(key)
        if found is None:
            found = []
            for at in (symbol, *self.ancestors(symbol)[0]):
                inherited = self.classes[at].methods.get(name, ())
                if at != symbol:
                    inherited = [other for other in inherited if self._is_inherited(at, other)]
                found += [other for other in inherited if not any(self.same_parameters(mine, other) for mine in found)]
            self._methods[key] = found
        return found

    def _is_inherited(self, ancestor: str, method: JavaMethod) -> bool:
        """Whether a subclass has a method: neither a private one, nor a static one of an interface."""
        if "private" in method.modifiers:
            return False
        return "static" not in method.modifiers or self.symbols[ancestor].kind != "interface"

    def parameter_types(self, method: JavaMethod) -> list[str | None]:
        """The types of a method's parameters; a type variable stands for its bound."""
        found = self._parameters.get(method)
        if found is None:
            found = self._parameters[method] = [self.named(kind, method.symbol.symbol) for kind in method.parameters]
        return found

    def same_parameters(self, method: JavaMethod, other: JavaMethod) -> bool:
        """Whether a method takes what an inherited one takes, whose type variables may stand for any class."""
        if len(method.parameters) != len(other.parameters):
            return False
        pairs = zip(self.parameter_types(method), self.parameter_types(other), other.parameters)
        return all(mine == theirs or self._may_stand_for(other, text, mine) for mine, theirs, text in pairs)

    def _may_stand_for(self, method: JavaMethod, text: str, kind: str | None) -> bool:
        name = text.replace("[]", "")
        variables = (self.type_variables.get(method.owner, ()), self.type_variables.get(method.symbol.symbol, ()))
        return kind not in PRIMITIVES and any(name in scope for scope in variables)
