"""A model in fewer bits: it loads as any other, each weight within half a step of what it was, in small files."""

import json
from pathlib import Path

import pytest
import torch

from graphmer.artifacts import sha256_tree
from graphmer.errors import ArtifactError
from graphmer.model import compact as compacting
from graphmer.model.checkpoint import load_model, model_digest
from graphmer.model.compact import compact
from graphmer.model.stored import GROUP, Bits, fewer_bits, pieces, whole_weights


def worst_steps(weight: torch.Tensor, bits: Bits) -> torch.Tensor:
    """(R, C) half a step of each weight: of half precision, or of its group's scale, itself rounded to half."""
    if bits == 16 or weight.dim() != 2:
        return weight.abs() * 2**-11 + 2**-25
    most = 2 ** (bits - 1) - 1
    groups = [part.abs().amax(dim=1, keepdim=True).expand_as(part) for part in weight.split(GROUP, dim=1)]
    largest = torch.cat(groups, dim=1)
    return largest / most * 0.5 + largest * 2**-11 + 2**-25 * most


@pytest.mark.parametrize("bits", [16, 8, 4])
def test_each_weight_comes_back_within_half_a_step(bits: Bits) -> None:
    torch.manual_seed(1)
    weights = {
        "matrix": torch.randn(5, 150),
        "narrow": torch.randn(7, 2) * 1e-3,
        "zeros": torch.zeros(3, 64),
        "norm": torch.randn(33),
        "odd": torch.randn(4, 9),
    }
    found = whole_weights(fewer_bits(weights, bits), bits)
    assert found.keys() == weights.keys()
    for name, weight in weights.items():
        assert found[name].dtype == torch.float32
        kept = 16 if name == "odd" else bits
        assert ((found[name] - weight).abs() <= worst_steps(weight, kept)).all(), name


def test_four_bits_lie_two_in_a_byte_the_first_in_the_lower_half() -> None:
    stored = fewer_bits({"w": torch.tensor([[7.0, -7.0, 1.0, 0.0]])}, 4)
    assert stored["w.numbers"].tolist() == [[7 | 9 << 4, 1]]
    assert stored["w.scales"].tolist() == [[1.0]]


def test_a_weight_beyond_half_precision_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^w: a weight of 1e\+06 is beyond half precision$"):
        fewer_bits({"w": torch.tensor([1e6])}, 16)


def test_pieces_hold_every_tensor_once_in_order_within_the_bound() -> None:
    stored = {name: torch.zeros(size, dtype=torch.uint8) for name, size in zip("abcde", (4, 6, 1, 20, 3), strict=True)}
    assert [list(piece) for piece in pieces(stored, 10)] == [["a", "b"], ["c"], ["d"], ["e"]]


@pytest.mark.parametrize("bits", [16, 8, 4])
def test_a_compact_model_in_pieces_loads_as_any_other(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: Bits
) -> None:
    monkeypatch.setattr(compacting, "MOST_BYTES", 20_000)
    model, out = made / "data/model", tmp_path / "compact"
    compact(model, out, bits)
    files = sorted(path.name for path in out.iterdir())
    assert len([name for name in files if name.endswith(".safetensors")]) > 1
    assert {"config.json", "tokenizer.json", "packed.json"} < set(files)
    before, after = load_model(model).state_dict(), load_model(out, made / "data/packed").state_dict()
    assert before.keys() == after.keys()
    assert all(((after[name] - weight).abs() <= worst_steps(weight, bits)).all() for name, weight in before.items())
    assert model_digest(out) != model_digest(model)


def test_twice_the_same_bytes_and_never_over_other_files(made: Path, tmp_path: Path) -> None:
    one, two, full = tmp_path / "one", tmp_path / "two", tmp_path / "full"
    for out in (one, two, one):
        compact(made / "data/model", out, 8)
    assert sha256_tree(one) == sha256_tree(two)
    full.mkdir()
    (full / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtifactError, match="holds something else"):
        compact(made / "data/model", full, 8)
    with pytest.raises(ArtifactError, match="is compact already"):
        compact(one, two, 4)


def test_a_piece_that_is_missing_damaged_or_said_to_be_of_other_bits_is_one_line(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "compact"
    compact(made / "data/model", out, 4)
    config = json.loads((out / "config.json").read_text())
    for how in ({"bits": 5}, {"bits": 8}, "half"):
        (out / "config.json").write_text(json.dumps(config | {"weights": how}))
        with pytest.raises(ArtifactError, match=r"model\.safetensors: "):
            load_model(out)
    (out / "config.json").write_text(json.dumps(config))
    weights = out / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtifactError, match="its digest is not the one"):
        load_model(out)
    weights.unlink()
    with pytest.raises(ArtifactError, match="not found"):
        load_model(out)


def test_the_command_says_in_one_line_what_will_not_do(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["compact", str(made / "data/model"), str(tmp_path / "out"), "--bits", "4"])
    assert compacting.main() == 0
    monkeypatch.setattr("sys.argv", ["compact", str(tmp_path / "none"), str(tmp_path / "other")])
    assert compacting.main() == 1
    said = capsys.readouterr().err
    assert said.startswith("compact: ")
    assert said.count("\n") == 1
