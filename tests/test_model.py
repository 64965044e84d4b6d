"""The encoder against slow references; packed rows against single samples; switches against their parameters."""

import math

import numpy as np
import pytest
import torch
from packed import KEY_TOKENS, NAME_SLOTS, VOCABULARY, make_entities, make_split

from graphmer.model import attention
from graphmer.model.attention import attend, backend_for, hop_decay, hops
from graphmer.model.batch import plain_batch, rows_batch, static_sizes
from graphmer.model.config import ModelParams, Vocabulary
from graphmer.model.heads import GraphMER
from graphmer.model.losses import link_sum, name_log_likelihood
from graphmer.model.norm import RMSNorm
from graphmer.model.texts import most_rows, packed_texts
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.draw import LeafDraw, draw_leaves
from graphmer.pack.rows import assemble
from graphmer.pack.tokenizer import PAD

RELATIONS = len(load_ontology().relations)
SIZES = Vocabulary(tokens=VOCABULARY, relations=RELATIONS, name_slots=NAME_SLOTS, key_tokens=KEY_TOKENS)


def params(**changes: object) -> ModelParams:
    values: dict[str, object] = {
        "layers": 2, "width": 16, "heads": 2, "ffn": 32, "dropout": 0.0, "rope_base": 10000.0,
        "hop_decay": "additive", "decay_base": 0.6, "use_rel_attention_bias": True, "use_hgat": True,
        "hgat_rank": 4, "hgat_dropout": 0.3, "use_lexical_skip": True, "graph_form": "intact",
    }  # fmt: skip
    return ModelParams(**{**values, **changes})  # type: ignore[arg-type]


def make_model(seed: int = 0, **changes: object) -> GraphMER:
    torch.manual_seed(seed)
    model = GraphMER(params(**changes), SIZES).eval()
    for name, parameter in model.named_parameters():
        if name.startswith("encoder.bias"):  # zeros at the start: give the bias something to do
            torch.nn.init.normal_(parameter)
    return model


@pytest.mark.parametrize("seed", range(3))
def test_packed_rows_give_the_same_hidden_states_as_single_samples(seed: int) -> None:
    split, entities, model = make_split(seed), make_entities(seed), make_model(seed)
    draw = LeafDraw(3, 2, 0.2, 0.3, 0.7)
    selection = draw_leaves(split, np.arange(split.num_samples), draw, np.random.default_rng(seed))
    rows = assemble(split, entities, selection, 96)
    assert rows.num_rows < split.num_samples
    batch, _ = rows_batch(rows, np.arange(rows.num_rows), RELATIONS, NAME_SLOTS)
    with torch.no_grad():
        together = model(batch)
    for instance in range(len(selection.sample)):
        chosen = np.arange(len(selection.sample)) == instance
        alone = assemble(split, entities, selection.only(chosen), 96)
        one, _ = rows_batch(alone, np.arange(1), RELATIONS, NAME_SLOTS)
        with torch.no_grad():
            single = model(one)[0]
        row, start = rows.instance_row[instance], rows.instance_start[instance]
        size = int((alone.document > 0).sum())
        assert torch.allclose(together[row, start : start + size], single[:size], atol=2e-5)


def test_the_base_shape_has_exactly_84934656_matrix_weights_in_its_blocks() -> None:
    with torch.device("meta"):
        model = GraphMER(params(layers=12, width=768, heads=12, ffn=3072), SIZES)
    assert model.encoder.block_matrix_weights() == 84_934_656


@pytest.mark.parametrize(
    ("switch", "value", "fragment"),
    [
        ("use_rel_attention_bias", False, "relation_KH"),
        ("use_hgat", False, "fusion"),
        ("hop_decay", "none", "offset_H"),
        ("use_lexical_skip", False, "lexical"),
    ],
)
def test_what_is_switched_off_has_no_parameters(switch: str, value: object, fragment: str) -> None:
    on = {name for name, _ in make_model().named_parameters()}
    off = {name for name, _ in make_model(**{switch: value}).named_parameters()}
    assert any(fragment in name for name in on)
    assert not any(fragment in name for name in off)


def test_hops_equal_shortest_paths_of_the_explicit_graph() -> None:
    split, entities = make_split(4), make_entities(4)
    everything = np.arange(split.num_samples)
    selection = draw_leaves(split, everything, LeafDraw(4, 2, 0.0, 0.3, 0.5), np.random.default_rng(4))
    rows = assemble(split, entities, selection, 96)
    batch, _ = rows_batch(rows, np.arange(rows.num_rows), RELATIONS, NAME_SLOTS)
    found = hops(batch.root, batch.slot, batch.leaf)
    for row in range(rows.num_rows):
        for document in range(1, int(rows.document[row].max()) + 1):
            inside = np.flatnonzero(rows.document[row] == document)
            expected = shortest_paths(batch, row, inside)
            assert np.array_equal(found[row][inside][:, inside].numpy(), expected)


