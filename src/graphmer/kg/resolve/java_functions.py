"""Lambdas and method references: the functional interface that each becomes, and what methods return for them."""

from abc import abstractmethod
from collections.abc import Sequence

from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.resolve.java_expressions import LAMBDA, METHOD_REFERENCE, NOTHING, Callee, split_callee
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
from graphmer.kg.resolve.java_names import PRIMITIVES
from graphmer.kg.resolve.java_overloads import Choice, choose
from graphmer.kg.resolve.java_places import JavaPlaces
from graphmer.kg.resolve.java_returns import returned_by_name

MAX_NESTING = 30  # of calls, arguments and lambdas that are looked into for one type


class JavaFunctions(JavaPlaces):
    """Types that flow between a method's parameters, its arguments and what it returns."""

    def __init__(self, types: JavaGenerics) -> None:
        super().__init__(types)
        self._depth = 0
        self._functions_of: dict[tuple[str, int], Function | None] = {}

    @abstractmethod
    def callee(self, reference: Reference) -> Callee:
        """What a call means; of `new`, `this(...)` and `super(...)`, the constructor."""

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

    def referenced(self, reference: Reference) -> Callee:
        """What a method reference means: of overloads the one that takes what its functional interface hands it."""
        receiver, _, name = reference.value.rpartition("::")
        scope = reference.scope
        kind = self.types.erasure(self.receiver_of(receiver, scope))
        if kind is None:
            return Callee(NOTHING)
        is_new = name == "new"
        found = self._constructors(kind) if is_new else self.methods_of_type(kind, name)
        methods = found.choice.methods
        if len(methods) > 1:
            function = self.function_of((self.types.file_of[scope], reference.ordinal), scope)
            if function is not None:
                of_type = not is_new and self._is_type(receiver, scope)
                methods = self._taking(methods, function, of_type) or methods
        return Callee(Choice(methods, "inferred" if len(methods) == 1 else "ambiguous"), found.external)

    def _constructors(self, kind: str) -> Callee:
        declared = self.types.classes.get(kind)
        return Callee(Choice(declared.constructors, "exact") if declared is not None else NOTHING)

    def _taking(self, methods: Sequence[JavaMethod], function: Function, of_type: bool) -> Sequence[JavaMethod]:
        """The overloads that take a function's parameters; `Type::method` may take the first as its receiver."""
        kinds = [self.types.erasure(kind) for kind in function.parameters]
        if not of_type:
            return choose(self.types, methods, kinds).methods
        static = [method for method in methods if "static" in method.modifiers]
        bound = [method for method in methods if "static" not in method.modifiers]
        return (*choose(self.types, static, kinds).methods, *choose(self.types, bound, kinds[1:]).methods)

    def _returned_by(self, path: str, scope: str) -> Generic | None:
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
        return self._returned_outside(found.external[0], reference) if len(found.external) == 1 else None

    def _returned_outside(self, dotted: str, reference: Reference) -> Generic | None:
        """What a method reference to the library returns for what its functional interface hands it: List::stream."""
        function = self.function_of((self.types.file_of[reference.scope], reference.ordinal), reference.scope)
        given = function.parameters[0] if function is not None and len(function.parameters) == 1 else None
        receiver = given if given is not None and given.base == dotted.rpartition(".")[0] else None
        known = self._library(receiver, dotted, 0) if receiver is not None else None
        if known is not None and known.returned is not None:
            return self._visible(substitute(known.returned, known.bindings), reference.scope)
        kind = returned_by_name(dotted)
        return None if kind is None else Generic(kind)

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
                    unify(self.types, function.returned, self._returned_by(path, scope), bindings)
        return bindings
