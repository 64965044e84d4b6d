"""A trained model behind AutoModel and AutoTokenizer."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from graphmer import GraphMER
from graphmer.errors import ArtifactError
from graphmer.model.checkpoint import load_model
from graphmer.pack.tokenizer import CodeTokenizer

transformers = pytest.importorskip(
    "transformers", reason="transformers is the optional extra [hf]; requirements.txt pins it"
)

TEXTS = ["def area(side):\n    return side * side\n", "square of a side", "größe = 1", "x"]


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
        found = model(**tokenizer(TEXTS, padding=True, return_tensors="pt"))
    expected = GraphMER.from_pretrained(made / "data/model").encode(TEXTS)
    assert np.allclose(found.pooler_output.numpy(), expected, atol=1e-5)
    assert found.last_hidden_state.shape[2] == model.config.hidden_size == expected.shape[1]


def test_every_weight_is_the_models_own(made: Path, exported: Path) -> None:
    own = load_model(made / "data/model").state_dict()
    theirs = transformers.AutoModel.from_pretrained(exported).net.state_dict()
    assert theirs.keys() == own.keys()
    assert all(torch.equal(theirs[name], own[name]) for name in own)


def test_texts_are_cut_into_the_models_own_tokens(made: Path, exported: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(exported)
    own = CodeTokenizer.load(made / "data/model/tokenizer.json")
    for text in TEXTS:
        assert tokenizer(text)["input_ids"] == own.ids(text)
    assert tokenizer.pad_token_id == 0


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
