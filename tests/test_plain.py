"""A trained model on plain text."""

from pathlib import Path

import numpy as np
import pytest
from packed import write_packed
from test_train import run

from graphmer.errors import ArtifactError
from graphmer.model.plain import CodeEncoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("plain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPHMER_THREADS", "1")
        patch.setenv("GRAPHMER_DEVICE", "cpu")
        run(write_packed(base / "packed"), base)
    return base / "model"


def test_a_folder_alone_gives_unit_vectors_that_do_not_depend_on_the_company(folder: Path) -> None:
    encoder = CodeEncoder.load(folder)
    texts = ["def word0(word1):", "return word2(word3) + word0", "", "word1"]
    together = encoder.embed(texts)
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    for index, text in enumerate(texts):
        assert np.allclose(encoder.embed([text])[0], together[index], atol=1e-5)


def test_each_gap_gets_guesses_in_the_order_of_their_probability(folder: Path) -> None:
    gaps = CodeEncoder.load(folder).fill("def [MASK](word1): return [MASK]", count=3)
    assert [len(guesses) for guesses in gaps] == [3, 3]
    for guesses in gaps:
        values = [value for _, value in guesses]
        assert values == sorted(values, reverse=True)
        assert 0 < sum(values) <= 1


def test_a_text_without_a_gap_or_too_long_is_refused(folder: Path) -> None:
    encoder = CodeEncoder.load(folder)
    with pytest.raises(ValueError, match=r"expected a \[MASK\]"):
        encoder.fill("return word1")
    with pytest.raises(ValueError, match="at most 192 tokens"):
        encoder.fill("word1 " * 300 + "[MASK]")


def test_an_unexpected_weight_is_refused(folder: Path, tmp_path: Path) -> None:
    import json
    import shutil

    from safetensors.torch import load_file, save_file

    from graphmer.artifacts import sha256_file

    other = shutil.copytree(folder, tmp_path / "model")
    weights = load_file(other / "model.safetensors")
    save_file({**weights, "more": weights["token_bias_V"].clone()}, other / "model.safetensors")
    config = json.loads((other / "config.json").read_text())
    config["files"]["model.safetensors"] = sha256_file(other / "model.safetensors")
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(ArtifactError, match="more"):
        CodeEncoder.load(other)
