"""TransE, RotatE, DistMult and ComplEx as PyKEEN has them, trained on the visible triples of one package at a time.

Entities of two packages share externals alone, so a package is a graph of its own, and its entities are the negatives.
The bilinear models learn to tell the tail among all entities (cross-entropy), the two that measure distances from drawn
negatives of the relation's own tails (self-adversarial), as their authors do.
"""

import functools
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pykeen.models import model_resolver
from pykeen.sampling import negative_sampler_resolver
from pykeen.training import LCWATrainingLoop, SLCWATrainingLoop
from pykeen.triples import CoreTriplesFactory

from graphmer.evaluate.link_prediction import LinkData, query_key
from graphmer.evaluate.queries import FloatArray, IntArray, LinkQueries
from graphmer.evaluate.ranking import check_scores, filtered_rank
from graphmer.ontology.vocabulary import load_ontology

if TYPE_CHECKING:
    import pandas as pd

SEED = 1
BATCH = 256
INITIAL_SPREAD = 0.1  # standard deviation


@dataclass(frozen=True)
class Recipe:
    """One way to train one model. Epochs are read off validation, at each of `epochs`."""

    model: str
    dimension: int  # complex numbers where the model has them
    rate: float  # Adam's
    epochs: tuple[int, ...]
    negatives: int  # a triple; 0: every entity is one
    margin: float = 0.0


RECIPES = (
    *(Recipe("complex", 32, rate, (3, 6), 0) for rate in (0.01, 0.02)),
    Recipe("distmult", 32, 0.02, (2, 4), 0),
    *(Recipe("transe", 64, 0.02, (5, 10), 16, margin) for margin in (3.0, 9.0)),
    *(Recipe("rotate", 32, 0.02, (5, 10), 16, margin) for margin in (3.0, 9.0)),
)


@dataclass(frozen=True)
class Graph:
    """One package: who is there, what may be seen, and which queries are asked of it."""

    package: str
    symbols: dict[str, int]
    triples: IntArray  # (n, 3) head, relation, tail
    queries: LinkQueries
    rows: IntArray  # of the queries that are this package's


def package_graphs(data: LinkData, queries: LinkQueries, visible: "pd.DataFrame") -> Iterator[Graph]:
    """The graphs of a split's packages, entities numbered by symbol; candidates that no triple names are there too."""
    relations = load_ontology().relations
    owner = np.asarray([key.split(":")[0] for key in queries.pool])
    for package in sorted(set(owner.tolist())):
        mine = visible[visible["package"] == package]
        pools = {row for key, rows in queries.pools.items() if key.startswith(f"{package}:") for row in rows.tolist()}
        rows = np.flatnonzero(owner == package)
        asked = {data.entities.symbols[int(row)] for row in queries.head[rows]}
        names = sorted({data.entities.symbols[row] for row in pools} | set(mine["head"]) | set(mine["tail"]) | asked)
        symbols = {name: index for index, name in enumerate(names)}
        numbers = {relation.name: relation.id for relation in relations.values()}
        columns = [mine["head"].map(symbols), mine["relation"].map(numbers), mine["tail"].map(symbols)]
        triples = np.stack([column.to_numpy(np.int64) for column in columns], axis=1)
        yield Graph(package, symbols, triples, queries, rows)


def train(graph: Graph, recipe: Recipe) -> Iterator[tuple[int, Any]]:
    """(epochs, the model after them), at each of the recipe's."""
    torch.manual_seed(SEED)
    factory = CoreTriplesFactory(
        torch.from_numpy(graph.triples), len(graph.symbols), len(load_ontology().relation_names)
    )
    loop = _from_drawn_negatives(recipe, factory) if recipe.negatives else _from_all_entities(recipe, factory)
    for epochs in recipe.epochs:
        # PyKEEN counts the epochs that are done already.
        loop.train(triples_factory=factory, num_epochs=epochs, batch_size=BATCH, use_tqdm=False)
        yield epochs, loop.model


def _from_all_entities(recipe: Recipe, factory: CoreTriplesFactory) -> Any:
    """Small first weights: PyKEEN's own, of variance 1, take epochs to be unlearnt (docs/log.md)."""
    small = functools.partial(torch.nn.init.normal_, std=INITIAL_SPREAD)
    options: dict[str, Any] = {"entity_initializer": small, "relation_initializer": small}
    if recipe.model == "distmult":  # its default keeps entities on the unit sphere, too close for a softmax
        options |= {"entity_constrainer": None, "regularizer": None}
    model = _model(recipe, factory, loss="crossentropy", **options)
    return LCWATrainingLoop(model=model, triples_factory=factory, optimizer=_adam(model, recipe))


def _from_drawn_negatives(recipe: Recipe, factory: CoreTriplesFactory) -> Any:
    model = _model(recipe, factory, loss="nssa", loss_kwargs={"margin": recipe.margin})
    return SLCWATrainingLoop(
        model=model,
        triples_factory=factory,
        optimizer=_adam(model, recipe),
        negative_sampler=negative_sampler_resolver.lookup("pseudotyped"),
        negative_sampler_kwargs={"num_negs_per_pos": recipe.negatives},
    )


def _model(recipe: Recipe, factory: CoreTriplesFactory, **options: Any) -> Any:
    return model_resolver.make(
        recipe.model, embedding_dim=recipe.dimension, random_seed=SEED, triples_factory=factory, **options
    )


def _adam(model: Any, recipe: Recipe) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=recipe.rate)


def ranks(graph: Graph, data: LinkData, model: Any, name: str) -> list[tuple[str, float]]:
    """(query, rank) of a package's queries, filtered and with ties at the mean rank, as every scorer is ranked."""
    symbols, queries = data.entities.symbols, graph.queries
    asked = np.asarray(
        [(graph.symbols[symbols[int(queries.head[row])]], int(queries.relation[row])) for row in graph.rows], np.int64
    )
    with torch.inference_mode():
        model.eval()
        parts = torch.split(torch.from_numpy(asked), 32)
        scores: FloatArray = torch.cat([model.score_t(part) for part in parts]).numpy()
        model.train()
    found = []
    for values, row in zip(scores, graph.rows.tolist(), strict=True):
        pool = queries.candidates(row)
        mine = values[[graph.symbols[symbols[entity]] for entity in pool.tolist()]]
        check_scores(name, row, mine, len(pool))
        found.append((query_key(data, queries, row), filtered_rank(mine, int(queries.truth[row]), queries.known[row])))
    return found


def chosen_recipe(
    data: LinkData, queries: LinkQueries, visible: "pd.DataFrame", recipes: list[Recipe]
) -> tuple[Recipe, list[dict[str, Any]]]:
    """The recipe and epoch of the highest MRR over all val queries, and what each reached."""
    tried: list[dict[str, Any]] = []
    for recipe in recipes:
        reciprocal: dict[int, list[float]] = {epochs: [] for epochs in recipe.epochs}
        for graph in package_graphs(data, queries, visible):
            for epochs, model in train(graph, recipe):
                reciprocal[epochs] += [1 / rank for _, rank in ranks(graph, data, model, recipe.model)]
        tried += [
            asdict(recipe) | {"epochs": epochs, "val_mrr": float(np.mean(values))}
            for epochs, values in reciprocal.items()
        ]
    best = max(tried, key=lambda row: float(row["val_mrr"]))
    recipe = next(one for one in recipes if all(asdict(one)[key] == best[key] for key in ("rate", "margin")))
    return replace(recipe, epochs=(int(best["epochs"]),)), tried
