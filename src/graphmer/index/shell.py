"""The verbs of the command `graphmer` that put a trained model to work on one's own code.

Exit status of each: 0 it answered, 1 something will not do (one line says what), 2 bad parameters or flags, 130 Ctrl-C,
141 nobody reads the answer to its end.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from graphmer.index.terminal import (
    APPLY_AT_LEAST,
    NOT_WHOLE,
    PARAMS,
    asked,
    complain,
    not_whole,
    opened,
    read_params,
    show,
    told,
)

verbs = typer.Typer()
IndexFlag = Annotated[Path, typer.Option("--index", help="The folder that graphmer index wrote.")]
ModelFlag = Annotated[Path | None, typer.Option(help="The index's model, where it has moved.")]
CountFlag = Annotated[int, typer.Option("-k", min=1, help="How many to show.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="For a program: one JSON object.")]
ParamsFlag = Annotated[Path, typer.Option(help="Parameter file.")]
INDEX = Path(".graphmer")
SYMBOL = "A symbol, a qualified name as pkg.mod.f, or a short name that one entity alone has."


@verbs.command()
def index(
    path: Annotated[Path, typer.Argument(help="The root of a code base: Python, Java, JavaScript, TypeScript.")],
    model: Annotated[Path, typer.Option(help="A trained model's folder.")] = Path("data/model"),
    out: Annotated[Path, typer.Option(help="A new or empty folder, or an earlier index, which is replaced.")] = INDEX,
    licence: Annotated[
        str,
        typer.Option("--license", help="SPDX, or LicenseRef-Proprietary for your own; else what the folder declares."),
    ] = "",
    name: Annotated[str, typer.Option(help="Of the package in symbols; else the folder's name.")] = "",
    scoring: Annotated[
        Path | None, typer.Option(help="Fitted weights; else MODEL.scoring.json beside the model, fitted if missing.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="packed/, kg/ and parsed/ to fit the weights on; else the model's parent.")
    ] = None,
    as_json: JsonFlag = False,
    params: ParamsFlag = PARAMS,
) -> None:
    """Index PATH with a trained model: its graph, and the vectors of its functions and entities.

    Example: graphmer index src --model data/model --out .graphmer --license LicenseRef-Proprietary

    A second run into the same --out parses the files and encodes the functions that have changed, no others. The index
    is replaced as a whole at the end; until then, and after Ctrl-C, the earlier one stands. A second run that writes it
    at the same time is refused. Files that were left out, skipped or read in part are counted by reason.

    Exit status: 0 written, 1 refused (the folder, its licence, the model), 2 bad parameters, 130 interrupted.
    """
    with told("index"):
        from graphmer.artifacts import read_json
        from graphmer.index.build import ScoringSource, build_index
        from graphmer.kg.folder_graph import FolderSource

        done = build_index(
            FolderSource(path, name, licence), model, out, read_params(params), ScoringSource(scoring, data)
        )
        counts = {"functions": done.manifest["functions"], "entities": done.manifest["entities"]}
        counts |= {"triples": done.manifest["triples"], "files_parsed": done.parsed, "files_from_cache": done.cached}
        counts |= {"functions_encoded": done.encoded}
        graph = read_json(out / "graph" / "manifest.json")
        rows = [*((name.replace("_", " "), f"{number:,}") for name, number in counts.items()), *not_whole(graph)]
        tree = {"index": str(out), **counts, **{kind: graph[kind] for kind in NOT_WHOLE}}
        width = max(18, *(len(label) + 1 for label, _ in rows))
        show(as_json, tree, "\n".join(f"{label:<{width}}{number:>12}" for label, number in rows))


@verbs.command()
def search(
    words: Annotated[str, typer.Argument(help="What the function does, in words.")],
    index: IndexFlag = INDEX,
    k: CountFlag = 10,
    tests: Annotated[bool, typer.Option("--tests", help="Find functions of test code too.")] = False,
    model: ModelFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """Rank the functions of an index by what they do.

    Example: graphmer search "parse a date from a string" -k 5

    One line a function: rank, score, file:line, name, and in brackets which of the words stand in its name, its
    docstring, its code, and the names of what it calls or is called by. Ranked by the combination of BM25, TF-IDF and
    the model's vectors that evaluation fits on its validation split.

    Exit status: 0 answered, 1 no such index or not its model, 2 bad flags, or no word to search for.
    """
    with told("search"):
        from graphmer.index.search import Searcher, as_text

        hits = Searcher(opened(index, model)).search(words, k, tests)
        show(as_json, {"query": words, "results": [hit._asdict() for hit in hits]}, as_text(hits))


@verbs.command()
def complete(
    symbol: Annotated[str, typer.Argument(help=SYMBOL)],
    relation: Annotated[str, typer.Argument(help="Of the triples to propose, as calls or inherits_from.")],
    index: IndexFlag = INDEX,
    k: CountFlag = 10,
    apply: Annotated[
        Path | None, typer.Option(help="Write the proposals into this graph, which graphmer kg made of the same code.")
    ] = None,
    at_least: Annotated[float, typer.Option(min=0.0, max=1.0, help="Leave out what is less sure than this.")] = 0.0,
    apply_at_least: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="With --apply: write nothing that is less sure than this.")
    ] = APPLY_AT_LEAST,
    model: ModelFlag = None,
    as_json: JsonFlag = False,
    params: ParamsFlag = PARAMS,
) -> None:
    """Propose triples that start at SYMBOL and that the graph lacks, each with a calibrated confidence.

    Example: graphmer complete shop.cart.Cart.add calls
    Example: graphmer complete shop.cart.Cart.add calls --apply kg --apply-at-least 0.8

    Asked are the mentions in SYMBOL's code at which static analysis settled nothing. A proposal keeps to the ontology
    and says ml_extraction as its source. --apply adds proposals to a graph as new rows, by default those that are
    likelier right than wrong. One alone of a mention is written as inferred, several are as ambiguous. What the graph
    has already stays as it is and is counted, and the graph is checked as a whole before it is replaced.

    Exit status: 0 answered (or nothing to propose), 1 no such index or symbol, or not to be asked, 2 bad parameters.
    """
    with told("complete"):
        from graphmer.index import complete as answers
        from graphmer.index.apply import applied_text, apply_proposals
        from graphmer.index.build import PARSED
        from graphmer.index.symbols import find_relation, find_symbol

        session = asked(index, model, params)
        head = find_symbol(session.index.entities, symbol, external=False)
        found = answers.complete(session, head, find_relation(relation), k)
        found = found._replace(proposals=[one for one in found.proposals if one.confidence >= at_least])
        tree = {"head": head, **found._asdict(), "proposals": [one._asdict() for one in found.proposals]}
        text = answers.as_text(found)
        if apply is not None:
            done = apply_proposals(apply, index / PARSED, found.proposals, read_params(params).folder, apply_at_least)
            tree["applied"] = {"added": len(done.added), "skipped": done.skipped}
            text += "\n" + applied_text(apply, done)
        show(as_json, tree, text)


@verbs.command()
def resolve(
    place: Annotated[str, typer.Argument(metavar="FILE:LINE", help="Where the call stands.")],
    index: IndexFlag = INDEX,
    k: CountFlag = 5,
    model: ModelFlag = None,
    as_json: JsonFlag = False,
    params: ParamsFlag = PARAMS,
) -> None:
    """Say which definition each call on a line means, with alternatives.

    Example: graphmer resolve src/shop/cart.py:41

    What static analysis proved comes first. Where it left candidates open the model ranks them; other definitions of
    that name come last, by the model's probability.

    Exit status: 0 answered, 1 no such index, file, line or call, 2 bad parameters or flags.
    """
    with told("resolve"):
        from graphmer.index import resolve as answers

        calls = answers.resolve(asked(index, model, params), place, k)
        tree = [{**call._asdict(), "meanings": [one._asdict() for one in call.meanings]} for call in calls]
        show(as_json, {"calls": tree}, answers.as_text(calls))


@verbs.command()
def explain(
    symbol: Annotated[str, typer.Argument(help=SYMBOL)],
    relation: Annotated[str | None, typer.Argument(help="Of a triple that starts at SYMBOL.")] = None,
    tail: Annotated[str | None, typer.Argument(help="The triple's other end, named as SYMBOL is.")] = None,
    index: IndexFlag = INDEX,
    model: ModelFlag = None,
    as_json: JsonFlag = False,
    params: ParamsFlag = PARAMS,
) -> None:
    """Show what the graph says around SYMBOL, or what speaks for the triple SYMBOL RELATION TAIL.

    Example: graphmer explain shop.cart.Cart.add
    Example: graphmer explain shop.cart.Cart.add calls shop.stock.reserve

    For a triple: whether the graph states it, other paths between its ends, siblings that share it, imports; then its
    rank among all candidates by the symbolic features and by the network, apart, with the triple itself hidden.

    Exit status: 0 answered, 1 no such index or symbol, 2 bad parameters or flags.
    """
    if (relation is None) != (tail is None):
        complain("explain", "give SYMBOL alone, or SYMBOL RELATION TAIL")
        raise typer.Exit(2)
    with told("explain"):
        from graphmer.index.explain import explained
        from graphmer.index.symbols import find_relation, find_symbol

        session = asked(index, model, params)
        entities = session.index.entities
        question: list[Any] = [find_symbol(entities, symbol)]
        if relation is not None and tail is not None:
            question += [find_relation(relation), find_symbol(entities, tail)]
        show(as_json, *explained(session, question))
