"""A trained model on plain code: no graph, no packed data, just its folder and some text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from graphmer.model.batch import plain_batch
from graphmer.model.checkpoint import load_model
from graphmer.model.heads import GraphMER
from graphmer.model.inference import FloatArray, text_vectors
from graphmer.pack.tokenizer import HIDDEN, MASK, PAD, CodeTokenizer

MASK_MARK = "[MASK]"


class CodeEncoder:
    """Vectors of code or words, and the tokens that fit a gap.

    encoder = CodeEncoder.load(Path("data/model"))
    encoder.embed(["def area(side): return side * side", "square of a side"])   # (2, D) unit vectors
    encoder.fill("return [MASK] * side")                                        # a guess for each [MASK]
    """

    def __init__(
        self, model: GraphMER, tokenizer: CodeTokenizer, max_tokens: int = 192, rows_at_once: int = 32
    ) -> None:
        """max_tokens: of a text, the rest is cut. rows_at_once: bounds memory only."""
        self.model, self.tokenizer = model.eval(), tokenizer
        self.max_tokens, self.rows_at_once = max_tokens, rows_at_once

    @classmethod
    def load(cls, folder: Path) -> "CodeEncoder":
        """Read a trained model's folder; raises ArtifactError where a file is missing, damaged or of another shape."""
        return cls(load_model(folder), CodeTokenizer.load(folder / "tokenizer.json"))

    def embed(self, texts: Sequence[str], has_marks: bool = False) -> FloatArray:
        """(n, D) unit vectors; a text without a token gives the vector of an empty window.

        has_marks: `[HIDDEN]` stands for a hidden name, as in an evaluation's questions; else it is code like any other.
        """
        found = self.tokenizer.batch_marked_ids(texts) if has_marks else self.tokenizer.batch_ids(list(texts))
        ids = [row[: self.max_tokens] or [HIDDEN] for row in found]
        order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
        token = np.full((len(ids), max(map(len, ids), default=1)), PAD, np.int32)
        for place, index in enumerate(order):
            token[place, : len(ids[index])] = ids[index]
        vectors = np.empty((len(ids), self.model.encoder.params.width), np.float32)
        vectors[order] = text_vectors(self.model, token, self.rows_at_once)
        return vectors

    @torch.inference_mode()
    def fill(self, text: str, count: int = 5) -> list[list[tuple[str, float]]]:
        """For each [MASK] of a text, the `count` likeliest tokens with their probabilities, the likeliest first.

        Raises ValueError where the text holds no [MASK] or is longer than max_tokens.
        """
        ids: list[int] = []
        for index, part in enumerate(self.tokenizer.batch_marked_ids(text.split(MASK_MARK))):
            ids += [MASK] * (index > 0) + part
        gaps = [place for place, token in enumerate(ids) if token == MASK]
        if not gaps or len(ids) > self.max_tokens:
            raise ValueError(f"text: expected a {MASK_MARK} and at most {self.max_tokens} tokens, got {len(ids)}")
        batch = plain_batch(torch.tensor([ids])).to(self.model.token_bias_V.device)
        probability = torch.softmax(self.model.token_logits(self.model(batch)[0, gaps]).float(), dim=-1)
        best = probability.topk(min(count, probability.shape[1]))
        return [
            [(self.tokenizer.decode_name([token]), value) for token, value in zip(tokens, values, strict=True)]
            for tokens, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]
