"""The bias' gradient through one block drawn at random, and compiled blocks: the same model either way."""

import numpy as np
import pytest
import torch
from test_model import NAME_SLOTS, RELATIONS, make_model, rows_of
from torch._dynamo.testing import CompileCounterWithBackend

from graphmer.model.batch import Batch, plain_batch, rows_batch
from graphmer.model.heads import GraphMER


def shown() -> Batch:
    rows = rows_of(2)
    return rows_batch(rows, np.arange(rows.num_rows), RELATIONS, NAME_SLOTS)[0]


def gradients(model: GraphMER, seed: int) -> dict[str, torch.Tensor]:
    model.zero_grad()
    torch.manual_seed(seed)
    (model(shown()).square() * weights(model)).sum().backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


def weights(model: GraphMER) -> torch.Tensor:
    torch.manual_seed(7)
    return torch.randn(model.encoder.params.width)


def one_layer(layers: int) -> GraphMER:
    model = make_model(layers=layers, hgat_dropout=0.0).train()
    model.encoder.bias_gradient = "one_layer"
    return model


def test_one_blocks_gradient_times_their_number_has_the_mean_of_all_blocks() -> None:
    model = one_layer(3)
    drawn = [gradients(model, seed) for seed in range(60)]
    of_bias = [name for name in drawn[0] if name.startswith("encoder.bias")]
    assert of_bias
    model.encoder.bias_gradient = "every_layer"
    exact = gradients(model, 0)
    for name in of_bias:
        different = {tuple(one[name].flatten().tolist()) for one in drawn}
        assert len(different) == 3  # one for each block
        mean = torch.tensor(list(different)).mean(dim=0).view_as(exact[name])
        assert torch.allclose(mean, exact[name], rtol=1e-4, atol=1e-7)


def test_every_other_weight_has_the_same_gradient_whichever_block_is_drawn() -> None:
    model = one_layer(3)
    one, other = gradients(model, 0), gradients(model, 5)
    model.encoder.bias_gradient = "every_layer"
    exact = gradients(model, 0)
    for name, grad in exact.items():
        if not name.startswith("encoder.bias"):
            assert torch.allclose(one[name], grad, atol=1e-6)
            assert torch.allclose(other[name], grad, atol=1e-6)


def test_hidden_states_do_not_depend_on_where_the_gradient_goes() -> None:
    model = one_layer(2)
    ahead = model(shown())
    model.encoder.bias_gradient = "every_layer"
    assert torch.equal(ahead, model(shown()))


@pytest.mark.parametrize("bias_gradient", ["every_layer", "one_layer"])
def test_compiled_blocks_are_one_graph_for_any_number_of_rows_and_give_the_same(bias_gradient: str) -> None:
    torch._dynamo.reset()
    model = make_model(layers=3).train()
    model.encoder.bias_gradient = bias_gradient  # type: ignore[assignment]
    graphs = 2 if bias_gradient == "one_layer" else 1  # with a gradient of the bias, and without
    batches = [plain_batch(torch.randint(5, 50, (rows, 64))) for rows in (8, 5, 13)]
    plain = [model(batch) for batch in batches]
    counter = CompileCounterWithBackend("aot_eager")
    model.encoder.compile_blocks(counter)
    for batch, expected in zip(batches, plain, strict=True):
        hidden = model(batch)
        hidden.sum().backward()
        assert torch.allclose(hidden, expected, atol=1e-5)
    assert counter.frame_count == graphs
    model(plain_batch(torch.randint(5, 50, (4, 32)))).sum().backward()
    assert counter.frame_count == 2 * graphs  # another width is worth graphs of its own
    model.eval()
    with torch.inference_mode():
        model(plain_batch(torch.randint(5, 50, (4, 17))))
    assert counter.frame_count == 2 * graphs  # what does not train is not compiled
    torch._dynamo.reset()
