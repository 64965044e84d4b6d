"""Facts from a package's JavaScript references: what each says once its names are resolved."""

from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.config import GraphParams
from graphmer.kg.facts import Fact, Resolved
from graphmer.kg.resolve.javascript_builtins import EMPTY_TYPES, PRIMITIVES, library_of
from graphmer.kg.resolve.javascript_calls import CALLABLE_TYPES, CLASS_TYPES, CallFacts
from graphmer.kg.resolve.javascript_entities import Externals, is_exception
from graphmer.kg.resolve.javascript_index import FUNCTION_KINDS, PackageIndex, Scope, member_key
from graphmer.kg.resolve.javascript_type_names import type_names
from graphmer.kg.resolve.javascript_value import Value
from graphmer.kg.resolve.javascript_values import Evaluator

CODE_TYPES = CALLABLE_TYPES | CLASS_TYPES
DECLARING = CODE_TYPES | {"Variable", "Module"}
IMPORTED = CODE_TYPES | {"Module", "Variable", "Type"}
HEADLESS = frozenset({"block", "variable", "field", "type_alias"})  # their code is that of what they stand in


def _is_name(value: Value) -> bool:
    """Whether an external value is what it is called, and neither made nor returned by it."""
    return not value.inferred and "(" not in value.what and "{" not in value.what


