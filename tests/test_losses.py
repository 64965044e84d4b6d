"""Losses as sums, and the ontology's two terms on planted rings, against hand truth and slow loops."""

import itertools
import math

import numpy as np
import pytest
import torch
from test_model import make_model
from torch import Tensor

from graphmer.model.heads import SpanBoundaryHead
from graphmer.model.losses import link_sum, ontology_terms, token_sum
from graphmer.ontology.vocabulary import load_ontology

RELATIONS = load_ontology().relations
ANTISYMMETRIC = torch.tensor([relation.antisymmetric for relation in RELATIONS.values()])
ACYCLIC = torch.tensor([relation.acyclic for relation in RELATIONS.values()])
INHERITS, OVERRIDES, CALLS = (RELATIONS[name].id for name in ("inherits_from", "overrides", "calls"))
SURE = 40.0  # a logit that leaves the other keys e^-40


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def edges(tails: list[int], num_keys: int) -> Tensor:
    """(Q, K) logits that are sure of one key each."""
    logits = torch.zeros(len(tails), num_keys)
    logits[torch.arange(len(tails)), torch.tensor(tails)] = SURE
    return logits.requires_grad_()


def terms(logits: Tensor, relation: int | list[int], heads: list[int], valid: Tensor | None = None) -> list[float]:
    relations = torch.tensor([relation] * len(heads) if isinstance(relation, int) else relation)
    valid = torch.ones(len(heads), dtype=torch.bool) if valid is None else valid
    both = ontology_terms(logits, relations, torch.tensor(heads), ANTISYMMETRIC, ACYCLIC, valid)
    return [term.item() for term in both]


def slow_terms(
    logits: Tensor, relation: list[int], heads: list[int], valid: list[bool], longest: int
) -> tuple[float, float]:
    """Loops over pairs, and over closed walks of the nodes of each acyclic relation."""
    p = torch.softmax(logits.double(), dim=-1).tolist()
    among = [q for q in range(len(heads)) if valid[q] and heads[q] >= 0]
    pairs = [
        (i, j)
        for i, j in itertools.permutations(among, 2)
        if relation[i] == relation[j] and heads[i] != heads[j] and ANTISYMMETRIC[relation[i]]
    ]
    both = [p[i][heads[j]] * p[j][heads[i]] for i, j in pairs]
    nodes = sorted({(relation[q], heads[q]) for q in among if ACYCLIC[relation[q]]})

    def step(one: tuple[int, int], other: tuple[int, int]) -> float:
        own = [p[q][other[1]] for q in among if (relation[q], heads[q]) == one]
        return float(np.mean(own)) if one[0] == other[0] and one != other else 0.0

    total = 0.0
    for length in range(2, longest + 1):
        for walk in itertools.product(nodes, repeat=length):
            total += math.prod(step(a, b) for a, b in zip(walk, (*walk[1:], walk[0]), strict=True)) / length
    return sum(both) / 2, total


def test_a_sure_ring_of_two_costs_one_in_antisymmetry_and_each_multiple_in_acyclicity() -> None:
    antisymmetry, acyclicity = terms(edges([1, 0], 4), INHERITS, [0, 1])
    assert antisymmetry == pytest.approx(1.0)
    assert acyclicity == pytest.approx(2 / 2 + 2 / 4)  # traces of A^2 and A^4, by length


def test_a_ring_of_three_costs_acyclicity_alone() -> None:
    antisymmetry, acyclicity = terms(edges([1, 2, 0], 5), INHERITS, [0, 1, 2])
    assert antisymmetry < 1e-12
    assert acyclicity == pytest.approx(3 / 3)


def test_a_chain_without_rings_costs_nothing() -> None:
    assert max(terms(edges([1, 2, 3, 4], 5), INHERITS, [0, 1, 2, 3])) < 1e-12


def test_a_relation_costs_only_what_the_ontology_says_of_it() -> None:
    assert terms(edges([1, 0], 4), OVERRIDES, [0, 1])[0] == 0.0
    assert terms(edges([1, 0], 4), OVERRIDES, [0, 1])[1] > 0.5
    assert terms(edges([1, 0], 4), CALLS, [0, 1]) == [0.0, 0.0]


def test_edges_of_two_relations_make_no_ring() -> None:
    assert terms(edges([1, 0], 4), [INHERITS, OVERRIDES], [0, 1]) == [0.0, 0.0]


def test_queries_that_share_a_head_are_one_node_and_no_ring_of_their_own() -> None:
    assert terms(edges([0, 0], 4), INHERITS, [0, 0]) == [0.0, 0.0]
    # Node 0 has two queries; one of them closes the ring, so half of its row does.
    antisymmetry, acyclicity = terms(edges([1, 3, 0], 4), INHERITS, [0, 0, 1])
    assert antisymmetry == pytest.approx(1.0)  # of the pairs {0, 2} and {1, 2} the first
    assert acyclicity == pytest.approx(2 * 0.5 / 2 + 2 * 0.25 / 4)


@pytest.mark.parametrize("seed", range(6))
def test_both_terms_equal_loops_over_pairs_and_walks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    queries, keys = 7, 6
    logits = torch.from_numpy(rng.normal(size=(queries, keys)) * 2).float()
    relation = rng.choice([INHERITS, OVERRIDES, CALLS], queries, p=[0.6, 0.3, 0.1]).tolist()
    heads, valid = rng.integers(-1, 4, queries).tolist(), (rng.random(queries) < 0.9).tolist()
    assert terms(logits, relation, heads, torch.tensor(valid)) == pytest.approx(
        slow_terms(logits, relation, heads, valid, 4), rel=1e-5
    )


