"""CodeBERT, UniXcoder and other RoBERTa encoders as a scorer of one's own; needs the optional extra [hf].

    python stages/eval.py --scorer graphmer.evaluate.hf_scorer:HuggingFaceScorer \
        --scorer-options microsoft/codebert-base-mlm --out tries/codebert

Not run here on those weights: tested on a RoBERTa of random weights that the test builds.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphmer.errors import EvaluationError
from graphmer.evaluate.own_scorer import Blanks, Candidate, FloatArray, LinkQuestion

MAX_TOKENS = 512  # of RoBERTa's positions
TEXTS_AT_ONCE = 16
NAME_TOKENS = 4  # masks that a name gets at most; longer ones are scored by their first tokens
ENCODER_ONLY = "<encoder-only>"  # UniXcoder's mark of this mode (arXiv 2203.03850)
HIDDEN_MARK, MASK_MARK = "[HIDDEN]", "[MASK]"


class HuggingFaceScorer:
    """Vectors: the mean of the last layer over a text's tokens, of unit length.

    With a masked-language head a candidate's score is a pseudo-likelihood: the mean log-probability of its name's
    tokens, each at its own mask, the others masked too; a name of k tokens (NAME_TOKENS at most) is scored where k
    masks stand. Without one it is the cosine of the window and the candidate's description.
    """

    def __init__(self, packed: Path, options: str) -> None:
        """options: a folder with model and tokenizer, or a name of the hub. packed is not read."""
        try:
            import transformers
        except ImportError:
            raise EvaluationError("transformers is not installed; pip install 'graphmer-se[hf]'") from None
        if not options:
            raise EvaluationError("no model; name its folder or its name of the hub by --scorer-options")
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(options)
        config = transformers.AutoConfig.from_pretrained(options)
        architectures = config.architectures or []
        self.has_head = any(name.endswith("ForMaskedLM") for name in architectures)
        load = transformers.AutoModelForMaskedLM if self.has_head else transformers.AutoModel
        self.model = load.from_pretrained(options).eval()
        # RoBERTa counts positions from padding_idx + 1, so two of them are never used.
        self.max_tokens = min(MAX_TOKENS, int(config.max_position_embeddings) - 2)
        known = self.tokenizer.get_vocab()
        self.prefix = [self.tokenizer.cls_token_id]
        if ENCODER_ONLY in known:
            self.prefix += [known[ENCODER_ONLY], self.tokenizer.sep_token_id]
        self._vectors: dict[str, FloatArray] = {}
        self._names: dict[str, list[list[int]]] = {}

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(n, width) unit vectors."""
        room = self.max_tokens - len(self.prefix) - 1
        rows = [self._wrapped(self._ids(text)[:room]) for text in texts]
        parts = [self._means(rows[start : start + TEXTS_AT_ONCE]) for start in range(0, len(rows), TEXTS_AT_ONCE)]
        width = int(self.model.config.hidden_size)
        return np.concatenate(parts) if parts else np.zeros((0, width), np.float32)

    def link(self, questions: Sequence[LinkQuestion]) -> list[FloatArray]:
        """Pseudo-likelihood of each candidate's name at the mention; without a head, cosine to its description."""
        return [self._likelihoods(one) if self.has_head else self._cosines(one) for one in questions]

    def fill(self, blanks: Sequence[Blanks]) -> list[list[str]]:
        """The likeliest text at each blank.

        A blank of the BPE is one mask of this model's; the answer is the token's text without the space before it, so a
        token of ours that this tokenizer splits is lost. A whole name gets one to NAME_TOKENS masks, and the number
        whose tokens are likeliest on average. Without a masked-language head every answer is empty.
        """
        return [self._filled(blank) if self.has_head else [""] * blank.count for blank in blanks]

    def _filled(self, blank: Blanks) -> list[str]:
        pieces = blank.text.split(MASK_MARK)
        if len(pieces) != blank.count + 1:  # the code itself holds the mark: nobody can tell which is the blank
            return [""] * blank.count
        if not blank.whole_names:
            log, best = self._log_probabilities(pieces, 1).max(dim=1)
            return [self._word([token]) for token in best.tolist()] if len(log) else []
        guesses = []
        for masks in range(1, NAME_TOKENS + 1):
            log, best = self._log_probabilities(pieces, masks).max(dim=1)
            guesses.append((float(log.mean()), self._word(best.tolist())))
        return [max(guesses)[1]]

    def _word(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids)).strip()

    def _likelihoods(self, question: LinkQuestion) -> FloatArray:
        names = self._name_ids(question)
        pieces = [question.text[: question.start], question.text[question.end :]]
        scores = np.zeros(len(names), np.float32)
        for masks in sorted({len(name) for name in names}):
            mine = [place for place, name in enumerate(names) if len(name) == masks]
            log = self._log_probabilities(pieces, masks)
            token = torch.tensor([names[place] for place in mine])
            scores[mine] = log[torch.arange(masks), token].mean(dim=1).numpy()
        return scores

    def _cosines(self, question: LinkQuestion) -> FloatArray:
        if question.pool not in self._vectors:
            self._vectors[question.pool] = self.embed([_described(one) for one in question.candidates])
        cosine: FloatArray = self._vectors[question.pool] @ self.embed([question.text])[0]
        return cosine

    def _name_ids(self, question: LinkQuestion) -> list[list[int]]:
        """Tokens of each candidate's name, one at least."""
        if question.pool not in self._names:
            ids = [self._ids(one.name)[:NAME_TOKENS] for one in question.candidates]
            self._names[question.pool] = [row or [self.tokenizer.unk_token_id] for row in ids]
        return self._names[question.pool]

    def _ids(self, text: str) -> list[int]:
        plain = text.replace(HIDDEN_MARK, self.tokenizer.unk_token)
        ids = self.tokenizer(plain, add_special_tokens=False, verbose=False)["input_ids"]
        return [int(token) for token in ids]

    def _wrapped(self, ids: list[int]) -> list[int]:
        return [*self.prefix, *ids, self.tokenizer.sep_token_id]

    @torch.inference_mode()
    def _log_probabilities(self, pieces: Sequence[str], masks: int) -> Tensor:
        """(masks of all gaps, V) log-probabilities where each gap between two pieces holds `masks` masks.

        The text is cut at both ends, as far from the first and the last gap as fits.
        """
        ids = [self._ids(piece) for piece in pieces]
        gap = [self.tokenizer.mask_token_id] * masks
        middle = [token for row in ids[1:-1] for token in [*row, *gap]]
        room = self.max_tokens - len(self.prefix) - 1 - len(gap) - len(middle)
        if room < 0:
            return torch.full(((len(pieces) - 1) * masks, int(self.model.config.vocab_size)), -20.0)
        left = max(room - len(ids[-1]), room // 2)
        before = ids[0][len(ids[0]) - min(left, len(ids[0])) :]
        row = self._wrapped([*before, *gap, *middle, *ids[-1][: room - len(before)]])
        token = torch.tensor([row])
        logits = self.model(input_ids=token, attention_mask=torch.ones_like(token)).logits[0]
        return torch.log_softmax(logits[token[0] == self.tokenizer.mask_token_id].float(), dim=-1)

    @torch.inference_mode()
    def _means(self, rows: list[list[int]]) -> FloatArray:
        width = max(map(len, rows))
        token = torch.full((len(rows), width), int(self.tokenizer.pad_token_id))
        for place, row in enumerate(rows):
            token[place, : len(row)] = torch.tensor(row)
        filled = torch.arange(width)[None, :] < torch.tensor([len(row) for row in rows])[:, None]
        hidden = self._body()(input_ids=token, attention_mask=filled.long()).last_hidden_state.float()
        mean = (hidden * filled[..., None]).sum(dim=1) / filled.sum(dim=1, keepdim=True)
        vectors: FloatArray = torch.nn.functional.normalize(mean, dim=1).numpy()
        return vectors

    def _body(self) -> Any:
        return self.model.base_model if self.has_head else self.model


def _described(candidate: Candidate) -> str:
    return f"{candidate.kind} {candidate.qualified_name}{candidate.signature}"
