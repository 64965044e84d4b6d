"""Names that people type, and the entities that they mean."""

import difflib
from typing import TYPE_CHECKING

from graphmer.errors import GraphmerError
from graphmer.ontology.vocabulary import Relation, load_ontology

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5  # candidates of a name that means several


class SymbolError(GraphmerError):
    """A name that no entity has, or several have."""


def find_symbol(entities: "pd.DataFrame", name: str, external: bool = True) -> str:
    """The entity that a name means: a symbol, a qualified name or the end of one, or a short name.

    entities: entities.parquet. external: whether what is defined elsewhere may be meant.
    Raises SymbolError with the nearest names where none has it, and with its owners where several do.
    """
    chosen = entities if external else entities[~entities["external"]]
    qualified = chosen["qualified_name"]
    fits = (chosen["entity"] == name, qualified == name, qualified.str.endswith(f".{name}"), chosen["name"] == name)
    for found in (chosen[fit] for fit in fits):
        symbols = _told_apart(found)
        if len(symbols) == 1:
            return symbols[0]
        if symbols:
            more = f" and {len(symbols) - SHOWN} more" if len(symbols) > SHOWN else ""
            shown = ", ".join(symbols[:SHOWN])
            raise SymbolError(f"'{name}' means {len(symbols)} entities: {shown}{more}; give one of these symbols")
    raise SymbolError(f"'{name}': no entity has this symbol, qualified name or name{_nearest(chosen, name)}")


def _told_apart(found: "pd.DataFrame") -> list[str]:
    """Symbols that a name may mean: the code's own before external ones, of several definitions of one the first."""
    own = found[~found["external"]]
    symbols = [str(symbol) for symbol in (own if len(own) else found)["entity"]]
    first = [symbol for symbol in symbols if "~" not in symbol]  # `f~2` is a second definition of f
    return first or symbols


def _nearest(entities: "pd.DataFrame", name: str) -> str:
    own = entities[~entities["external"]]
    short = name.rpartition(".")[2].rpartition("#")[2]
    by_name = difflib.get_close_matches(short, sorted(set(own["name"])), n=3, cutoff=0.6)
    known = sorted(set(own.loc[own["name"].isin(by_name), "qualified_name"]))
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.0) if known else []
    return f"; nearest: {', '.join(close)}" if close else "; graphmer search finds functions by words"


def find_relation(name: str) -> Relation:
    """A stored relation by its name; raises SymbolError with the nearest names."""
    ontology = load_ontology()
    if name in ontology.stored_relations:
        return ontology.relations[name]
    close = difflib.get_close_matches(name, ontology.stored_relations, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(ontology.stored_relations)}"
    raise SymbolError(f"'{name}': no stored relation of the ontology{hint}")
