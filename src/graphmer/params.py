"""Strict reading of params.yaml: every key known, present and of its type, or one line with its dotted path.

Each section's frozen dataclass lives in the package that owns it, so that a new field of one stage leaves the
others' code, and so their cached results, untouched.
"""

import dataclasses
import importlib
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from graphmer.errors import ParamsError

T = TypeVar("T")


class _Loader(yaml.SafeLoader):
    """PyYAML takes 4e-05 for text, and that is how DVC writes the 4.0e-5 of a profile or of `-S` into params.yaml."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(?:\.\d*)?[eE][-+]?\d+"), list("-+0123456789")
)

# Named, not imported: only `check_tree` follows these, and it never changes what a stage computes.
SECTIONS = {
    "fetch": "graphmer.corpus.fetch_config:FetchParams",
    "parse": "graphmer.corpus.parse.config:ParseParams",
    "kg": "graphmer.kg.config:GraphParams",
    "validate": "graphmer.kg.validate_config:ValidateParams",
    "pack": "graphmer.pack.config:PackParams",
    "model": "graphmer.model.config:ModelParams",
    "train": "graphmer.train.config:TrainParams",
    "eval": "graphmer.evaluate.config:EvalParams",
    "ablation": "graphmer.report.config:AblationParams",
    "gates": "graphmer.report.gates_config:GatesParams",
}


def load_tree(path: Path, changes: Sequence[str] = ()) -> dict[str, Any]:
    """params.yaml as a tree, with `key.path=value` changes laid over it.

    Raises ParamsError where the file is missing, is not YAML, or a change names an unknown key.
    """
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise ParamsError(f"{path}: not found; run from the project's root or pass --params") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise ParamsError(f"{path}: expected a mapping of sections, got {_kind(tree)}")
    for change in changes:
        _apply(tree, change)
    return tree


def load_section(tree: Mapping[str, Any], section: str, cls: type[T]) -> T:
    """One section of the tree as its frozen dataclass.

    Raises ParamsError with the dotted path of the first key that is unknown, missing or mistyped.
    """
    if section not in tree:
        raise ParamsError(f"{section}: missing section; params.yaml must have one of each of {', '.join(SECTIONS)}")
    built = _build(tree[section], cls, section)
    return typing.cast(T, built)


def check_tree(tree: Mapping[str, Any]) -> None:
    """Check every section, whichever stage runs: DVC itself overlooks an unknown key."""
    for name in tree:
        if name not in SECTIONS:
            raise ParamsError(f"{name}: unknown section{_nearest(str(name), SECTIONS)}")
    for name, target in SECTIONS.items():
        module, _, cls = target.partition(":")
        load_section(tree, name, getattr(importlib.import_module(module), cls))


def _apply(tree: dict[str, Any], change: str) -> None:
    dotted, equals, text = change.partition("=")
    if not equals:
        raise ParamsError(f"--set {change}: expected key.path=value")
    node: Any = tree
    *parents, leaf = dotted.split(".")
    for depth, name in enumerate(parents):
        if not isinstance(node, dict) or name not in node:
            known = node if isinstance(node, dict) else ()
            raise ParamsError(f"{'.'.join(parents[: depth + 1])}: unknown key{_nearest(name, known)}")
        node = node[name]
    if not isinstance(node, dict) or leaf not in node:
        raise ParamsError(f"{dotted}: unknown key{_nearest(leaf, node if isinstance(node, dict) else ())}")
    try:
        node[leaf] = yaml.load(text, _Loader)
    except yaml.YAMLError:
        raise ParamsError(f"{dotted}: '{text}' is not a YAML value") from None


def _build(value: Any, expected: Any, path: str) -> Any:
    if dataclasses.is_dataclass(expected):
        return _build_dataclass(value, typing.cast(type, expected), path)
    origin = typing.get_origin(expected)
    if origin is typing.Literal:
        choices = typing.get_args(expected)
        if not any(value == choice and type(value) is type(choice) for choice in choices):
            raise ParamsError(f"{path}: expected one of {', '.join(map(repr, choices))}, got {value!r}")
        return value
    if origin in (types.UnionType, typing.Union):
        return _build_optional(value, expected, path)
    if origin is tuple:
        return _build_sequence(value, typing.get_args(expected), path)
    if origin is dict:
        return _build_mapping(value, typing.get_args(expected)[1], path)
    return _build_scalar(value, expected, path)


def _build_dataclass(value: Any, cls: type, path: str) -> Any:
    if not isinstance(value, dict):
        raise ParamsError(f"{path}: expected a mapping, got {_kind(value)}")
    hints = typing.get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    for key in value:
        if key not in names:
            raise ParamsError(f"{path}.{key}: unknown key{_nearest(str(key), names)}")
    for name in names:
        if name not in value:
            raise ParamsError(f"{path}.{name}: missing; params.yaml holds every value, there are no hidden defaults")
    built = {name: _build(value[name], hints[name], f"{path}.{name}") for name in names}
    try:
        return cls(**built)
    except ValueError as error:  # a dataclass checks ranges in __post_init__ and names the field
        raise ParamsError(f"{path}.{error}") from None


def _build_optional(value: Any, expected: Any, path: str) -> Any:
    choices = typing.get_args(expected)
    if value is None and type(None) in choices:
        return None
    (inner,) = [choice for choice in choices if choice is not type(None)]
    return _build(value, inner, path)


def _build_sequence(value: Any, args: tuple[Any, ...], path: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ParamsError(f"{path}: expected a list, got {_kind(value)}")
    return tuple(_build(item, args[0], f"{path}[{index}]") for index, item in enumerate(value))


def _build_mapping(value: Any, expected: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ParamsError(f"{path}: expected a mapping, got {_kind(value)}")
    return {str(key): _build(item, expected, f"{path}.{key}") for key, item in value.items()}


def _build_scalar(value: Any, expected: type, path: str) -> Any:
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is not expected:
        raise ParamsError(f"{path}: expected {expected.__name__}, got {_kind(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ParamsError(f"{path}: expected a finite number, got {value}")
    return value


def _kind(value: object) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {value!r}"


def _nearest(name: str, known: typing.Iterable[str]) -> str:
    import difflib

    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(known)}"
