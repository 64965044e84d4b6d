"""A scorer of one's own: what it is asked, in plain text, and what it must answer; docs/evaluation.md shows one."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from graphmer.errors import EvaluationError

FloatArray = npt.NDArray[np.floating[Any]]
T = TypeVar("T")
METHODS = ("link", "embed", "fill")


class Candidate(NamedTuple):
    """An entity that may answer a question."""

    name: str
    kind: str
    qualified_name: str
    signature: str
    external: bool


class Fact(NamedTuple):
    """What the support says of a place in a window: `text[start:end]` stands in this relation to something so named."""

    relation: str
    start: int
    end: int
    tail: str


@dataclass(frozen=True)
class LinkQuestion:
    """Which candidate does `text[start:end]` stand for, in this relation to the code around it?

    text: the window, where a hidden name reads [HIDDEN], the asked mention too unless the setting shows it.
    pool: questions of the same pool have the same candidates, so that their vectors need be made but once.
    """

    text: str
    start: int
    end: int
    relation: str
    language: str
    pool: str
    candidates: tuple[Candidate, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Blanks:
    """A window with `count` blanks, each [MASK]. whole_names: a blank is a whole name, else one token of the BPE."""

    text: str
    count: int
    whole_names: bool


class OwnScorer(Protocol):
    """A class with these methods, constructed as `Class(packed, options)`: the folder data/packed, --scorer-options."""

    def link(self, questions: Sequence[LinkQuestion]) -> Sequence[FloatArray]:
        """One (len(candidates),) array a question; higher is better."""
        ...

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(n, d) vectors of docstrings or code, compared by their dot product."""
        ...

    def fill(self, blanks: Sequence[Blanks]) -> Sequence[Sequence[str]]:
        """What stands at each blank of each window, in order."""
        ...


class OwnSpec(NamedTuple):
    """--scorer and --scorer-options."""

    name: str
    options: str


def load_own_scorer(spec: OwnSpec, packed: Path) -> OwnScorer:
    """The scorer that `module:Class` names; raises EvaluationError in one line where it is not to be had."""
    module_name, colon, class_name = spec.name.partition(":")
    if not colon or not module_name or not class_name:
        raise EvaluationError(f"--scorer {spec.name}: expected module:Class, as in my_scorer:MyScorer")
    module = guarded(spec.name, "import", lambda: importlib.import_module(module_name))
    made = getattr(module, class_name, None)
    if not callable(made):
        raise EvaluationError(f"--scorer {spec.name}: {module_name} has no class {class_name}; check the name")
    scorer: OwnScorer = guarded(spec.name, f"{class_name}(packed, options)", lambda: made(packed, spec.options))
    missing = [name for name in METHODS if not callable(getattr(scorer, name, None))]
    if missing:
        raise EvaluationError(
            f"--scorer {spec.name}: no method {', '.join(missing)}; a scorer has {', '.join(METHODS)}, as "
            "docs/evaluation.md shows"
        )
    return scorer


def guarded(scorer: str, step: str, work: Callable[[], T]) -> T:
    """What `work` returns; raises EvaluationError in one line for whatever the user's code raises."""
    try:
        return work()
    except EvaluationError:
        raise
    except (Exception, SystemExit) as error:  # the code is not ours: anything may be raised
        reason = " ".join(str(error).split()) or "no message"
        raise EvaluationError(f"--scorer {scorer}: {step} failed with {type(error).__name__}: {reason}") from error
