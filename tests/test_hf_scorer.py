"""The Hugging Face adapter on a RoBERTa of random weights that is built here: no download, no claim on real weights."""

from pathlib import Path

import numpy as np
import pytest

transformers = pytest.importorskip(
    "transformers", reason="transformers is the optional extra [hf]; requirements.txt pins it"
)

import torch  # noqa: E402

from graphmer.errors import EvaluationError  # noqa: E402
from graphmer.evaluate.hf_scorer import HuggingFaceScorer  # noqa: E402
from graphmer.evaluate.own_scorer import Blanks, Candidate, LinkQuestion, OwnSpec, load_own_scorer  # noqa: E402

TEXTS = ["def open_door(path): return path.door", "def close_gate(path): return path.gate"] * 4
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def saved(folder: Path, head: bool, extra: tuple[str, ...] = ()) -> str:
    """A tiny RoBERTa with its tokenizer, as save_pretrained writes them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    inner = Tokenizer(models.BPE(unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    specials = [*SPECIALS, *extra]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    inner.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=400, special_tokens=specials, initial_alphabet=alphabet)
    )
    names = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>"}
    rest = {"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"}
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=inner, **names, **rest)
    config = transformers.RobertaConfig(
        vocab_size=inner.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=66,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    torch.manual_seed(0)
    model = transformers.RobertaForMaskedLM(config) if head else transformers.RobertaModel(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def with_head(tmp_path_factory: pytest.TempPathFactory) -> HuggingFaceScorer:
    return HuggingFaceScorer(Path("packed"), saved(tmp_path_factory.mktemp("mlm"), head=True))


@pytest.fixture(scope="module")
def without_head(tmp_path_factory: pytest.TempPathFactory) -> HuggingFaceScorer:
    return HuggingFaceScorer(Path("packed"), saved(tmp_path_factory.mktemp("plain"), head=False))


def question(text: str = "def f(path):\n    return [HIDDEN](path)\n") -> LinkQuestion:
    start = text.index("[HIDDEN]")
    names = ("door", "gate", "open_door", "é")
    candidates = tuple(Candidate(name, "Function", f"m.{name}", "(path)", False) for name in names)
    return LinkQuestion(text, start, start + 8, "calls", "python", "p:7", candidates, ())


def test_vectors_are_unit_means_over_a_texts_own_tokens(with_head):
    together = with_head.embed(["def f", "a much longer text than the first one is"])
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.allclose(together[0], with_head.embed(["def f"])[0], atol=1e-5)  # padding says nothing
    ids = torch.tensor([[0, *with_head._ids("def f"), 2]])
    with torch.inference_mode():
        mean = with_head.model.base_model(input_ids=ids).last_hidden_state[0].mean(dim=0)
    assert np.allclose(together[0], (mean / mean.norm()).numpy(), atol=1e-5)


def test_a_names_pseudo_likelihood_is_that_of_its_tokens_at_as_many_masks(with_head):
    asked = question()
    found = with_head.link([asked])[0]
    before, after = with_head._ids(asked.text[: asked.start]), with_head._ids(asked.text[asked.end :])
    for place, candidate in enumerate(asked.candidates):
        name = with_head._ids(candidate.name)[:4]
        row = torch.tensor([[0, *before, *[4] * len(name), *after, 2]])
        with torch.inference_mode():
            log = torch.log_softmax(with_head.model(input_ids=row).logits[0], dim=-1)
        slow = np.mean([float(log[1 + len(before) + step, token]) for step, token in enumerate(name)])
        assert found[place] == pytest.approx(slow, abs=1e-4)


def test_without_a_head_a_candidate_is_as_near_as_its_description(without_head):
    found = without_head.link([question()])[0]
    window, door = without_head.embed(["def f(path):\n    return [HIDDEN](path)\n", "Function m.door(path)"])
    assert found[0] == pytest.approx(float(window @ door), abs=1e-5)
    assert without_head.fill([Blanks("a [MASK] b [MASK]", 2, False)]) == [["", ""]]


def test_each_blank_gets_a_token_and_a_name_its_likeliest_length(with_head):
    tokens, names = with_head.fill(
        [Blanks("def [MASK](path): return [MASK]", 2, False), Blanks("x = [MASK]()", 1, True)]
    )
    assert len(tokens) == 2
    assert len(names) == 1
    assert all(isinstance(word, str) for word in tokens + names)


def test_a_long_window_is_cut_around_its_hole(with_head):
    long = "value = path + 1\n" * 60
    found = with_head.link([question(f"{long}y = [HIDDEN](path)\n{long}")])[0]
    assert np.isfinite(found).all()
    assert len(np.unique(found)) > 1
    crowded = Blanks(" x y z ".join(["[MASK]"] * 60), 59, False)
    assert len(with_head.fill([crowded])[0]) == 59
    assert with_head.embed([long]).shape == (1, 16)


def test_unixcoders_mark_goes_before_every_text(tmp_path):
    scorer = HuggingFaceScorer(Path("packed"), saved(tmp_path, head=False, extra=("<encoder-only>",)))
    assert scorer.prefix == [0, 5, 2]


def test_a_model_that_is_not_there_is_one_line(tmp_path):
    spec = OwnSpec("graphmer.evaluate.hf_scorer:HuggingFaceScorer", "")
    with pytest.raises(EvaluationError, match="no model; name its folder"):
        load_own_scorer(spec, Path("packed"))
    nowhere = spec._replace(options=str(tmp_path / "nowhere"))
    with pytest.raises(EvaluationError, match=r"HuggingFaceScorer\(packed, options\) failed with") as caught:
        load_own_scorer(nowhere, Path("packed"))
    assert "\n" not in str(caught.value)
