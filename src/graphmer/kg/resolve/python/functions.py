"""The nodes of the package's functions: their parameters and what they give."""

from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.annotations import read_annotation
from graphmer.kg.resolve.python.index import Parameter, Scope
from graphmer.kg.resolve.python.sites import Function

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World


class Functions:
    """The functions of one package, prepared on first use."""

    def __init__(self, world: "World") -> None:
        self.world, self.network, self.index = world, world.network, world.index
        self.functions: dict[str, Function] = {}
        self.known_modifiers: dict[str, frozenset[str]] = {}

    def modifiers(self, symbol: str) -> frozenset[str]:
        """Modifiers of a function."""
        known = self.known_modifiers.get(symbol)
        if known is None:
            said = self.index.symbols[symbol]
            known = self.known_modifiers[symbol] = frozenset(said.modifiers.split())
        return known

    def of(self, symbol: str) -> Function:
        """The nodes of a function, made once."""
        found = self.functions.get(symbol)
        if found is None:
            found = self.functions[symbol] = Function()
            self._prepare(found, self.index.scopes[symbol])
        return found

    def _prepare(self, function: Function, scope: Scope) -> None:
        for parameter in scope.parameters:
            if parameter.kind in ("star_parameter", "star_star_parameter"):
                self._add_starred(function, parameter, scope)
            else:
                self._add_parameter(function, parameter, scope)
        if "generator" in scope.modifiers:
            function.result = self.network.constant(self.network.value("generator", scope.symbol.symbol))
            for said in read_annotation(scope.returned):
                if said.kind == "generator":
                    self.world.annotated.add(function.yielded, said.items[0], scope, "->")
        elif scope.returned:
            self.world.annotated.add(function.returned, scope.returned, scope, "->")

    def _add_parameter(self, function: Function, parameter: Parameter, scope: Scope) -> None:
        node = function.by_name[parameter.name] = self.world.names.variable(parameter.name, scope)
        if parameter.kind == "parameter":
            function.positional.append(node)
        if parameter.annotation:
            self.world.annotated.add(node, parameter.annotation, scope, parameter.name)

    def _add_starred(self, function: Function, parameter: Parameter, scope: Scope) -> None:
        """`*args` and `**kwargs` are containers of the function's own."""
        node = self.world.names.variable(parameter.name, scope)
        kind = "tuple" if parameter.kind == "star_parameter" else "dict"
        value, container = self.network.container(f"{scope.symbol.symbol}*{parameter.name}", kind)
        self.network.add(node, value)
        if parameter.annotation:
            self.world.annotated.add(container.any, parameter.annotation, scope, parameter.name)
        if kind == "tuple":
            function.rest = container
        else:
            function.keywords = container
