"""The definitions and imports of one Java package of the corpus, by symbol and by name."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

from graphmer.corpus.parse.java_text import erase
from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.facts import PackageFacts, SourceFile

CLASS_KINDS = frozenset({"class", "interface", "enum", "record", "annotation_type"})
SUPERTYPES = ("extends", "implements", "anonymous", "enum_body")
INDEXED = (*SUPERTYPES, "type_variable", "import", "static_import", "star_import")


@dataclass
class Imports:
    """What a file brings into scope."""

    module: str
    types: dict[str, str] = field(default_factory=dict)  # simple name -> dotted name
    stars: list[str] = field(default_factory=list)
    members: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # name -> dotted classes
    member_stars: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class JavaMethod:
    """A method or constructor, with its parameters' types as written, by erasure."""

    symbol: Symbol
    owner: str
    parameters: tuple[str, ...]
    returned: str
    written: tuple[str, ...] = ()  # the parameters' types with their arguments

    @cached_property
    def modifiers(self) -> frozenset[str]:
        return frozenset(self.symbol.modifiers.split())

    def takes(self, count: int) -> bool:
        """Whether a call with `count` arguments fits."""
        arity = len(self.parameters)
        return count == arity or ("varargs" in self.modifiers and count >= arity - 1)


@dataclass(eq=False)
class JavaClass:
    """A class of any kind, with what it declares itself."""

    symbol: Symbol
    file: SourceFile
    fields: dict[str, Symbol] = field(default_factory=dict)
    methods: dict[str, list[JavaMethod]] = field(default_factory=lambda: defaultdict(list))
    constructors: list[JavaMethod] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    supertypes: list[Reference] = field(default_factory=list)


class JavaIndex:
    """What the files of a package define and import, as the parser found it."""

    def __init__(self, package: PackageFacts) -> None:
        self.package = package
        self.symbols: dict[str, Symbol] = {}
        self.classes: dict[str, JavaClass] = {}
        self.imports: dict[str, Imports] = {}  # by file
        self.file_of: dict[str, str] = {}
        self.references: dict[str, dict[str, list[Reference]]] = {}  # by file and kind, each in the order of the file
        self.modules: set[str] = set()
        self.type_variables: dict[str, dict[str, str]] = defaultdict(dict)  # scope -> name -> bound
        self.lambda_parameters: dict[str, list[str]] = {}
        self.methods: dict[str, JavaMethod] = {}
        self.methods_by_name: dict[str, list[JavaMethod]] = defaultdict(list)
        self._by_qualified: dict[str, list[str]] = defaultdict(list)
        for file in package.files:
            self._add_file(file)

    def _add_file(self, file: SourceFile) -> None:
        parameters: dict[str, list[Symbol]] = defaultdict(list)
        imports = self.imports[file.file] = Imports(file.module)
        self.modules.add(file.module)
        for symbol in file.symbols:
            self.symbols[symbol.symbol] = symbol
            self.file_of[symbol.symbol] = file.file
            if symbol.kind == "parameter":
                parameters[symbol.container].append(symbol)
            elif symbol.kind in CLASS_KINDS:
                self.classes[symbol.symbol] = JavaClass(symbol, file)
                self._by_qualified[symbol.qualified_name].append(symbol.symbol)
        for symbol in file.symbols:
            owner = self.classes.get(symbol.container)
            if symbol.kind in ("method", "constructor") and owner is not None:
                self._add_method(owner, symbol, parameters[symbol.symbol])
            elif owner is not None and symbol.kind == "field":
                owner.fields.setdefault(symbol.name, symbol)
            elif owner is not None and symbol.kind in CLASS_KINDS:
                owner.types.setdefault(symbol.name, symbol.symbol)
            elif symbol.kind == "lambda":
                self.lambda_parameters[symbol.symbol] = [one.symbol for one in parameters[symbol.symbol]]
        kinds = self.references[file.file] = defaultdict(list)
        for reference in file.references:
            kinds[reference[1]].append(reference)
        for kind in INDEXED:
            for reference in kinds.get(kind, ()):
                self._add_reference(imports, reference)

    def _add_method(self, owner: JavaClass, symbol: Symbol, parameters: list[Symbol]) -> None:
        written = tuple(parameter.signature for parameter in parameters)
        if symbol.kind == "constructor" and not parameters and symbol.signature != "()":  # a compact one, of a record
            written = tuple(f.signature for f in owner.fields.values() if "record" in f.modifiers.split())
        kinds = tuple(erase(text) for text in written)
        returned = erase(symbol.signature.rpartition(" -> ")[2]) if symbol.kind == "method" else ""
        method = JavaMethod(symbol, owner.symbol.symbol, kinds, returned, written)
        self.methods[symbol.symbol] = method
        if symbol.kind == "constructor":
            owner.constructors.append(method)
        else:
            owner.methods[symbol.name].append(method)
            self.methods_by_name[symbol.name].append(method)

    def _add_reference(self, imports: Imports, reference: Reference) -> None:
        kind, value = reference.kind, reference.value
        if kind in SUPERTYPES:
            owner = self.classes.get(reference.scope)
            if owner is not None:
                owner.supertypes.append(reference)
        elif kind == "type_variable":
            self.type_variables[reference.scope][reference.name] = value
        elif kind == "import":
            imports.types.setdefault(reference.name, value)
        elif kind == "static_import":
            imports.members[reference.name].append(value.rpartition(".")[0])
            if reference.name[:1].isupper() and not reference.name.isupper():
                imports.types.setdefault(reference.name, value)  # it may name a nested class
        elif kind == "star_import":
            (imports.member_stars if reference.ordinal else imports.stars).append(value)

    def internal(self, dotted: str, file: str) -> str | None:
        """The class of the package with a dotted name; of several, the one whose path is nearest to `file`."""
        found = self._by_qualified.get(dotted)
        if not found:
            return None
        if len(found) == 1:
            return found[0]
        return max(found, key=lambda symbol: (_common_folders(self.file_of[symbol], file), symbol))


def _common_folders(left: str, right: str) -> int:
    """How many leading folders two paths share."""
    count = 0
    for a, b in zip(left.split("/")[:-1], right.split("/")[:-1]):
        if a != b:
            break
        count += 1
    return count
