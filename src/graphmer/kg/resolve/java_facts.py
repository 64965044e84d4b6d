"""From the references of one Java package to facts: one method a kind of reference."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.config import GraphParams
from graphmer.kg.facts import ExternalEntity, Fact, Resolved, SourceFile
from graphmer.kg.resolve.java_calls import JavaCalls
from graphmer.kg.resolve.java_expressions import Callee, split_callee
from graphmer.kg.resolve.java_generics import JavaGenerics
from graphmer.kg.resolve.java_index import JavaMethod
from graphmer.kg.resolve.java_names import INTERFACES, PRIMITIVES, is_throwable_name
from graphmer.kg.resolve.java_places import is_declared

EXTERNAL_KINDS = {"API": "api", "Type": "type", "ExceptionType": "exception", "Annotation": "annotation"}
DECLARED_TYPES = frozenset({"catch", "local_type", "param_type", "field_type"})


class JavaFacts:
    """Collects the facts of one package."""

    def __init__(self, types: JavaGenerics, resolved: Resolved, params: GraphParams) -> None:
        self.types, self.resolved, self.params = types, resolved, params
        self.expressions = JavaCalls(types, params.max_candidates)
        self.package = types.package.package
        self.direct_calls: dict[str, dict[str, Fact]] = {}  # scope -> called method -> the first call
        self._file = ""
        self._type_references: list[Reference] = []
        use = self._use
        self._handlers: Mapping[str, Callable[[Reference], None]] = {
            **dict.fromkeys(("cast", "instanceof", "param_type", "field_type", "local_type", "type_use"), use),
            "import": self._import,
            "static_import": self._static_import,
            "star_import": self._star_import,
            "extends": self._extends,
            "implements": self._implements,
            "anonymous": self._anonymous,
            "enum_body": self._enum_body,
            "return_type": self._return_type,
            "throws": self._throws,
            "raise": self._raise,
            "catch": self._catch,
            "annotation": self._annotation,
            "call": self._call,
            "constructor_call": self._constructor_call,
            "constant": self._constant,
            "new": self._new,
            "method_reference": self._method_reference,
            "read": self._read,
            "write": self._write,
        }

    def add_file(self, file: SourceFile) -> None:
        """All facts that the references of a file show."""
        self._file = file.file
        kinds = self.types.references[file.file]
        named = {reference.scope for reference in kinds.get("constructor_call", ())}
        for symbol in file.symbols:
            if symbol.kind == "constructor" and symbol.symbol in self.types.methods and symbol.symbol not in named:
                self._implied_call(symbol)
        self._type_references = [reference for kind in DECLARED_TYPES for reference in kinds.get(kind, ())]
        self._type_references.sort(key=attrgetter("byte_start"))
        for kind, references in kinds.items():
            handler = self._handlers.get(kind)
            if handler is not None:
                for reference in references:
                    handler(reference)

    def add(
        self, reference: Reference, relation: str, tail: str, resolution: str, share: int = 1, head: str = ""
    ) -> Fact:
        """One fact at a reference's token. share: among how many candidates an ambiguous one is divided."""
        confidence = 1.0
        if resolution in ("inferred", "ambiguous"):  # a lone candidate is a guess too
            confidence = min(1.0 / share, self.params.inferred_confidence)
        scope, _, _, _, _, start, end = reference
        row = (head or scope, relation, tail, self._file, start, end, resolution, confidence)
        fact: Fact = tuple.__new__(Fact, row)  # a third of the time of its own constructor
        self.resolved.facts.append(fact)
        return fact

    def external(self, kind: str, dotted: str) -> str:
        """The symbol of an external entity, which is noted."""
        if kind == "Annotation":
            dotted = dotted[len("java.lang.") :] if dotted.rpartition(".")[0] == "java.lang" else dotted
        symbol = f"library:{dotted}" if kind == "Library" else f"java:{EXTERNAL_KINDS[kind]}:{dotted}"
        if symbol not in self.resolved.externals:
            name = dotted if kind == "Library" else dotted.rpartition(".")[2]
            self.resolved.externals[symbol] = ExternalEntity(symbol, kind, name, dotted, "java")
        return symbol

    def entity(self, kind: str, external: str) -> tuple[str, str]:
        """The entity of a type, an array by its element, and the resolution; `external` says what others are."""
        base = kind.replace("[]", "")
        if base in self.types.classes:
            return base, "exact"
        chosen = "ExceptionType" if is_throwable_name(base) and external != "Annotation" else external
        return self.external(chosen, base), "external"

    def _add_type(self, reference: Reference, relation: str, external: str, value: str = "") -> None:
        scope = reference.scope
        kind = self.types.named(value or reference.value, scope)
        if kind is not None and (kind not in PRIMITIVES or relation == "returns"):
            self.add(reference, relation, *self.entity(kind, external))

    def _use(self, reference: Reference) -> None:
        self._add_type(reference, "uses", "Type")

    def _return_type(self, reference: Reference) -> None:
        if reference.name != "void":
            self._add_type(reference, "returns", "Type")

    def _throws(self, reference: Reference) -> None:
        self._add_type(reference, "raises", "ExceptionType")

    def _catch(self, reference: Reference) -> None:
        self._add_type(reference, "catches", "ExceptionType")

    def _raise(self, reference: Reference) -> None:
        """`throw new X()`; of a variable, its declared type, shown where it is declared."""
        if reference.value.endswith("::new()"):
            self._add_type(reference, "raises", "ExceptionType", reference.value[: -len("::new()")])
            return
        variable = self.expressions.variable(reference.value, reference.scope)
        if variable is None:
            self._raise_value(reference)
            return
        if self.types.file_of[variable.symbol] != self._file:
            return
        for declared in self._type_references:
            if variable.byte_start <= declared.byte_start < variable.byte_end:
                kind = self.types.named(declared.value, declared.scope)
                if kind is not None:
                    tail, _ = self.entity(kind, "ExceptionType")
                    self.add(declared, "raises", tail, "inferred", head=reference.scope)
                if declared.kind != "catch":
                    return

    def _raise_value(self, reference: Reference) -> None:
        """`throw failure(cause)`: the declared type of the expression, where that is an exception."""
        kind = self.expressions.type_of(reference.value, reference.scope) if reference.value else None
        if kind is not None and (self.resolved.types.get(kind) == "ExceptionType" or is_throwable_name(kind)):
            tail, _ = self.entity(kind, "ExceptionType")
            self.add(reference, "raises", tail, "inferred")

    def _extends(self, reference: Reference) -> None:
        self._add_type(reference, "inherits_from", "API")

    def _implements(self, reference: Reference) -> None:
        self._add_type(reference, "implements", "API")

    def _anonymous(self, reference: Reference) -> None:
        kind = self.types.named(reference.value, self.types.container(reference.scope))
        if kind is None or kind == "java.lang.Object":
            return
        declared = self.types.symbols.get(kind)
        is_interface = declared.kind == "interface" if declared is not None else kind in INTERFACES
        self.add(reference, "implements" if is_interface else "inherits_from", *self.entity(kind, "API"))

    def _enum_body(self, reference: Reference) -> None:
        """A constant with a body is of a class of its own, which extends the enum."""
        kind = self.types.named(reference.value, self.types.container(reference.scope))
        if kind is not None and kind in self.types.symbols:
            self.add(reference, "inherits_from", kind, "inferred")

    def _annotation(self, reference: Reference) -> None:
        if self.types.symbols[reference.scope].kind != "local":
            self._add_type(reference, "annotated_with", "Annotation")

    def _import(self, reference: Reference) -> None:
        kind = self.types.internal(reference.value, self._file) or reference.value
        self.add(reference, "imports", *self.entity(kind, "API"), head=self._file_symbol())

    def _static_import(self, reference: Reference) -> None:
        owner = self.types.internal(reference.value.rpartition(".")[0], self._file)
        tails: list[str] = []
        if owner is not None:
            found = self.types.field_of(owner, reference.name)
            nested = self.types.member_type(owner, reference.name)
            methods = self.types.methods_of(owner, reference.name)
            tails = [method.symbol.symbol for method in methods if "static" in method.modifiers]
            tails += ([found.symbol] if found else []) + ([nested] if nested else [])
        for tail in tails:
            self.add(reference, "imports", tail, "exact", head=self._file_symbol())
        if owner is None:
            self.add(reference, "imports", *self.entity(reference.value, "API"), head=self._file_symbol())

    def _star_import(self, reference: Reference) -> None:
        owner = self.types.internal(reference.value, self._file)
        if owner is not None:
            self.add(reference, "imports", owner, "exact", head=self._file_symbol())
        elif reference.value in self.types.modules:
            self.add(reference, "imports", f"java:{self.package}:{reference.value}#", "exact", head=self._file_symbol())
        elif reference.ordinal:  # the static members of an external class
            self.add(reference, "imports", *self.entity(reference.value, "API"), head=self._file_symbol())
        else:
            self.add(
                reference, "imports", self.external("Library", reference.value), "external", head=self._file_symbol()
            )

    def _file_symbol(self) -> str:
        return f"java:{self.package}:{self._file}"

    def _count(self, outcome: str) -> None:
        self.resolved.calls["seen"] += 1
        self.resolved.calls[outcome] += 1

    def _call(self, reference: Reference) -> None:
        found = self.expressions.callee(reference)
        component = self.expressions.accessed(reference, found)
        if component is not None:
            self.add(reference, "reads_from", component.symbol, "exact")
            self._count("exact")
            return
        self._count(self._add_callee(reference, found))

    def _add_callee(self, reference: Reference, found: Callee) -> str:
        """The facts of a call, and how it was resolved."""
        methods, resolution = found.choice
        if methods:
            return self._add_methods(reference, methods, resolution)
        if not 0 < len(found.external) <= self.params.max_candidates:
            return "unresolved"
        outcome = "external" if len(found.external) == 1 else "ambiguous"
        for dotted in found.external:
            self.add(reference, "invokes", self.external("API", dotted), outcome, len(found.external))
        return outcome

    def _add_methods(self, reference: Reference, methods: Sequence[JavaMethod], resolution: str) -> str:
        if len(methods) > self.params.max_candidates:
            return "unresolved"
        for method in methods:
            fact = self.add(reference, "calls", method.symbol.symbol, resolution, len(methods))
            if resolution != "ambiguous":
                self.direct_calls.setdefault(reference.scope, {}).setdefault(fact.tail, fact)
        return resolution

    def _constructor_call(self, reference: Reference) -> None:
        """`this(...)` or `super(...)`; a superclass without a constructor of its own has nothing to call."""
        owner = self.expressions.type_of(reference.name, reference.scope)
        if owner not in self.types.classes:
            self._count("unresolved" if owner is None else "external")
            return
        choice = self.expressions.callee(reference).choice
        self._count(self._add_methods(reference, *choice) if choice.methods else "exact")

    def _implied_call(self, symbol: Symbol) -> None:
        """A constructor that names no other calls its superclass' without arguments."""
        implied = self.expressions.implied_constructor(symbol.container)
        if implied is not None:
            token = symbol.name_byte_start, symbol.name_byte_end
            shown = Reference(symbol.symbol, "constructor_call", "", "", 0, *token)
            self._add_methods(shown, [implied], "inferred")

    def _constant(self, reference: Reference) -> None:
        """A constant of an enum is made by its constructor."""
        methods = self.expressions.callee(reference).choice.methods
        if methods:
            self._add_methods(reference, methods, "inferred" if len(methods) == 1 else "ambiguous")

    def _new(self, reference: Reference) -> None:
        kind = self.types.erasure(self.expressions.created(reference))
        if kind is None:
            self._count("unresolved")
            return
        tail, resolution = self.entity(kind, "API")
        self.add(reference, "instantiates", tail, resolution)
        self._count(resolution)
        choice = self.expressions.callee(reference).choice
        if choice.methods:
            self._add_methods(reference, *choice)

    def _method_reference(self, reference: Reference) -> None:
        """`A::b` passes a method on to be called: a call that is inferred."""
        receiver, _, name = reference.value.rpartition("::")
        kind = self.types.erasure(self.expressions.receiver_of(receiver, reference.scope))
        if kind is None or (name == "new" and kind.endswith("[]")):
            return
        if name == "new":
            tail, resolution = self.entity(kind, "API")
            self.add(reference, "instantiates", tail, "inferred" if resolution == "exact" else resolution)
            self._add_callee(reference, self.expressions.referenced(reference))
            return
        component = self.expressions.component_of(kind, name)
        found = self.expressions.referenced(reference)
        if component is not None and not is_declared(component, found):
            self.add(reference, "reads_from", component.symbol, "inferred")
            return
        self._add_callee(reference, found)

    def _read(self, reference: Reference) -> None:
        self._variable(reference, "reads_from")

    def _write(self, reference: Reference) -> None:
        self._variable(reference, "writes_to")

    def _variable(self, reference: Reference, relation: str) -> None:
        receiver, name = split_callee(reference.value)
        scope = reference.scope
        if not receiver:
            self._bare_variable(reference, relation, name)
            return
        owner = self.expressions.type_of(receiver, scope)
        if owner in self.types.classes:
            self._add_variable(
                reference, relation, self.types.field_of(owner, name), self.types.member_type(owner, name)
            )
        elif owner is not None and owner not in PRIMITIVES and not owner.endswith("[]"):
            self.add(reference, "uses", self.external("API", f"{owner}.{name}"), "external")

    def _bare_variable(self, reference: Reference, relation: str, name: str) -> None:
        found = self.expressions.variable(name, reference.scope)
        if found is not None:
            self._add_variable(reference, relation, found, None)
            return
        kind = self.types.known(name, reference.scope)
        if kind is not None:
            self._add_variable(reference, relation, None, kind)
            return
        imported = self.types.imports[self._file].members.get(name)
        if imported and self.types.internal(imported[0], self._file) is None:
            self.add(reference, "uses", self.external("API", f"{imported[0]}.{name}"), "external")

    def _add_variable(self, reference: Reference, relation: str, found: Symbol | None, kind: str | None) -> None:
        if found is not None and found.kind == "field":
            self.add(reference, relation, found.symbol, "exact")
        elif found is None and kind is not None:  # a class, named to reach its static members
            self.add(reference, "uses", *self.entity(kind, "Type"))
