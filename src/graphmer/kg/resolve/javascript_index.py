"""What a package's JavaScript or TypeScript files define and bind, indexed by scope: the ground to look names up on."""

from collections import defaultdict
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath

from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.facts import PackageFacts, SourceFile

FUNCTION_KINDS = frozenset({"function", "method", "lambda"})
SCOPE_KINDS = FUNCTION_KINDS | {"module", "class", "interface", "enum", "namespace", "type_alias"}
LEXICAL_KINDS = frozenset({"function", "class", "interface", "enum", "namespace", "type_alias"})
ENDINGS = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".mts", ".cts")
# A TypeScript module is imported under the ending that its compiled form will have.
COMPILED = {".js": (".ts", ".tsx", ".jsx"), ".mjs": (".mts",), ".cjs": (".cts",), ".jsx": (".tsx",)}


@dataclass
class Scope:
    """One module, class, object, function or block: what it defines, imports and binds.

    `parent` is where names are looked up next, `owner` what a member belongs to.
    """

    key: str
    kind: str
    file: str
    symbol: Symbol | None
    parent: "Scope | None"
    owner: "Scope | None"
    definitions: dict[str, list[Symbol]] = field(default_factory=lambda: defaultdict(list))
    members: dict[str, list[Symbol]] = field(default_factory=lambda: defaultdict(list))
    imports: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    variables: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    parameters: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    fields: dict[str, list[tuple["Scope", str]]] = field(default_factory=lambda: defaultdict(list))
    returns: list[str] = field(default_factory=list)
    returned: str = ""
    bases: list[Reference] = field(default_factory=list)
    implemented: list[Reference] = field(default_factory=list)
    exports: dict[str, list[tuple[str, bool]]] = field(default_factory=lambda: defaultdict(list))  # value, from outside
    stars: list[str] = field(default_factory=list)

    @property
    def modifiers(self) -> list[str]:
        """Words before the definition that opens the scope."""
        return self.symbol.modifiers.split() if self.symbol is not None else []

    def binds(self, name: str) -> bool:
        """Whether a name belongs to this scope, known or not; `default` is that of a module's default export."""
        return any(name in bound for bound in (self.variables, self.definitions, self.imports, self.parameters)) or (
            name == "default" and name in self.exports
        )


@dataclass
class PackageIndex:
    """All scopes of a package by key, its modules by file, its methods by name."""

    package: str
    language: str
    scopes: dict[str, Scope] = field(default_factory=dict)
    modules: dict[str, Scope] = field(default_factory=dict)
    symbols: dict[str, Symbol] = field(default_factory=dict)
    files: dict[str, SourceFile] = field(default_factory=dict)
    file_of: dict[str, str] = field(default_factory=dict)
    methods: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    constructors: set[str] = field(default_factory=set)  # functions that are used as classes

    def scope(self, key: str, file: str) -> Scope | None:
        """The scope of a key; a block's is made when it is first met."""
        known = self.scopes.get(key)
        if known is not None:
            return known
        outer, mark, place = key.rpartition("@")
        if not mark or not place.isdecimal():
            return None
        parent = self.scope(outer, file)
        if parent is None:
            return None
        block = Scope(key, "block", file, None, parent, parent.owner)
        self.scopes[key] = block
        return block

    def module_at(self, specifier: str, file: str) -> Scope | None:
        """The module that a relative specifier names, seen from a file: an ending or `/index` may be left out."""
        path = normpath(join(dirname(file), specifier)) if specifier.startswith(".") else ""
        if not path or path.startswith(".."):
            return None
        stem, dot, ending = path.rpartition(".")
        names = [path, *(f"{stem}{other}" for other in COMPILED.get(dot + ending, ()))]
        names += [path + other for other in ENDINGS]
        names += [("" if path == "." else f"{path}/") + f"index{other}" for other in ENDINGS]
        return next((self.modules[name] for name in names if name in self.modules), None)


def build_index(facts: PackageFacts) -> PackageIndex:
    """Index every scope of a package's files of one language."""
    index = PackageIndex(facts.package, facts.language)
    for source in facts.files:
        index.files[source.file] = source
        for symbol in source.symbols:
            index.symbols[symbol.symbol] = symbol
            index.file_of[symbol.symbol] = source.file
            _add_symbol(index, symbol, source.file)
    for source in facts.files:
        for reference in source.references:
            if reference.kind == "within":
                _place(index, reference, source)
    for source in facts.files:
        for reference in source.references:
            scope = index.scope(reference.scope, source.file)
            if scope is not None:
                _add_reference(index, scope, reference)
    return index


