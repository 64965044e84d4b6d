"""A trained model behind the Auto classes of transformers; needs the optional extra [hf].

    from graphmer.index.hf import export
    export("data/model", "exported")            # once: config, weights and tokenizer as transformers wants them
    tokenizer = AutoTokenizer.from_pretrained("exported")
    model = AutoModel.from_pretrained("exported")   # after any import of this module
    model(**tokenizer(["def area(side): ..."], padding=True, return_tensors="pt")).pooler_output   # unit vectors

Code is read without a graph, as by `GraphMER.encode`; `GraphMER.encode_graph` takes what is known of its mentions.
"""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

try:
    from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
    from transformers.modeling_outputs import BaseModelOutputWithPooling
except ImportError:
    raise ImportError("transformers is not installed; pip install 'graphmer-se[hf]'") from None

from graphmer.artifacts import atomic_folder
from graphmer.errors import ArtifactError
from graphmer.evaluate.neural import TEXT_TOKENS
from graphmer.model.batch import plain_batch
from graphmer.model.checkpoint import build_model, load_model
from graphmer.model.heads import GraphMER
from graphmer.model.texts import TextRows
from graphmer.pack.tokenizer import MASK, PAD, SPECIAL_TOKENS, UNK

MODEL_TYPE = "graphmer"


class GraphMERConfig(PretrainedConfig):  # type: ignore[misc]
    """config.json of an exported model. model, vocabulary: the sections of the model's own config.json."""

    model_type = MODEL_TYPE

    def __init__(
        self, model: dict[str, Any] | None = None, vocabulary: dict[str, Any] | None = None, **others: Any
    ) -> None:
        self.model, self.vocabulary = model or {}, vocabulary or {}
        super().__init__(**others)

    @property
    def hidden_size(self) -> int:
        """D, of a vector."""
        return int(self.model["width"])


class GraphMERModel(PreTrainedModel):  # type: ignore[misc]
    """The whole net, asked for the hidden states and vectors of plain code."""

    config_class = GraphMERConfig
    main_input_name = "input_ids"

    def __init__(self, config: GraphMERConfig) -> None:
        super().__init__(config)
        self.net = build_model({"model": config.model, "vocabulary": config.vocabulary})
        self.post_init()

    def _init_weights(self, module: torch.nn.Module) -> None:
        """The net has drawn its own."""

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, **_others: Any
    ) -> BaseModelOutputWithPooling:
        """last_hidden_state: (B, S, D). pooler_output: (B, D) unit vectors; zeros for a text without a token.

        input_ids: (B, S), [PAD] at the end. attention_mask: (B, S), 0 where nothing is read; by default at [PAD].
        """
        token = input_ids if attention_mask is None else input_ids.masked_fill(attention_mask == 0, PAD)
        batch = plain_batch(token)
        row = torch.arange(len(token), device=token.device)
        texts = TextRows(batch, torch.where((token != PAD).any(dim=1), row, -1), places=1)
        return BaseModelOutputWithPooling(last_hidden_state=self.net(batch), pooler_output=self.net.text_vectors(texts))


def export(model: str | Path, out: str | Path) -> None:
    """Write a trained model's folder as AutoModel and AutoTokenizer read one; `out` is replaced as a whole.

    Raises ArtifactError where a file of the model is missing or damaged, or where `out` holds something else.
    """
    folder, out = Path(model), Path(out)
    net = load_model(folder)
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / "tokenizer_config.json").is_file())):
        raise ArtifactError(f"{out}: holds something else; give a new folder or an earlier export")
    with atomic_folder(out) as scratch:
        _wrapped(net).save_pretrained(scratch)
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(folder / "tokenizer.json"),
            pad_token=SPECIAL_TOKENS[PAD],
            unk_token=SPECIAL_TOKENS[UNK],
            mask_token=SPECIAL_TOKENS[MASK],
            model_max_length=TEXT_TOKENS,
            model_input_names=["input_ids", "attention_mask"],
        )
        tokenizer.save_pretrained(scratch)


def _wrapped(net: GraphMER) -> GraphMERModel:
    shape = dataclasses.asdict(net.encoder.params), dataclasses.asdict(net.encoder.vocabulary)
    wrapped = GraphMERModel(GraphMERConfig(*shape, architectures=["GraphMERModel"]))
    wrapped.net.load_state_dict(net.state_dict())
    return wrapped


AutoConfig.register(MODEL_TYPE, GraphMERConfig)
AutoModel.register(GraphMERConfig, GraphMERModel)