@pytest.mark.parametrize(("tails", "heads"), [([1, 0], [0, 1]), ([1, 2, 0], [0, 1, 2])])
def test_descent_breaks_a_ring(tails: list[int], heads: list[int]) -> None:
    logits = torch.zeros(len(tails), 5)
    logits[torch.arange(len(tails)), torch.tensor(tails)] = 3.0
    logits.requires_grad_()
    relation, valid = torch.full((len(tails),), INHERITS), torch.ones(len(tails), dtype=torch.bool)
    costs = []
    for _ in range(200):
        cost = sum(ontology_terms(logits, relation, torch.tensor(heads), ANTISYMMETRIC, ACYCLIC, valid))
        (gradient,) = torch.autograd.grad(cost, logits)  # type: ignore[arg-type]
        logits = (logits - 2.0 * gradient).detach().requires_grad_()
        costs.append(cost.item())
    assert costs[-1] < 0.2 * costs[0]
    assert all(later <= sooner + 1e-6 for sooner, later in itertools.pairwise(costs))


@pytest.mark.parametrize("heads", [[0, -1, -1], [-1, -1, -1], [2, 2, 2]])
def test_without_a_pair_both_terms_are_zero_with_a_gradient_of_zero(heads: list[int]) -> None:
    logits = torch.randn(3, 4, requires_grad=True)
    relation, valid = torch.full((3,), INHERITS), torch.ones(3, dtype=torch.bool)
    both = ontology_terms(logits, relation, torch.tensor(heads), ANTISYMMETRIC, ACYCLIC, valid)
    assert [term.item() for term in both] == [0.0, 0.0]
    sum(both).backward()  # type: ignore[union-attr]
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_padded_queries_and_keys_leave_terms_and_gradients_finite(dtype: torch.dtype) -> None:
    logits = torch.full((4, 5), -math.inf, dtype=dtype)
    logits[:3, :4] = torch.randn(3, 4).to(dtype) * 14  # the last query and the last key are padding
    logits.requires_grad_()
    valid = torch.tensor([True, True, True, False])
    heads, relation = torch.tensor([0, 1, 2, 0]), torch.full((4,), INHERITS)
    both = ontology_terms(logits, relation, heads, ANTISYMMETRIC, ACYCLIC, valid)
    sum(both).backward()  # type: ignore[union-attr]
    assert all(term.dtype == torch.float32 and term.isfinite() for term in both)
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert not logits.grad[3].any()


def test_sums_weigh_each_row_of_a_plain_cross_entropy() -> None:
    logits, target = torch.randn(6, 9), torch.randint(0, 9, (6,))
    weight = torch.tensor([1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    rows = -torch.log_softmax(logits, dim=-1)[torch.arange(6), target]
    assert token_sum(logits, target, weight).item() == pytest.approx(float((rows * weight).sum()), rel=1e-5)
    nothing = torch.zeros(6, 9, dtype=torch.bool)
    assert link_sum(logits, target, nothing, weight).item() == pytest.approx(float((rows * weight).sum()), rel=1e-5)


def test_sums_of_parts_add_up_to_the_sum_of_the_whole() -> None:
    logits, target, weight = torch.randn(8, 9), torch.randint(0, 9, (8,)), torch.rand(8)
    excluded = torch.zeros(8, 9, dtype=torch.bool)
    for one, more in ((token_sum, ()), (link_sum, (excluded,))):
        parts = [one(logits[s], target[s], *(x[s] for x in more), weight[s]) for s in (slice(3), slice(3, 8))]
        assert float(sum(parts)) == pytest.approx(float(one(logits, target, *more, weight)), rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_padded_query_that_excludes_everything_adds_nothing_and_no_nan(dtype: torch.dtype) -> None:
    logits = (torch.randn(3, 5) * 14).to(dtype).requires_grad_()
    excluded = torch.zeros(3, 5, dtype=torch.bool)
    excluded[2] = True
    excluded[0, 4] = True
    total = link_sum(logits, torch.tensor([0, 1, 0]), excluded, torch.tensor([1.0, 1.0, 0.0]))
    alone = link_sum(logits[:2], torch.tensor([0, 1]), excluded[:2], torch.ones(2))
    assert total.item() == pytest.approx(float(alone))
    total.backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert not logits.grad[2].any()
    assert logits.grad[0, 4] == 0  # an excluded key is no negative


def test_the_span_boundary_head_tells_places_and_sides_apart_and_can_be_learnt() -> None:
    model, head = make_model(), SpanBoundaryHead(16, 7)
    left, right, offset = torch.randn(12, 16), torch.randn(12, 16), torch.arange(12) % 7
    vector = head(left, right, offset)
    assert vector.shape == (12, 16)
    assert not torch.allclose(vector, head(right, left, offset), atol=1e-3)
    assert not torch.allclose(vector, head(left, right, (offset + 1) % 7), atol=1e-3)
    target, weight = torch.randint(5, 60, (12,)), torch.ones(12)
    optimiser = torch.optim.AdamW([*head.parameters(), *model.parameters()], lr=1e-2)
    losses = []
    for _ in range(60):
        loss = token_sum(model.vocabulary_logits(head(left, right, offset)), target, weight) / 12
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
