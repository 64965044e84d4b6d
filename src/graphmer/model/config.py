"""Shape and switches of the encoder; torch is not imported here, so that parameters can be checked without it."""

from dataclasses import dataclass
from typing import Literal

from graphmer.pack.controls import GraphForm

BiasGradient = Literal["every_layer", "one_layer"]


@dataclass(frozen=True)
class ModelParams:
    """Each switch is a row of the ablation; each value has its source in params.yaml."""

    layers: int
    width: int
    heads: int
    ffn: int
    dropout: float
    rope_base: float
    hop_decay: Literal["additive", "multiplicative", "none"]
    decay_base: float
    use_rel_attention_bias: bool
    use_hgat: bool
    hgat_rank: int
    hgat_dropout: float
    use_lexical_skip: bool
    graph_form: GraphForm  # of what is shown beside the code, in training and ever after

    def __post_init__(self) -> None:
        for name in ("layers", "width", "heads", "ffn", "hgat_rank"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if self.width % (2 * self.heads):
            raise ValueError(f"width: expected a multiple of 2 x heads ({2 * self.heads}), got {self.width}")
        for name in ("dropout", "hgat_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 0 and under 1, got {getattr(self, name)}")
        if self.rope_base <= 0:
            raise ValueError(f"rope_base: expected above 0, got {self.rope_base}")
        if not 0 < self.decay_base <= 1:
            raise ValueError(f"decay_base: expected above 0 and at most 1, got {self.decay_base}")


@dataclass(frozen=True)
class Vocabulary:
    """Sizes that the packed data fix; a checkpoint stores them and refuses other data."""

    tokens: int
    relations: int
    name_slots: int
    key_tokens: int
