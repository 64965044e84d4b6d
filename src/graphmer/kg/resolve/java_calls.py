"""Which method a Java call means, what it returns, and what a lambda's parameters are."""

from collections.abc import Sequence

from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.resolve.java_expressions import (
    LAMBDA,
    METHOD_REFERENCE,
    NOTHING,
    Callee,
    JavaExpressions,
    split_callee,
)
from graphmer.kg.resolve.java_generics import (
    Bindings,
    Function,
    Generic,
    JavaGenerics,
    Signature,
    has_variables,
    substitute,
    unify,
)
from graphmer.kg.resolve.java_index import JavaMethod
from graphmer.kg.resolve.java_names import ANY_RECEIVER, OBJECT, OBJECT_METHODS, PRIMITIVES, RETURNS
from graphmer.kg.resolve.java_overloads import Choice, choose

CALLS = ("call", "new", "constructor_call", "constant")
MAX_NESTING = 30  # of calls, arguments and lambdas that are looked into for one type
ENUM_RETURNS = {("java.lang.Enum.valueOf",): "", ("java.lang.Enum.values",): "[]"}  # beside the enum itself


class JavaCalls(JavaExpressions):
    """Callees by the receiver's static type, then by the number and the types of the arguments."""

    def __init__(self, types: JavaGenerics, max_candidates: int) -> None:
        super().__init__(types)
        self.max_candidates = max_candidates
        self._depth = 0
        self._placed: dict[tuple[str, int], Reference] = {}  # calls by file and byte; method references by -byte
        self._lambdas: dict[tuple[str, int], Symbol] = {}
        self._anonymous: dict[tuple[str, int], str] = {}
        # lambdas and method references by file and first byte: the call that they are handed to, or what they become
        self._argument_of: dict[tuple[str, int], tuple[Reference, int]] = {}
        self._targets: dict[tuple[str, int], str] = {}
        self._results: dict[str, str] = {}
        self._is_block: dict[str, bool] = {}
        self._called: dict[tuple[str, int], Callee] = {}
        self._returned: dict[tuple[str, int], Generic | None] = {}
        self._functions_of: dict[tuple[str, int], Function | None] = {}
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

    def _at(self, place: str, scope: str) -> Reference | None:
        if not place.startswith("@"):
            return None
        return self._placed.get((self.types.file_of[scope], int(place[1:])))

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

    def created(self, reference: Reference) -> Generic | None:
        """The class of which `new` makes an object; without the body of an anonymous class."""
        value = reference.value.partition(" ")[0]
        outer, _, inner = value.rpartition("::")
        if outer:
            owner = self.type_of(outer, reference.scope)
            kind = self.types.member_type(owner, inner.partition("<")[0]) if owner is not None else None
            return None if kind is None else Generic(kind)
        return self.types.written(value, reference.scope)

    def _made(self, reference: Reference) -> Generic | None:
        """The type of a new object: of an anonymous class that class, of `Box<>(item)` a Box of what the item is."""
        body = self._anonymous.get((self.types.file_of[reference.scope], reference.byte_start))
        if body is not None:
            return Generic(body)
        kind = self.created(reference)
        value, *arguments = reference.value.split(" ")
        methods = self.callee(reference).choice.methods
        if kind is None or not value.endswith("<>") or len(methods) != 1:
            return kind
        signature = self.types.signature(methods[0], None)
        bindings = self._bindings(signature, arguments, reference.scope, lambdas=False)
        return substitute(self.types.this_type(kind.base), bindings)

    def _visible(self, kind: Generic | None, scope: str) -> Generic | None:
        """A type as a scope sees it: a variable of another class that nothing is known of is its bound, or unknown."""
        if kind is None or not kind.base.startswith("?"):
            return kind
        owner = kind.base[1:].partition(" ")[0]
        if scope == owner or scope.startswith(f"{owner}."):
            return kind
        bound = self.types.erasure(kind)
        return None if bound is None or bound.removesuffix("[]") == OBJECT else Generic(bound)

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
        if found.external in ENUM_RETURNS and value is not None:
            return Generic(value.base + ENUM_RETURNS[found.external])
        known = self._library(value, found.external[0], len(arguments))
        if known is None:
            kind = RETURNS.get(found.external[0])
            return None if kind is None else Generic(kind)
        return self._applied(known, arguments, reference.scope)

    def component(self, reference: Reference) -> Symbol | None:
        """The component of a record that the accessor reads which the language makes: `point.x()`."""
        receiver, name = split_callee(reference.value.partition(" ")[0])
        if reference.ordinal:
            return None
        owner = self.type_of(receiver or "this", reference.scope)
        if owner not in self.types.classes or self.types.symbols[owner].kind != "record":
            return None
        found = self.types.classes[owner].fields.get(name)
        return found if found is not None and "record" in found.modifiers.split() else None

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

    def _library(self, value: Generic | None, dotted: str, count: int) -> Signature | None:
        owner, _, name = dotted.rpartition(".")
        return self.types.library_method(value if value is not None else Generic(owner), name, count)

    def _applied(self, signature: Signature, arguments: Sequence[str], scope: str) -> Generic | None:
        """What a method returns for some arguments, whose types say what its own variables stand for."""
        returned = signature.returned
        if returned is None:
            return None
        known = substitute(returned, signature.bindings)
        if not has_variables(known):
            return known
        if any(self._is_primitive_array(*pair, scope) for pair in zip(signature.parameters, arguments)):
            return None  # Arrays.stream(int[]) and the like have overloads of their own
        bindings = self._bindings(signature, arguments, scope, lambdas=True)
        return substitute(substitute(known, bindings), bindings)

    def _is_primitive_array(self, pattern: Generic, path: str, scope: str) -> bool:
        if not (pattern.base.startswith("?") and pattern.base.endswith("[]")):
            return False
        kind = self.type_of(path, scope)
        return kind is not None and kind.endswith("[]") and kind[:-2] in PRIMITIVES

    def _bindings(self, signature: Signature, arguments: Sequence[str], scope: str, lambdas: bool) -> Bindings:
        """What the arguments say about a method's variables. lambdas: look into them too, after all others."""
        bindings: Bindings = {}
        patterns = [substitute(kind, signature.bindings) for kind in signature.parameters]
        patterns += patterns[-1:] * (len(arguments) - len(patterns))  # variable arity
        pairs = list(zip(patterns, arguments))
        for pattern, path in pairs:
            if not path.startswith((LAMBDA, METHOD_REFERENCE)):
                unify(self.types, pattern, self.value(path, scope), bindings)
        for pattern, path in pairs if lambdas else ():
            if path.startswith((LAMBDA, METHOD_REFERENCE)):
                function = self.types.function(pattern)
                if function is not None and function.returned is not None:
                    unify(self.types, function.returned, self._returned_by(path, scope, function, bindings), bindings)
        return bindings

    def _returned_by(self, path: str, scope: str, function: Function, bindings: Bindings) -> Generic | None:
        """What a lambda or a method reference returns."""
        file = self.types.file_of[scope]
        if path.startswith(LAMBDA):
            symbol = self._lambdas[file, int(path[2:])].symbol
            result = self._results.get(symbol)
            return None if result is None else self.value(result, symbol)
        reference = self._placed.get((file, -int(path[2:])))
        if reference is None:
            return None
        receiver, _, name = reference.value.rpartition("::")
        kind = self.receiver_of(receiver, reference.scope)
        if kind is None or name == "new":
            return kind
        found = self.referenced(reference)
        methods = found.choice.methods
        if len(methods) == 1:
            return self._visible(self._applied(self.types.signature(methods[0], kind), (), scope), scope)
        known = RETURNS.get(found.external[0]) if len(found.external) == 1 else None
        return None if known is None else Generic(known)

    def referenced(self, reference: Reference) -> Callee:
        """What a method reference means: of overloads the one that takes what its functional interface hands it."""
        receiver, _, name = reference.value.rpartition("::")
        scope = reference.scope
        kind = self.types.erasure(self.receiver_of(receiver, scope))
        if kind is None:
            return Callee(NOTHING)
        found = self.methods_of_type(kind, name)
        methods = found.choice.methods
        if len(methods) > 1:
            function = self.function_of((self.types.file_of[scope], reference.ordinal), scope)
            if function is not None:
                methods = self._taking(methods, function, self._is_type(receiver, scope)) or methods
        return Callee(Choice(methods, "inferred" if len(methods) == 1 else "ambiguous"), found.external)

    def _taking(self, methods: Sequence[JavaMethod], function: Function, of_type: bool) -> Sequence[JavaMethod]:
        """The overloads that take a function's parameters; `Type::method` may take the first as its receiver."""
        kinds = [self.types.erasure(kind) for kind in function.parameters]
        if not of_type:
            return choose(self.types, methods, kinds).methods
        static = [method for method in methods if "static" in method.modifiers]
        bound = [method for method in methods if "static" not in method.modifiers]
        return (*choose(self.types, static, kinds).methods, *choose(self.types, bound, kinds[1:]).methods)

    def _is_type(self, receiver: str, scope: str) -> bool:
        return receiver[:1].isupper() and self.variable(receiver.partition(".")[0], scope) is None

    def receiver_of(self, receiver: str, scope: str) -> Generic | None:
        """What stands before the `::` of a method reference: an expression or a type."""
        return self.value(receiver, scope) or self.types.written(receiver, scope)

    def function_of(self, place: tuple[str, int], around: str) -> Function | None:
        """The functional interface that a lambda or a method reference becomes, as a function."""
        if place not in self._functions_of:
            if self._depth > MAX_NESTING:
                return None
            self._functions_of[place] = None
            self._depth += 1
            kind = self._target(place, around)
            self._functions_of[place] = None if kind is None else self.types.function(kind)
            self._depth -= 1
        return self._functions_of[place]

    def _target(self, place: tuple[str, int], around: str) -> Generic | None:
        handed = self._argument_of.get(place)
        if handed is not None:
            return self._target_argument(*handed)
        target = self._targets.get(place, "")
        if target != "return":
            return self.value(target, around) if target else None
        declared = self.types.symbols[around]
        if declared.kind == "lambda":
            function = self.function_of((place[0], declared.byte_start), declared.container)
            return None if function is None else function.returned
        method = self.types.methods.get(around)
        return None if method is None else self.types.signature(method, None).returned

    def _target_argument(self, reference: Reference, place: int) -> Generic | None:
        """The type of the parameter that takes a lambda."""
        callee, *arguments = reference.value.split(" ")
        scope, found = reference.scope, self.callee(reference)
        receiver, _ = split_callee(callee)
        if reference.kind == "call":
            value = self.value(receiver, scope) if receiver else self._around(found, scope)
        else:
            value = self.created(reference) if reference.kind == "new" else self.value(callee, scope)
        if len(found.choice.methods) == 1:
            known: Signature | None = self.types.signature(found.choice.methods[0], value)
        elif len(found.external) == 1:
            known = self._library(value, found.external[0], len(arguments))
        else:
            return None
        if known is None or not known.parameters:
            return None
        kind = substitute(known.parameters[min(place, len(known.parameters) - 1)], known.bindings)
        return substitute(kind, self._bindings(known, arguments, scope, lambdas=False))

    def lambda_parameter(self, parameter: Symbol) -> Generic | None:
        """The type that a lambda's parameter has by what the lambda becomes."""
        owner = self.types.symbols[parameter.container]
        function = self.function_of((self.types.file_of[owner.symbol], owner.byte_start), owner.container)
        declared = self.types.lambda_parameters.get(parameter.container, [])
        if function is None or len(function.parameters) != len(declared):
            return None
        return self._visible(function.parameters[declared.index(parameter.symbol)], parameter.container)


def parameter_count(symbol: Symbol) -> int:
    """How many parameters a lambda has."""
    inside = symbol.signature.strip("()").strip()
    depth = commas = 0
    for character in inside:
        depth += (character == "<") - (character == ">")
        commas += character == "," and depth == 0
    return commas + 1 if inside else 0
