"""A trained model behind the Auto classes of transformers; needs the optional extra [hf].

    from graphmer.index.hf import export
    export("data/model", "exported")            # once: the same weights and tokenizer, and what transformers asks for
    tokenizer = AutoTokenizer.from_pretrained("exported")
    model = AutoModel.from_pretrained("exported")   # after any import of this module
    model(**tokenizer(["def area(side): ..."], padding=True, return_tensors="pt")).pooler_output   # unit vectors

Code is read without a graph, as by `GraphMER.encode`; `GraphMER.encode_graph` takes what is known of its mentions.
"""

import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

try:
    from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
    from transformers.modeling_outputs import BaseModelOutputWithPooling
except ImportError:
    raise ImportError("transformers is not installed; pip install 'graphmer-se[hf]'") from None

from graphmer.artifacts import atomic_folder, read_json, write_json
from graphmer.errors import ArtifactError
from graphmer.evaluate.neural import TEXT_TOKENS
from graphmer.model.batch import plain_batch
from graphmer.model.checkpoint import build_model, load_model, save_model
from graphmer.model.texts import TextRows
from graphmer.pack.tokenizer import MASK, PAD, SPECIAL_TOKENS, UNK

MODEL_TYPE = "graphmer"
TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "pad_token": SPECIAL_TOKENS[PAD],
    "unk_token": SPECIAL_TOKENS[UNK],
    "mask_token": SPECIAL_TOKENS[MASK],
    "model_max_length": TEXT_TOKENS,
    "split_special_tokens": True,  # code that spells one is code like any other
    "model_input_names": ["input_ids", "attention_mask"],
}


class GraphMERConfig(PretrainedConfig):  # type: ignore[misc]
    """config.json of an exported model. model, vocabulary: the sections of the model's own config.json."""

    model_type = MODEL_TYPE

    def __init__(
        self, model: dict[str, Any] | None = None, vocabulary: dict[str, Any] | None = None, **others: Any
    ) -> None:
        self.model, self.vocabulary = model or {}, vocabulary or {}
        others.pop("files", None)  # digests of the weights that were read; those that are saved may be others
        super().__init__(**others)

    @property
    def hidden_size(self) -> int:
        """D, of a vector."""
        return int(self.model["width"])


class GraphMERModel(PreTrainedModel):  # type: ignore[misc]
    """The whole net, asked for the hidden states and vectors of plain code."""

    config_class = GraphMERConfig
    main_input_name = "input_ids"
    base_model_prefix = "net"  # the prefix that a trained model's own weights lack

    def __init__(self, config: GraphMERConfig) -> None:
        super().__init__(config)
        self.net = build_model({"model": config.model, "vocabulary": config.vocabulary})
        self.post_init()

    @classmethod
    def from_pretrained(cls, *args: Any, **options: Any) -> Any:
        """As in transformers, but strict: it would leave a weight that is missing as memory happens to be, and go on.

        Raises ArtifactError on a missing, unexpected or misshapen weight.
        """
        wants_info = options.pop("output_loading_info", False)
        model, info = super().from_pretrained(*args, **options, output_loading_info=True)
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            if info[kind]:
                names = ", ".join(sorted(map(str, info[kind])))
                raise ArtifactError(f"{args[0]}: {kind.replace('_', ' ')} {names}; export the model again")
        return (model, info) if wants_info else model

    def _init_weights(self, module: torch.nn.Module) -> None:
        """The net has drawn its own, and no file may lack one."""

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
    """Write a trained model's folder as AutoModel and AutoTokenizer read one, and this project too; `out` is replaced.

    Weights and tokenizer stay as they are, but those of a compact model are written out whole; config.json says whose
    they are, which training does not write.
    Raises ArtifactError where a file of the model is missing or damaged, or where `out` holds something else.
    """
    folder, out = Path(model), Path(out)
    net = load_model(folder)
    compact = "weights" in read_json(folder / "config.json")  # transformers reads whole weights in one file
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / "tokenizer_config.json").is_file())):
        raise ArtifactError(f"{out}: holds something else; give a new folder or an earlier export")
    kind = {"model_type": MODEL_TYPE, "architectures": [GraphMERModel.__name__]}
    with atomic_folder(out) as scratch:
        for path in sorted(folder.iterdir()):
            if path.is_file() and path.name != "config.json" and not (compact and path.suffix == ".safetensors"):
                shutil.copyfile(path, scratch / path.name)
        if compact:
            save_model(scratch, net, folder)
        write_json(scratch / "config.json", read_json((scratch if compact else folder) / "config.json") | kind)
        write_json(scratch / "tokenizer_config.json", TOKENIZER)


AutoConfig.register(MODEL_TYPE, GraphMERConfig)
AutoModel.register(GraphMERConfig, GraphMERModel)
