"""Which method a Java call means, and what it returns."""

from collections.abc import Sequence

from graphmer.corpus.parse.java_text import CHOICE
from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.resolve.java_conditional import promoted
from graphmer.kg.resolve.java_expressions import LAMBDA, METHOD_REFERENCE, NOTHING, Callee, split_callee
from graphmer.kg.resolve.java_functions import MAX_NESTING, JavaFunctions
from graphmer.kg.resolve.java_generics import Generic, JavaGenerics, has_variables, substitute
from graphmer.kg.resolve.java_index import JavaMethod
from graphmer.kg.resolve.java_library import LIBRARY
from graphmer.kg.resolve.java_names import ANY_RECEIVER, OBJECT, OBJECT_METHODS
from graphmer.kg.resolve.java_overloads import Choice, choose
from graphmer.kg.resolve.java_places import parameter_count
from graphmer.kg.resolve.java_returns import PROMOTING, returned_by_name

ENUM_RETURNS = {("java.lang.Enum.valueOf",): "", ("java.lang.Enum.values",): "[]"}  # beside the enum itself


class JavaCalls(JavaFunctions):
    """Callees by the receiver's static type, then by the number and the types of the arguments."""

    def __init__(self, types: JavaGenerics, max_candidates: int) -> None:
        super().__init__(types)
        self.max_candidates = max_candidates
        self._called: dict[tuple[str, int], Callee] = {}
        self._returned: dict[tuple[str, int], Generic | None] = {}

    def candidates(self, name: str, count: int) -> Choice:
        """Where a receiver's type is not known: the methods of that name in the package, if they are few."""
        found = [method for method in self.types.methods_by_name.get(name, ()) if method.takes(count)]
        return Choice(found, "ambiguous") if 0 < len(found) <= self.max_candidates else NOTHING

    def callee(self, reference: Reference) -> Callee:
        """What a call means; of `new`, `this(...)` and `super(...)`, the constructor."""
        key = (self.types.file_of[reference.scope], reference.byte_start)
        found = self._called.get(key)
        if found is None:
            if self._depth > MAX_NESTING:
                return Callee(NOTHING)
            self._called[key] = Callee(NOTHING)  # a call that is its own argument ends here
            self._depth += 1
            found = self._called[key] = self._callee(reference)
            self._depth -= 1
        return found

    def _callee(self, reference: Reference) -> Callee:
        callee, *arguments = reference.value.split(" ")
        scope = reference.scope
        if reference.kind in ("constructor_call", "constant"):
            return self._constructor(self.type_of(callee, scope), arguments, scope)
        if reference.kind == "new":
            return self._constructor(self.types.erasure(self.created(reference)), arguments, scope)
        receiver, name = split_callee(callee)
        count = len(arguments)
        if receiver and self.type_of(receiver, scope) is None:
            if OBJECT_METHODS.get(name) == count:
                return Callee(NOTHING, (f"{OBJECT}.{name}",))
            return Callee(NOTHING if self._is_foreign(receiver, scope) else self.candidates(name, count))
        found = self.methods(receiver, name, scope)
        if not found.choice.methods:
            return found
        choice = self.overload(found.choice.methods, arguments, scope)
        if not choice.methods:  # an overload that the class has from outside the corpus
            return Callee(NOTHING, self.inherited_api(found.choice.methods[0].owner, name))
        return Callee(choice)

    def _constructor(self, owner: str | None, arguments: Sequence[str], scope: str) -> Callee:
        """A constructor of a class; of a class that declares none, the one of its superclass that it calls itself."""
        types = self.types
        if owner is None or owner not in types.classes:
            return Callee(NOTHING)
        declared = types.classes[owner].constructors
        if declared:
            return Callee(self.overload(declared, arguments, scope))
        implied = self.implied_constructor(owner)
        return Callee(Choice([implied], "inferred") if implied is not None and not arguments else NOTHING)

    def implied_constructor(self, owner: str) -> JavaMethod | None:
        """What a constructor that names no other calls: the nearest superclass' constructor without arguments."""
        types, at, seen = self.types, owner, {owner}
        while True:
            above = types.superclass(at)
            if above is None or above in seen:
                return None
            constructors = types.classes[above].constructors
            if constructors:
                fitting = self.overload(constructors, (), above).methods
                return fitting[0] if len(fitting) == 1 else None
            seen.add(above)
            at = above

    def _is_foreign(self, path: str, scope: str) -> bool:
        """Whether an expression of unknown type comes from an external class: it is hardly one of the corpus then."""
        if CHOICE in path:
            return all(self._is_foreign(side, scope) for side in path.split(CHOICE))
        for _ in range(MAX_NESTING):
            receiver, name = split_callee(path.removesuffix("[]"))
            if not receiver:
                reference = self._at(name, scope)
                if reference is None or reference.kind != "call":
                    return False
                if self.callee(reference).external:
                    return True
                receiver, _ = split_callee(reference.value.partition(" ")[0])
                if not receiver or self.type_of(receiver, scope) is not None:
                    return False
            else:
                owner = self.type_of(receiver, scope)
                if owner is not None:
                    return owner not in self.types.classes
            path = receiver
        return False

    def overload(self, methods: Sequence[JavaMethod], arguments: Sequence[str], scope: str) -> Choice:
        """The overloads that a call means; arguments' types are asked for only where their number leaves a choice."""
        fitting = [method for method in methods if method.takes(len(arguments))]
        if len(fitting) <= 1:
            return Choice(fitting, "exact")
        return choose(self.types, fitting, [self._argument_type(path, scope) for path in arguments])

    def _argument_type(self, path: str, scope: str) -> str | None:
        """The type of an argument, in the notation of java_overloads.choose."""
        if path == "<null>":
            return path
        if path.startswith(METHOD_REFERENCE):
            return f"<lambda{self._reference_arity(path, scope)}>"
        if path.startswith(LAMBDA):
            symbol = self._lambdas[self.types.file_of[scope], int(path[2:])]
            return f"<lambda{parameter_count(symbol)}{self._returns(symbol)}>"
        return self.type_of(path, scope)

    def _reference_arity(self, path: str, scope: str) -> str:
        """How many arguments the one method takes that a method reference names; empty: not known."""
        reference = self._placed.get((self.types.file_of[scope], -int(path[2:])))
        receiver, _, name = reference.value.rpartition("::") if reference is not None else ("", "", "new")
        kind = self.type_of(receiver, scope)
        methods = self.methods_of_type(kind, name).choice.methods if kind is not None else ()
        if len(methods) != 1 or "varargs" in methods[0].modifiers or name == "new":
            return ""
        is_type = self._is_type(receiver, scope)
        return str(len(methods[0].parameters) + (is_type and "static" not in methods[0].modifiers))

    def _returns(self, symbol: Symbol) -> str:
        """`v` for a lambda that returns nothing, `r` for one that returns a value, nothing where it may be either."""
        result = self._results.get(symbol.symbol)
        if result is None:
            return "v"
        if self._is_block[symbol.symbol]:
            return "r"
        # with parameters, their types are what the choice of the overload decides
        is_void = parameter_count(symbol) == 0 and self.type_of(result, symbol.symbol) == "void"
        return "v" if is_void else "" if result.startswith("@") else "r" if result.startswith("<") else ""

    def placed(self, place: str, scope: str) -> Generic | None:
        """The type of the call or the new object at a place, `@` and a byte."""
        reference = self._at(place, scope)
        if reference is None:
            return None
        key = (self.types.file_of[scope], reference.byte_start)
        if key not in self._returned:
            if self._depth > MAX_NESTING:
                return None
            self._returned[key] = None
            self._depth += 1
            made = self._made if reference.kind == "new" else self._result
            self._returned[key] = self._visible(made(reference), reference.scope)
            self._depth -= 1
        return self._returned[key]

    def _made(self, reference: Reference) -> Generic | None:
        """The type of a new object: of an anonymous class that class, of `Box<>(item)` a Box of what the item is."""
        body = self._anonymous.get((self.types.file_of[reference.scope], reference.byte_start))
        if body is not None:
            return Generic(body)
        kind = self.created(reference)
        value, *arguments = reference.value.split(" ")
        if kind is not None and kind.base in LIBRARY and value.endswith("<>") and len(arguments) == 1:
            return self._copied(kind, self.value(arguments[0], reference.scope))
        methods = self.callee(reference).choice.methods
        if kind is None or not value.endswith("<>") or len(methods) != 1:
            return kind
        signature = self.types.signature(methods[0], None)
        bindings = self._bindings(signature, arguments, reference.scope, lambdas=False)
        return substitute(self.types.this_type(kind.base), bindings)

    def _copied(self, kind: Generic, given: Generic | None) -> Generic:
        """`new ArrayList<>(items)` holds what the items are."""
        for base in ("java.util.Collection", "java.util.Map"):
            seen_as = self.types.as_super(given, base) if given is not None else None
            if seen_as is not None and len(seen_as.arguments) == len(LIBRARY[kind.base].variables):
                return Generic(kind.base, seen_as.arguments)
        return kind

    def _result(self, reference: Reference) -> Generic | None:
        """What a call returns: the same for every method that it may mean, else not known."""
        callee, *arguments = reference.value.split(" ")
        receiver, name = split_callee(callee)
        if OBJECT_METHODS.get(name) == len(arguments) and name in ANY_RECEIVER:
            return Generic(ANY_RECEIVER[name])
        found = self.callee(reference)
        methods = found.choice.methods
        if len(methods) == 1:
            plain = self.types.plain_signature(methods[0])
            if plain.returned is None or not has_variables(plain.returned):
                return plain.returned
        value = self.value(receiver, reference.scope) if receiver else self._around(found, reference.scope)
        if found.choice.methods:
            kinds = {
                self._applied(self.types.signature(method, value), arguments, reference.scope)
                for method in found.choice.methods
            }
            return kinds.pop() if len(kinds) == 1 else None
        component = self.component(reference)
        if component is not None and value is not None:
            declared = self.value_of_variable(component)
            return None if declared is None else self.types.seen_from(declared, value, component.container)
        if len(found.external) != 1:
            return None
        if name == "clone" and value is not None and value.base.endswith("[]"):
            return value
        if found.external in ENUM_RETURNS and value is not None:
            return Generic(value.base + ENUM_RETURNS[found.external])
        known = self._library(value, found.external[0], len(arguments))
        if known is None:
            dotted = found.external[0]
            given = [self.type_of(path, reference.scope) for path in arguments] if dotted in PROMOTING else []
            kind = promoted(given) if given else returned_by_name(dotted)
            return None if kind is None else Generic(kind)
        return self._applied(known, arguments, reference.scope)
