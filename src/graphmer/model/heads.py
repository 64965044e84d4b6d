"""The whole model: the encoder, a tied token head, and vectors for windows' leaves, entities and plain text."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphmer.model.batch import Batch
from graphmer.model.config import ModelParams, Vocabulary
from graphmer.model.encoder import Encoder
from graphmer.model.norm import RMSNorm
from graphmer.model.texts import TextRows


class GraphMER(nn.Module):
    """Encoder and heads; `forward` gives hidden states and the raw token embeddings that the lexical path reads."""

    def __init__(self, params: ModelParams, vocabulary: Vocabulary) -> None:
        super().__init__()
        width = params.width
        self.encoder = Encoder(params, vocabulary)
        self.token_transform = nn.Sequential(nn.Linear(width, width), nn.GELU(), RMSNorm(width))
        self.token_bias_V = nn.Parameter(torch.zeros(vocabulary.tokens))
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        if params.use_lexical_skip:
            self.lexical = nn.Linear(width, width, bias=False)
            self.look = nn.Linear(width, width, bias=False)
            nn.init.eye_(self.lexical.weight)
        self.use_lexical_skip = params.use_lexical_skip

    def forward(self, batch: Batch) -> Tensor:
        """(B, S, D) hidden states."""
        hidden: Tensor = self.encoder(batch)
        return hidden

    def freeze_unused(self, tokens: bool, links: bool, texts: bool) -> None:
        """Take the heads that no term of an objective uses out of training: data parallelism waits for every gradient.

        tokens: masked tokens or names are predicted; links: leaves ask for entities; texts: rows become vectors.
        """
        used = {"token_transform": tokens, "token_bias_V": tokens}
        used |= {"query": links, "look": links, "key": texts, "lexical": texts}
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(used.get(name.partition(".")[0], True))

    def token_logits(self, hidden_MD: Tensor) -> Tensor:
        """(M, V) logits at chosen positions only: logits nobody needs would cost more than the encoder."""
        return self.vocabulary_logits(self.token_transform(hidden_MD))

    def vocabulary_logits(self, vector_MD: Tensor) -> Tensor:
        """(M, V) logits of vectors that already lie in the space of the tied token embedding, as SBO's do."""
        return F.linear(vector_MD, self.encoder.token.weight, self.token_bias_V)

    def leaf_vectors(self, hidden_BSD: Tensor, batch: Batch, leaf: Tensor) -> Tensor:
        """(Q, D) unit vectors of masked leaves, the queries of link prediction. leaf: (Q,) indices into the batch's."""
        flat = hidden_BSD.reshape(-1, hidden_BSD.shape[-1])
        state = _masked_mean(flat[batch.leaf_position[leaf]], batch.leaf_filled[leaf])
        vector = self.query(state)
        if self.use_lexical_skip:
            vector = vector + self._look_up(hidden_BSD, batch, leaf, state)
        return F.normalize(vector.float(), dim=-1)

    def _look_up(self, hidden_BSD: Tensor, batch: Batch, leaf: Tensor, state_QD: Tensor) -> Tensor:
        """Attention-pooled raw token embeddings of the leaf's own window."""
        position = batch.leaf_position[leaf, 0]
        row, column = position // batch.token.shape[1], position % batch.token.shape[1]
        logits = (hidden_BSD[row] @ self.look(state_QD)[:, :, None]).squeeze(-1).float() * hidden_BSD.shape[-1] ** -0.5
        visible = (batch.document[row] == batch.document[row, column][:, None]) & (batch.slot[row] == 0)
        weight = torch.softmax(logits.masked_fill(~visible, float("-inf")), dim=-1)
        raw = self.encoder.token(batch.token[row])
        return self._lexical((weight.to(raw.dtype)[:, None, :] @ raw).squeeze(1))

    def text_vectors(self, texts: TextRows) -> Tensor:
        """(N, D) unit vectors of texts: entity keys, functions, queries in words. One without a token has zeros."""
        vector = self.key(_text_means(self(texts.batch), texts))
        if self.use_lexical_skip:
            vector = vector + self._lexical(_text_means(self.encoder.token(texts.batch.token), texts))
        return F.normalize(vector.float(), dim=-1) * (texts.at >= 0)[:, None]

    def _lexical(self, raw_ND: Tensor) -> Tensor:
        """Pooled raw embeddings at unit scale: as they are (std 0.02) the hidden states would drown them."""
        path: Tensor = self.lexical(F.rms_norm(raw_ND, raw_ND.shape[-1:]))
        return path


class SpanBoundaryHead(nn.Module):
    """A masked token from the two roots around its run and its place in it; of use in training alone.

    Score its output with `GraphMER.vocabulary_logits`. Source: SpanBERT (Joshi et al., 2020) §3.2, with RMSNorm.
    """

    def __init__(self, width: int, max_span: int) -> None:
        super().__init__()
        self.offset = nn.Embedding(max_span, width)
        layers = [nn.Linear(3 * width, width), nn.GELU(), RMSNorm(width)]
        self.layers = nn.Sequential(*layers, nn.Linear(width, width), nn.GELU(), RMSNorm(width))

    def forward(self, left_MD: Tensor, right_MD: Tensor, offset_M: Tensor) -> Tensor:
        """(M, D) vectors in the space of the token embedding. offset_M: place in the run, 0 to max_span - 1."""
        vector: Tensor = self.layers(torch.cat([left_MD, right_MD, self.offset(offset_M)], dim=-1))
        return vector


def _text_means(x_RSD: Tensor, texts: TextRows) -> Tensor:
    """(N, D) mean over each text's positions, by one product: neither pass has a look-up of single positions."""
    number = torch.arange(1, texts.places + 1, device=x_RSD.device)
    member_RPS = (texts.batch.document[:, None, :] == number[:, None]).to(x_RSD.dtype)
    mean_RPD = (member_RPS @ x_RSD) / member_RPS.sum(dim=-1, keepdim=True).clamp(min=1.0)
    return mean_RPD.flatten(0, 1)[texts.at.clamp(min=0)]


def _masked_mean(x_NTD: Tensor, filled_NT: Tensor) -> Tensor:
    """Mean over the filled positions of each row; a row with none gives zeros."""
    weight = filled_NT.to(x_NTD.dtype)[:, :, None]
    return (x_NTD * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1.0)