class FactMaker:
    """Turns references into facts, one file after the other."""

    def __init__(self, index: PackageIndex, evaluator: Evaluator, resolved: Resolved, params: GraphParams) -> None:
        self.index, self.evaluator, self.resolved, self.params = index, evaluator, resolved, params
        self.externals = Externals(resolved)
        self.calls = CallFacts(self)
        self.handlers = {
            "call": self.calls.of_call,
            "new": self.calls.of_call,
            "import": self._import,
            "import_module": self._import_module,
            "library": self._library,
            "base": self._base,
            "implemented": self._base,
            "decorator": self._decorator,
            "raise": self._raise,
            "read": self._read,
            "jsx": self._read,
            "write": self._write,
            "type_name": self._type_name,
            "return": self._return,
        }

    def of_reference(self, reference: Reference, file: str) -> None:
        """Facts that one reference says."""
        handler = self.handlers.get(reference.kind)
        where = reference.scope
        if reference.kind == "decorator" and where in self.index.symbols and where not in self.index.scopes:
            where = self.index.symbols[where].container  # of a field, which is no scope
        scope = self.index.scope(where, file) if handler is not None else None
        if handler is not None and scope is not None:
            handler(reference, scope, file)

    # Ends of a fact

    def head(self, scope: Scope) -> str:
        """The entity whose code a scope is: a function, a class for its fields, else the module."""
        at: Scope = scope
        while at.kind in HEADLESS and at.parent is not None:
            at = at.parent
        return at.key

    def add(
        self, head: str, relation: str, tail: str, at: Reference, file: str, how: str, confidence: float | None = None
    ) -> None:
        """File one fact."""
        sure = confidence if confidence is not None else (self.params.inferred_confidence if how == "inferred" else 1.0)
        self.resolved.facts.append(Fact(head, relation, tail, file, at.byte_start, at.byte_end, how, sure))

    def type_of(self, symbol: str) -> str:
        """Entity type of a definition; a module is a Module."""
        if symbol in self.resolved.types:
            return self.resolved.types[symbol]
        return "Module" if symbol in self.index.scopes and self.index.scopes[symbol].kind == "module" else ""

    # Imports

    def _file(self, file: str) -> str:
        return f"{self.index.language}:{self.index.package}:{file}"

    def _import(self, reference: Reference, scope: Scope, file: str) -> None:
        specifier, _, name = reference.value.rpartition(":")
        if name in ("", "*", "exports"):
            return  # the module itself, or the library, is named by its own reference
        variable = self._exported_variable(specifier, name, scope)
        if variable is not None:
            self.add(self._file(file), "imports", variable, reference, file, "exact")
            return
        for value in sorted(self.evaluator.imported(reference.value, scope)):
            if value.kind == "external":
                if "(" not in value.what and "{" not in value.what and not specifier.startswith("."):
                    exception = is_exception(value.what)
                    tail = self.externals.exception(value.what) if exception else self.externals.api(value.what)
                    self.add(self._file(file), "imports", tail, reference, file, "external")
            elif value.kind not in ("instance", "module", "bound", "opaque") and self.type_of(value.what) in IMPORTED:
                how = "inferred" if value.inferred else "exact"
                self.add(self._file(file), "imports", value.what, reference, file, how)

    def _exported_variable(self, specifier: str, name: str, scope: Scope) -> str | None:
        """The variable or type that an import names, through re-exports; its value is another matter."""
        for _ in range(self.params.max_alias_hops):
            module = self.index.module_at(specifier, scope.file)
            if module is None:
                return None
            module = self._exporter(module, name)
            exports = module.exports.get(name, [(name, False)])
            value, outside = exports[-1]
            if outside:
                specifier, _, name = value.rpartition(":")
                scope = module
                continue
            alias = [symbol for symbol in module.definitions.get(value, ()) if symbol.kind == "type_alias"]
            if alias:
                return alias[-1].symbol
            symbol = f"{module.key}{value}"
            is_plain = value not in module.definitions and value not in module.imports
            return symbol if is_plain and self.resolved.types.get(symbol) == "Variable" else None
        return None

    def _exporter(self, module: Scope, name: str) -> Scope:
        """The module that a name comes from, through `export * from`."""
        todo, seen = [module], {module.key}
        while todo:
            one = todo.pop(0)
            if name in one.exports or one.binds(name) or f"{one.key}{name}" in self.resolved.types:
                return one
            stars = [self.index.module_at(star, one.file) for star in one.stars]
            todo += [other for other in stars if other is not None and other.key not in seen]
            seen.update(other.key for other in stars if other is not None)
        return module

    def _import_module(self, reference: Reference, scope: Scope, file: str) -> None:
        module = self.index.module_at(reference.value, file)
        if module is not None and module.file != file:
            name = module.symbol.name if module.symbol is not None else ""
            # `..` and `./lib` show nothing of a folder's index: the rules of module paths say which it is
            how = "exact" if name in reference.value else "inferred"
            self.add(self._file(file), "imports", module.key, reference, file, how, 1.0)

    def _library(self, reference: Reference, scope: Scope, file: str) -> None:
        tail = self.externals.library(library_of(reference.value))
        self.add(self._file(file), "imports", tail, reference, file, "external")

    # Classes

    def _base(self, reference: Reference, scope: Scope, file: str) -> None:
        head, implemented = scope.key, reference.kind == "implemented"
        if self.type_of(head) not in CLASS_TYPES:
            return
        relation = "implements" if implemented else "inherits_from"
        outer = scope.parent or scope
        alias = self._type_alias(reference.value, outer)
        if alias is not None:
            self.add(head, relation, alias, reference, file, "exact")
        for value in sorted(self.evaluator.evaluate(reference.value, outer)):
            if value.kind in ("class", "interface", "function") and value.what != head:
                if self.type_of(value.what) in CLASS_TYPES:
                    self.add(head, relation, value.what, reference, file, "inferred" if value.inferred else "exact")
            elif value.kind == "external" and "(" not in value.what and "{" not in value.what:
                exception = is_exception(value.what) and not implemented
                tail = self.externals.exception(value.what) if exception else self.externals.api(value.what)
                self.add(head, relation, tail, reference, file, "external")

    def _decorator(self, reference: Reference, scope: Scope, file: str) -> None:
        head = reference.scope
        for value in sorted(self.evaluator.evaluate(reference.value, scope.parent or scope)):
            if value.kind in ("function", "class"):
                self.add(head, "annotated_with", value.what, reference, file, "exact")
            elif value.kind == "external" and "(" not in value.what:
                tail = self.externals.annotation(value.what)
                self.add(head, "annotated_with", tail, reference, file, "external")

    def _raise(self, reference: Reference, scope: Scope, file: str) -> None:
        for value in sorted(self.evaluator.evaluate(reference.value, scope)):
            stem = value.what.removesuffix("{}")
            if value.kind == "instance" and self.type_of(value.what) == "ExceptionType":
                how = "exact" if reference.value.endswith("{}") else "inferred"
                self.add(self.head(scope), "raises", value.what, reference, file, how)
            elif value.kind == "external" and value.what.endswith("{}") and is_exception(stem):
                how = "external" if reference.value.endswith("{}") else "inferred"
                self.add(self.head(scope), "raises", self.externals.exception(stem), reference, file, how)

    # Names that are read, written and named as types

    def _read(self, reference: Reference, scope: Scope, file: str) -> None:
        head = self.head(scope)
        variable = self._variable(reference.value, scope)
        if variable is not None:
            if self.type_of(head) in CODE_TYPES:
                self.add(head, "reads_from", variable, reference, file, "exact")
            return
        for value in sorted(self.evaluator.evaluate(reference.value, scope)):
            if value.kind in ("class", "function", "interface"):
                if value.what != head and self.type_of(value.what):
                    self.add(head, "uses", value.what, reference, file, "inferred" if value.inferred else "exact")
            elif value.kind == "external" and ("." in reference.value or reference.kind == "jsx") and _is_name(value):
                self.add(head, "uses", self.externals.api(value.what), reference, file, "external")

    def _write(self, reference: Reference, scope: Scope, file: str) -> None:
        head = self.head(scope)
        variable = self._variable(reference.value, scope)
        if variable is not None and self.type_of(head) in CODE_TYPES:
            self.add(head, "writes_to", variable, reference, file, "exact")

    def _variable(self, path: str, scope: Scope) -> str | None:
        """The Variable that a path names: a parameter, a module variable, or a field of a known receiver."""
        owner, _, name = path.rpartition(".")
        if owner:
            return self._field(owner, name, scope)
        at: Scope | None = scope
        while at is not None:
            if at.binds(name):
                symbol = member_key(at, name)
                plain = at.kind != "block" and name not in at.definitions and name not in at.imports
                return symbol if plain and self.resolved.types.get(symbol) == "Variable" else None
            at = at.parent
        return None

    def _field(self, owner: str, name: str, scope: Scope) -> str | None:
        for value in sorted(self.evaluator.evaluate(owner, scope)):
            if value.kind in ("instance", "class", "interface", "object", "function"):
                order = self.evaluator.members.order(value.what) if value.kind != "object" else [value.what]
                for ancestor in order:
                    if self.resolved.types.get(f"{ancestor}.{name}") == "Variable":
                        members = self.index.scopes[ancestor].members if ancestor in self.index.scopes else {}
                        return f"{ancestor}.{name}" if name in members else None
            elif value.kind == "module":
                symbol = f"{value.what}{name}"
                if self.resolved.types.get(symbol) == "Variable":
                    return symbol
        return None

    def _type_alias(self, path: str, scope: Scope) -> str | None:
        """The type alias that a name means, of this module or imported."""
        at: Scope | None = scope
        while at is not None and "." not in path:
            for symbol in at.definitions.get(path, ())[-1:]:
                return symbol.symbol if symbol.kind == "type_alias" else None
            if path in at.imports:
                specifier, _, name = at.imports[path][-1].rpartition(":")
                found = self._exported_variable(specifier, name, at)
                return found if found is not None and self.resolved.types.get(found) == "Type" else None
            at = at.parent
        return None

    def _type_name(self, reference: Reference, scope: Scope, file: str) -> None:
        name = reference.value
        if name in EMPTY_TYPES:
            return
        head, relation = self.head(scope), "uses"
        if reference.ordinal and name in type_names(scope.returned) and self.type_of(head) in CALLABLE_TYPES:
            relation = "returns"
        alias = self._type_alias(name, scope)
        if alias is not None:
            if alias != scope.key:
                self.add(head, relation, alias, reference, file, "exact")
            return
        if name in PRIMITIVES:
            self.add(head, relation, self.externals.type(name), reference, file, "external")
            return
        for value in sorted(self.evaluator.evaluate(name, scope)):
            if value.kind in ("class", "interface") and value.what != head:
                self.add(head, relation, value.what, reference, file, "exact")
            elif value.kind == "external" and "(" not in value.what and "{" not in value.what:
                self.add(head, relation, self.externals.type(value.what), reference, file, "external")

    def _return(self, reference: Reference, scope: Scope, file: str) -> None:
        """The class of what is returned, where no annotation says it."""
        if scope.returned or scope.kind not in FUNCTION_KINDS or self.type_of(scope.key) not in CALLABLE_TYPES:
            return
        for value in sorted(self.evaluator.evaluate(reference.value, scope)):
            if value.kind == "instance":
                self.add(scope.key, "returns", value.what, reference, file, "inferred")

    # Facts that follow from definitions

    def of_definition(self, symbol: Symbol, file: str) -> None:
        """`declares` of members, parameters and nested definitions; `overrides` of methods."""
        if symbol.kind == "module":
            return
        at = Reference(symbol.container, "", symbol.name, "", 0, symbol.name_byte_start, symbol.name_byte_end)
        if self.resolved.types.get(symbol.container) in DECLARING:
            self.add(symbol.container, "declares", symbol.symbol, at, file, "exact")
        if symbol.kind == "method" and self.type_of(symbol.container) in CLASS_TYPES:
            overridden = self._overridden(symbol)
            if overridden is not None:
                self.add(symbol.symbol, "overrides", overridden, at, file, "exact")

    def _overridden(self, symbol: Symbol) -> str | None:
        owner = self.index.scopes[symbol.container]
        if symbol.name == "constructor" or owner.members[symbol.name][-1].symbol != symbol.symbol:
            return None  # an earlier definition of the same name, or a property's getter before its setter
        static = "static" in symbol.modifiers.split()
        for ancestor in self.evaluator.members.order(owner.key)[1:]:
            for other in reversed(self.index.scopes[ancestor].members.get(symbol.name, [])):
                if other.kind == "method" and ("static" in other.modifiers.split()) == static:
                    return other.symbol if self.type_of(ancestor) in CLASS_TYPES else None
        return None