def _add_symbol(index: PackageIndex, symbol: Symbol, file: str) -> None:
    container = index.scopes.get(symbol.container)
    if container is None and symbol.container in index.symbols:
        holder = index.symbols[symbol.container]
        outer = index.scopes.get(holder.container)
        container = Scope(holder.symbol, holder.kind, file, holder, outer, outer)
        index.scopes[holder.symbol] = container
    if symbol.kind in SCOPE_KINDS:
        index.scopes[symbol.symbol] = Scope(symbol.symbol, symbol.kind, file, symbol, container, container)
    if symbol.kind == "module":
        index.modules[file] = index.scopes[symbol.symbol]
    if container is None:
        return
    words = symbol.modifiers.split()
    if symbol.kind in ("method", "field") or "member" in words:
        container.members[symbol.name].append(symbol)
        if symbol.kind == "method":
            index.methods[symbol.name].append(symbol.symbol)
            if "member" in words and "static" not in words and container.kind == "function":
                index.constructors.add(container.key)
    elif symbol.kind in LEXICAL_KINDS and "unbound" not in words:
        container.definitions[symbol.name].append(symbol)


def _place(index: PackageIndex, reference: Reference, source: SourceFile) -> None:
    """Where a function stands, so that it sees the names around it."""
    scope = index.scopes.get(reference.scope)
    prefix = reference.scope.partition("#")[0] + "#"
    around = index.scope(prefix + reference.value, source.file)
    if scope is not None and around is not None and around is not scope:
        scope.parent = around


def _add_reference(index: PackageIndex, scope: Scope, reference: Reference) -> None:
    kind, name, value = reference.kind, reference.name, reference.value
    if kind == "assign":
        _add_assignment(index, scope, reference)
    elif kind == "import":
        if reference.ordinal == 0:
            scope.imports[name].append(value)
    elif kind == "parameter":
        scope.parameters[name] = value
    elif kind == "annotation":
        scope.annotations[name] = value
    elif kind in ("member", "field"):
        around = scope if kind == "field" else scope.parent or scope
        scope.fields[name].append((around, value))
    elif kind == "return":
        scope.returns.append(value)
    elif kind == "return_annotation":
        scope.returned = value
    elif kind == "base":
        scope.bases.append(reference)
    elif kind == "implemented":
        scope.implemented.append(reference)
    elif kind == "export":
        _module(scope).exports[name].append((value, bool(reference.ordinal)))
    elif kind == "export_star":
        _module(scope).stars.append(value)


def _module(scope: Scope) -> Scope:
    while scope.parent is not None:
        scope = scope.parent
    return scope


def _add_assignment(index: PackageIndex, scope: Scope, reference: Reference) -> None:
    """A name is bound where it is declared, a field of `this` in the class or object that `this` is."""
    target, value = reference.name, reference.value
    if reference.ordinal == 1:
        scope.variables[target].append(value)
        return
    if reference.ordinal == 2 or target in ("module.exports", "exports", "default"):
        return
    holder, _, name = target.rpartition(".")
    if holder == "this":
        owner = this_owner(scope)
        if owner is not None:
            owner.fields[name].append((scope, value))
        return
    at: Scope | None = scope
    first = holder or name
    while at is not None and not at.binds(first):
        at = at.parent
    if at is None or "." in holder:
        return
    if not holder:
        at.variables[name].append(value)
        return
    # A field of a class, a function or an object that stands there
    inner = index.scopes.get(member_key(at, first))
    if inner is not None:
        inner.fields[name].append((scope, value))


def member_key(scope: Scope, name: str) -> str:
    """The symbol that a name defined in a scope has."""
    return f"{scope.key}{name}" if scope.kind == "module" else f"{scope.key.partition('@')[0]}.{name}"


def this_owner(scope: Scope) -> Scope | None:
    """The class, constructor function or object that `this` belongs to in a scope; arrows see what is around them."""
    at: Scope | None = scope
    while at is not None:
        if at.kind in ("class", "enum", "interface", "variable", "field"):
            return at
        if at.kind in FUNCTION_KINDS:
            words = at.modifiers
            if "arrow" in words and (at.kind != "method" or "member" in words):
                at = at.parent
                continue
            if at.kind == "method":
                return at.owner
            return at if at.symbol is not None and at.symbol.name[:1].isupper() else None
        at = at.parent if at.kind == "block" else None
    return None
