"""Symbols of other packages, as the API and ExceptionType entities that resolvers would name."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from graphmer.kg.facts import ExternalEntity
from graphmer.kg.resolve.java_names import is_throwable_name
from graphmer.kg.resolve.python.entities import is_exception
from graphmer.kg.resolve.python.values import BUILTIN
from graphmer.kg.scip.symbols import CONSTRUCTOR, PYTHON_BUILTINS, ScipSymbol

MODULE = "__init__"  # scip-python's name for a module itself


class ExternalName(NamedTuple):
    """An external entity, and whether it is a class."""

    entity: ExternalEntity
    is_class: bool


def external_name(language: str, symbol: ScipSymbol) -> ExternalName | None:
    """The entity of an external function, method or class; None for anything else, and for languages without a rule."""
    rule = _RULES.get(language)
    kinds = {step.kind for step in symbol.path}
    if symbol.last.name == "__class__":  # a property: calling it constructs whatever class that is
        return None
    if rule is None or symbol.last.kind not in ("method", "type") or not kinds <= {"namespace", "type", "method"}:
        return None
    return rule(symbol)


def _python(symbol: ScipSymbol) -> ExternalName:
    names = [step.name for step in symbol.path if step.name != MODULE or step.kind == "method"]
    if names[0] == PYTHON_BUILTINS:
        names[0] = BUILTIN
    dotted = ".".join(names)
    is_class = symbol.last.kind == "type"
    if is_class and is_exception(dotted):
        clean = dotted.removeprefix(f"{BUILTIN}.")
        return ExternalName(_entity("python", "exception", "ExceptionType", clean), True)
    return ExternalName(_entity("python", "api", "API", dotted), is_class)


def _java(symbol: ScipSymbol) -> ExternalName:
    path = symbol.path[:-1] if symbol.last.name == CONSTRUCTOR else symbol.path
    dotted = ".".join(step.name for step in path)
    is_class = path[-1].kind == "type"
    if is_class and is_throwable_name(dotted):
        return ExternalName(_entity("java", "exception", "ExceptionType", dotted), True)
    return ExternalName(_entity("java", "api", "API", dotted), is_class)


def _entity(language: str, prefix: str, entity_type: str, dotted: str) -> ExternalEntity:
    return ExternalEntity(f"{language}:{prefix}:{dotted}", entity_type, dotted.rpartition(".")[2], dotted, language)


_RULES: Mapping[str, Callable[[ScipSymbol], ExternalName]] = {"java": _java, "python": _python}
