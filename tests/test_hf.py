"""A trained model behind AutoModel and AutoTokenizer."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from graphmer import GraphMER
from graphmer.errors import ArtifactError
from graphmer.model.batch import plain_batch
from graphmer.model.checkpoint import load_model
from graphmer.model.compact import compact
from graphmer.pack.tokenizer import CodeTokenizer

transformers = pytest.importorskip(
    "transformers", reason="transformers is the optional extra [hf]; requirements.txt pins it"
)

TEXTS = [
    "def area(side):\n    return side * side\n",
    "square of a side",
    "größe = 1",
    "x",
    "a = '[PAD]' [MASK]",
    "[HIDDEN]",
    "value += other * third\n" * 80,
]


@pytest.fixture(scope="module")
def exported(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from graphmer.index.hf import export

    out = tmp_path_factory.mktemp("hf") / "exported"
    export(made / "data/model", out)
    return out


def test_the_auto_classes_give_the_vectors_of_the_api(made: Path, exported: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(exported)
    model = transformers.AutoModel.from_pretrained(exported).eval()
    with torch.no_grad():
        found = model(**tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt"))
    expected = GraphMER.from_pretrained(made / "data/model").encode(TEXTS)
    assert np.allclose(found.pooler_output.numpy(), expected, atol=1e-5)
    assert found.last_hidden_state.shape[2] == model.config.hidden_size == expected.shape[1]


def test_every_weight_is_the_models_own(made: Path, exported: Path) -> None:
    own = load_model(made / "data/model").state_dict()
    theirs = transformers.AutoModel.from_pretrained(exported).net.state_dict()
    assert theirs.keys() == own.keys()
    assert all(torch.equal(theirs[name], own[name]) for name in own)


def test_a_compact_model_is_exported_whole(made: Path, tmp_path: Path) -> None:
    from graphmer.index.hf import export

    compact(made / "data/model", tmp_path / "compact", 4)
    export(tmp_path / "compact", tmp_path / "exported")
    own = load_model(tmp_path / "compact").state_dict()
    for theirs in (
        transformers.AutoModel.from_pretrained(tmp_path / "exported").net.state_dict(),
        load_model(tmp_path / "exported").state_dict(),
    ):
        assert theirs.keys() == own.keys()
        assert all(torch.equal(theirs[name], own[name]) for name in own)


def test_texts_are_cut_into_the_models_own_tokens(made: Path, exported: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(exported)
    own = CodeTokenizer.load(made / "data/model/tokenizer.json")
    for text in TEXTS:
        assert tokenizer(text)["input_ids"] == own.ids(text)
    assert tokenizer.pad_token_id == 0


@pytest.mark.parametrize("side", ["right", "left"])
def test_hidden_states_are_the_encoders_own_whatever_the_padding(made: Path, exported: Path, side: str) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(exported)
    asked = tokenizer(TEXTS, padding=True, padding_side=side, return_tensors="pt")
    own = load_model(made / "data/model").eval()
    with torch.no_grad():
        hidden = transformers.AutoModel.from_pretrained(exported)(**asked).last_hidden_state
        for ids, row, filled in zip(asked["input_ids"], hidden, asked["attention_mask"].bool(), strict=True):
            assert torch.allclose(row[filled], own(plain_batch(ids[filled][None]))[0], atol=1e-5)


def test_the_exported_folder_is_a_model_of_this_project_too(made: Path, exported: Path) -> None:
    expected = GraphMER.from_pretrained(made / "data/model").encode(TEXTS)
    assert np.array_equal(GraphMER.from_pretrained(exported).encode(TEXTS), expected)


def test_a_model_that_was_saved_and_read_again_is_the_same_and_can_be_trained(exported: Path, tmp_path: Path) -> None:
    model = transformers.AutoModel.from_pretrained(exported)
    model.save_pretrained(tmp_path)
    again = transformers.AutoModel.from_pretrained(tmp_path)
    ids = torch.tensor([[7, 8, 9]])
    assert torch.equal(again(ids).pooler_output, model(ids).pooler_output)
    again.train()(ids).last_hidden_state.sum().backward()
    assert again.net.encoder.token.weight.grad is not None


@pytest.mark.parametrize("kind", ["missing", "unexpected"])
def test_weights_that_do_not_fit_are_refused(exported: Path, tmp_path: Path, kind: str) -> None:
    weights = load_file(exported / "model.safetensors")
    if kind == "missing":
        del weights["encoder.norm.weight"]
    else:
        weights["more"] = torch.zeros(2)
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    (tmp_path / "config.json").write_bytes((exported / "config.json").read_bytes())
    with pytest.raises(ArtifactError, match=f"{kind} keys"):
        transformers.AutoModel.from_pretrained(tmp_path)


def test_a_text_without_a_token_has_zeros(exported: Path) -> None:
    model = transformers.AutoModel.from_pretrained(exported).eval()
    ids = torch.tensor([[0, 0], [7, 0]])
    with torch.no_grad():
        vectors = model(ids).pooler_output
        masked = model(torch.tensor([[7, 9]]), attention_mask=torch.tensor([[1, 0]])).pooler_output
    assert not vectors[0].any()
    assert torch.allclose(vectors[1].norm(), torch.ones(()))
    assert torch.allclose(masked[0], vectors[1], atol=1e-6)


def test_an_export_replaces_an_earlier_one_and_nothing_else(made: Path, exported: Path, tmp_path: Path) -> None:
    from graphmer.index.hf import export

    export(made / "data/model", exported)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="holds something else"):
        export(made / "data/model", tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_without_the_extra_the_error_names_it() -> None:
    check = "import sys; sys.modules['transformers'] = None; import graphmer.index.hf"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'graphmer-se[hf]'" in done.stderr.splitlines()[-1]