def shortest_paths(batch, row: int, inside: np.ndarray) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Floyd-Warshall over the leafy chain graph: roots in a chain, leaf tokens on their anchor and in their chain."""
    root, slot, leaf = (getattr(batch, name)[row].numpy() for name in ("root", "slot", "leaf"))
    size = len(inside)
    distance = np.full((size, size), 10_000)
    np.fill_diagonal(distance, 0)
    for a, i in enumerate(inside):
        for b, j in enumerate(inside):
            chain = slot[i] == slot[j] == 0 and abs(root[i] - root[j]) == 1
            hangs = (slot[i] == 0) != (slot[j] == 0) and root[i] == root[j]
            name = leaf[i] == leaf[j] > 0 and abs(slot[i] - slot[j]) == 1
            if chain or hangs or name:
                distance[a, b] = 1
    for middle in range(size):
        distance = np.minimum(distance, distance[:, middle : middle + 1] + distance[middle : middle + 1])
    return distance


def test_hop_decay_follows_its_formula_and_fades() -> None:
    offset = torch.tensor([1.0, 3.0])
    bias = hop_decay(torch.tensor([[[0, 3, 99]]]), 0.6, offset)
    gelu = lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2)))  # noqa: E731
    for head, p in enumerate(offset.tolist()):
        expected = [math.log(0.6) * gelu(math.sqrt(d + 1) - p) for d in (0, 3, 99)]
        assert bias[0, head, 0].tolist() == pytest.approx(expected, abs=1e-6)
    assert (bias[0, :, 0, 2] < bias[0, :, 0, 0]).all()


def test_hop_decay_refuses_a_base_that_would_grow() -> None:
    with pytest.raises(ValueError, match="base"):
        hop_decay(torch.zeros(1, 1, 1, dtype=torch.long), 1.5, torch.ones(1))


BACKENDS = ("eager", "sdpa")
TOLERANCES = {torch.float32: 1e-5, torch.bfloat16: 6e-2}
BIAS_TOLERANCES = {torch.float32: (1e-6, 1e-5), torch.bfloat16: (1e-2, 1e-2)}  # of values; of a gradient's length


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_attention_equals_a_float64_reference_in_value_and_gradient(backend: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    tensors = [torch.randn(2, 3, 7, 4).to(dtype).requires_grad_() for _ in range(3)]
    bias = torch.randn(2, 3, 7, 7).to(dtype).requires_grad_()
    exact = [tensor.detach().double().requires_grad_() for tensor in (*tensors, bias)]
    found = attend(*tensors, bias, None, backend)
    reference = reference_attention(*exact)
    check_equal(found, reference, (*tensors, bias), exact, TOLERANCES[dtype])


def test_the_multiplicative_decay_equals_a_float64_reference() -> None:
    torch.manual_seed(0)
    tensors = [torch.randn(2, 3, 7, 4, requires_grad=True) for _ in range(3)]
    bias, factor = torch.randn(2, 1, 7, 7), torch.rand(2, 3, 7, 7, requires_grad=True)
    exact = [tensor.detach().double().requires_grad_() for tensor in (*tensors, bias, factor)]
    found = attend(*tensors, bias, factor, "eager")
    check_equal(found, reference_attention(*exact), (*tensors, factor), [*exact[:3], exact[4]], 1e-5)
    with pytest.raises(ValueError, match="eager backend"):
        attend(*tensors, bias, factor, "sdpa")
    assert [backend_for("cuda", has_factor) for has_factor in (False, True)] == ["sdpa", "eager"]


def reference_attention(query, key, value, bias, factor=1.0):  # type: ignore[no-untyped-def]
    logits = torch.einsum("bhie,bhje->bhij", query, key) / 2.0 * factor + bias
    return torch.einsum("bhij,bhje->bhie", logits.exp() / logits.exp().sum(-1, keepdim=True), value)


def check_equal(found, reference, ours, theirs, tolerance: float) -> None:  # type: ignore[no-untyped-def]
    assert torch.allclose(found.double(), reference, atol=tolerance)
    found.square().sum().backward()
    reference.square().sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one.grad.double(), other.grad, atol=tolerance, rtol=tolerance)


def rows_of(seed: int):  # type: ignore[no-untyped-def]
    split, entities = make_split(seed), make_entities(seed)
    selection = draw_leaves(
        split, np.arange(split.num_samples), LeafDraw(4, 2, 0.0, 0.3, 0.5), np.random.default_rng(seed)
    )
    return assemble(split, entities, selection, 96)


@pytest.mark.parametrize(
    "changes", [{}, {"hop_decay": "none"}, {"use_rel_attention_bias": False}, {"hop_decay": "multiplicative"}]
)
def test_a_padded_batch_gives_the_states_and_gradients_of_a_ragged_one(changes: dict[str, object]) -> None:
    rows, everything = rows_of(2), None
    everything = np.arange(rows.num_rows)
    ragged, _ = rows_batch(rows, everything, RELATIONS, NAME_SLOTS)
    padded, places = rows_batch(rows, everything, RELATIONS, NAME_SLOTS, static_sizes(rows))
    assert padded.is_static
    assert sorted(places[places >= 0].tolist()) == list(range(len(rows.leaf_row)))
    found = []
    for batch in (ragged, padded):
        model = make_model(3, **changes)
        hidden = model(batch)
        (hidden * (batch.document > 0)[..., None]).square().sum().backward()
        found.append((hidden.detach(), [weight.grad for weight in model.encoder.parameters()]))
    inside = ragged.document > 0
    assert torch.allclose(found[0][0][inside], found[1][0][inside], atol=1e-5)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        assert torch.allclose(one, other, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("backend", ["index", "one-hot"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_bias_equals_a_float64_reference_in_value_and_gradient(
    backend: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "PAIRS_AT_ONCE", 5)  # so that a row has several portions
    rows = rows_of(5)
    sizes = static_sizes(rows) if backend == "one-hot" else None
    batch, _ = rows_batch(rows, np.arange(rows.num_rows), RELATIONS, NAME_SLOTS, sizes)
    model = make_model(5)
    bias, _ = model.encoder.bias(batch, dtype)
    offset, relation = model.encoder.bias.offset_H, model.encoder.bias.relation_KH
    exact = [weight.detach().double().requires_grad_() for weight in (offset, relation)]
    distance = hops(batch.root, batch.slot, batch.leaf)
    reference = hop_decay(distance, 0.6, exact[0])
    other = batch.document[:, None, :, None] != batch.document[:, None, None, :]
    reference = reference + torch.where(other, -1.0e4, 0.0)
    pairs = torch.zeros(*bias.shape, dtype=torch.float64)
    for row, query, key, kind in zip(batch.pair_row, batch.pair_query, batch.pair_key, batch.pair_kind, strict=True):
        if kind == 0:
            continue
        chosen = torch.zeros_like(pairs[:, 0])
        chosen[row, query, key] = 1.0
        pairs = pairs + chosen[:, None] * exact[1][kind][None, :, None, None]
    reference = reference + pairs
    weight = torch.randn(bias.shape, generator=torch.Generator().manual_seed(0))
    inside = ~other.expand_as(bias)
    value, gradient = BIAS_TOLERANCES[dtype]
    assert torch.allclose(bias[inside].double(), reference[inside], rtol=value, atol=value)
    assert (bias[~inside] < 0.9 * attention.OTHER_DOCUMENT).all()
    (bias * weight).sum().backward()
    (reference * weight.double()).sum().backward()
    for one, expected in ((offset, exact[0]), (relation, exact[1])):
        assert (one.grad.double() - expected.grad).norm() <= gradient * expected.grad.norm()


def test_normalisation_equals_a_float64_reference_in_value_and_gradient() -> None:
    torch.manual_seed(0)
    x, norm = torch.randn(3, 5, 16, requires_grad=True), RMSNorm(16)
    torch.nn.init.normal_(norm.weight)
    exact, weight = x.detach().double().requires_grad_(), norm.weight.detach().double().requires_grad_()
    reference = exact / (exact.square().mean(-1, keepdim=True) + 1e-6).sqrt() * weight
    check_equal(norm(x), reference, (x, norm.weight), (exact, weight), 1e-5)


def test_activations_that_are_computed_again_give_the_same_gradients() -> None:
    rows = rows_of(6)
    batch, _ = rows_batch(rows, np.arange(rows.num_rows), RELATIONS, NAME_SLOTS)
    gradients = []
    for again in (False, True):
        model = make_model(6, hgat_dropout=0.0).train()
        model.encoder.checkpoint_blocks = again
        model(batch).square().sum().backward()
        gradients.append([weight.grad for weight in model.encoder.parameters()])
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_the_relation_of_a_leaf_changes_its_states_and_nothing_in_other_documents() -> None:
    split, entities, model = make_split(1), make_entities(1), make_model(1)
    everything = np.arange(split.num_samples)
    selection = draw_leaves(split, everything, LeafDraw(3, 2, 0.0, 0.3, 0.0), np.random.default_rng(1))
    rows = assemble(split, entities, selection, 96)
    batch, _ = rows_batch(rows, np.arange(rows.num_rows), RELATIONS, NAME_SLOTS)
    with torch.no_grad():
        before = model(batch)
    row, start = rows.leaf_row[0], rows.leaf_start[0]
    rows.leaf_relation[0] = 3
    changed, _ = rows_batch(rows, np.arange(rows.num_rows), RELATIONS, NAME_SLOTS)
    with torch.no_grad():
        after = model(changed)
    same_document = (batch.document == batch.document[row, start]) & (torch.arange(rows.num_rows) == row)[:, None]
    assert not torch.allclose(before[row, start], after[row, start], atol=1e-4)
    assert torch.equal(before[~same_document], after[~same_document])


def test_reversed_code_gives_other_states() -> None:
    model = make_model()
    for block in model.encoder.blocks:
        torch.nn.init.normal_(block.qkv.weight)  # at its initial scale attention hardly looks anywhere
    token = torch.tensor([[7, 8, 9, 10, 11]])
    with torch.no_grad():
        forth, back = model(plain_batch(token))[0], model(plain_batch(token.flip(1).contiguous()))[0]
    assert not torch.allclose(forth, back.flip(0), atol=1e-3)


def texts_of(seed: int, count: int, longest: int) -> np.ndarray:
    """Random texts of 0 to `longest` tokens, [PAD] at the end."""
    rng = np.random.default_rng(seed)
    token = rng.integers(5, VOCABULARY, (count, longest))
    return np.where(np.arange(longest) < rng.integers(0, longest + 1, (count, 1)), token, PAD)


@pytest.mark.parametrize("is_static", [False, True])
def test_texts_that_share_rows_have_the_vectors_of_each_alone(is_static: bool) -> None:
    model = make_model()
    kinds = [texts_of(0, 30, 12), texts_of(1, 7, 70), texts_of(2, 0, 5)]
    with torch.no_grad():
        together = model.text_vectors(packed_texts(kinds, is_static))
        alone = [model.text_vectors(packed_texts([text[None, :]])) for kind in kinds for text in kind]
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)
    empty = torch.tensor([bool((text == PAD).all()) for kind in kinds for text in kind])
    assert empty.any()
    assert torch.equal(together.norm(dim=1).round(), (~empty).float())


def test_a_text_vector_is_the_normed_mean_over_its_own_tokens() -> None:
    model = make_model(use_lexical_skip=False)
    token = texts_of(3, 6, 9)
    token[:, 0] = 7
    with torch.no_grad():
        vectors = model.text_vectors(packed_texts([token]))
        for text, vector in zip(token, vectors, strict=True):
            hidden = model(plain_batch(torch.from_numpy(text[text != PAD])[None]))
            expected = torch.nn.functional.normalize(model.key(hidden.mean(dim=1)), dim=-1)[0]
            assert torch.allclose(vector, expected, atol=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_no_texts_need_more_rows_than_their_number_and_widths_allow(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = [texts_of(seed * 10 + kind, int(rng.integers(1, 80)), int(rng.integers(1, 100))) for kind in range(3)]
    rows = packed_texts(kinds)
    size = rows.batch.token.shape[1]
    assert len(rows.batch.token) <= most_rows([kind.shape for kind in kinds], size)
    full = [np.full(kind.shape, 7) for kind in kinds]
    assert len(packed_texts(full).batch.token) <= most_rows([kind.shape for kind in kinds], size)
    assert packed_texts(full, True).batch.token.shape == packed_texts(kinds, True).batch.token.shape


def test_short_texts_share_rows_that_have_few_places_left_over() -> None:
    rows = packed_texts([texts_of(0, 400, 24)])
    assert (rows.batch.token != PAD).float().mean() > 0.95


def test_link_loss_never_counts_a_known_tail_as_a_negative() -> None:
    logits, target, weight = torch.tensor([[0.0, 1.0]]), torch.tensor([0]), torch.ones(1)
    with_rival = link_sum(logits, target, torch.tensor([[False, False]]), weight)
    without = link_sum(logits, target, torch.tensor([[False, True]]), weight)
    assert with_rival.item() == pytest.approx(math.log(1 + math.e), abs=1e-6)
    assert without.item() == pytest.approx(0.0, abs=1e-6)


def test_a_names_likelihood_is_the_product_over_its_slots() -> None:
    torch.manual_seed(0)
    logits = torch.randn(1, 2, 5)
    names = torch.tensor([[1, 2], [4, 0]])
    probability = torch.softmax(logits[0], dim=-1)
    expected = [float(probability[0, 1] * probability[1, 2]), float(probability[0, 4] * probability[1, 0])]
    assert name_log_likelihood(logits, names)[0].exp().tolist() == pytest.approx(expected, rel=1e-5)
