"""Identifier-aware byte-level BPE: camelCase and snake_case parts are units, punctuation is kept, spaces are not."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from graphmer.artifacts import read_json, sha256_file
from graphmer.errors import ArtifactError

IntArray = npt.NDArray[np.int32]

# Append-only: a trained model stores these ids.
HIDDEN_MARK = "[HIDDEN]"  # stands for a hidden name in the text of a question
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[MASK]", HIDDEN_MARK, "[END]")
PAD, UNK, MASK, HIDDEN, END = range(len(SPECIAL_TOKENS))

# A name's parts carry their underscore (`_name`), so that a name is the plain concatenation of its parts. A newline
# counts once however many blank lines follow: it ends a statement in Python; indentation is left to the parser.
PIECE = (
    r"_*\p{Lu}+(?!\p{Ll})[0-9]*|_*\p{Lu}?[\p{Ll}\p{Lo}]+[0-9]*|_+|[0-9]+|\n(?=[ \t]*\S)"
    r"|->|=>|::|\*\*|//|<<|>>|&&|\|\||\.\.\.|\"\"\"|'''|[!=<>+\-*/%&|^:@]=|[^\w\s]|\w"
)
IDENTIFIER = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Encoding:
    """Tokens of one text. ids, starts, ends, words: (T,) int32; byte offsets into the text as UTF-8.

    words[i] indexes `names`, the identifier that token i is part of, and is -1 elsewhere. first: (T,) bool, whether
    a token begins its identifier (or is none).
    """

    ids: IntArray
    starts: IntArray
    ends: IntArray
    words: IntArray
    first: npt.NDArray[np.bool_]
    names: list[str]


class CodeTokenizer:
    """A trained tokenizer; `load` reads it, `train` learns it from the train split's texts alone."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        # Code that spells a special token is code like any other; the file cannot say so.
        tokenizer.encode_special_tokens = True

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary_size: int, min_frequency: int) -> "CodeTokenizer":
        """Learn merges; same texts in the same order give the same vocabulary."""
        tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL_TOKENS[UNK]))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(PIECE), behavior="removed", invert=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary_size,
            min_frequency=min_frequency,
            special_tokens=list(SPECIAL_TOKENS),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator(texts, trainer)
        return cls(tokenizer)

    @classmethod
    def load(cls, path: Path) -> "CodeTokenizer":
        """Read tokenizer.json; raises ArtifactError where it is missing or not this project's."""
        if not path.exists():
            raise ArtifactError(f"{path}: not found; run the stage that writes it (dvc repro pack)")
        try:
            tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except Exception as error:  # noqa: BLE001  the library has no class of its own
            raise ArtifactError(f"{path}: no tokenizer ({error}); restore it or run dvc repro pack") from None
        found = tuple(tokenizer.id_to_token(i) for i in range(len(SPECIAL_TOKENS)))
        if found != SPECIAL_TOKENS:
            raise ArtifactError(f"{path}: first tokens are {found}, expected {SPECIAL_TOKENS}; run dvc repro pack")
        return cls(tokenizer)

    def dumps(self) -> str:
        """The tokenizer as JSON text."""
        return str(self._tokenizer.to_str(pretty=True)) + "\n"

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids, specials included."""
        return int(self._tokenizer.get_vocab_size())

    def ids(self, text: str) -> list[int]:
        """Token ids alone."""
        return list(self._tokenizer.encode(text).ids)

    def batch_ids(self, texts: list[str]) -> list[list[int]]:
        """Token ids of many texts."""
        return [list(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(texts)]

    def batch_marked_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of many texts in which `[HIDDEN]` stands for a hidden name: one token, whatever is around it."""
        parts = [text.split(HIDDEN_MARK) for text in texts]
        ids = iter(self.batch_ids(list(chain.from_iterable(parts))))
        found = []
        for row in parts:
            marked = next(ids)
            for _ in row[1:]:
                marked += [HIDDEN, *next(ids)]
            found.append(marked)
        return found

    def decode_name(self, ids: Iterable[int]) -> str:
        """A name from its tokens: parts are joined as they stand."""
        pieces = "".join(str(self._tokenizer.id_to_token(int(i))) for i in ids if i >= len(SPECIAL_TOKENS))
        return _bytes_of(pieces).decode("utf-8", "replace")

    def encode(self, text: str) -> Encoding:
        """Tokens with byte offsets and the identifier each belongs to."""
        encoding = self._tokenizer.encode(text)
        spans = np.asarray(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        words, first, names = _identifiers(text, spans)
        to_byte = _byte_offsets(text)
        return Encoding(
            ids=np.asarray(encoding.ids, dtype=np.int32),
            starts=to_byte[spans[:, 0]].astype(np.int32),
            ends=to_byte[spans[:, 1]].astype(np.int32),
            words=words,
            first=first,
            names=names,
        )


def tokenizer_of_model(folder: Path) -> CodeTokenizer:
    """The tokenizer of a trained model; raises ArtifactError unless the weights beside it were trained with it."""
    path = folder / "tokenizer.json"
    if not path.exists():
        raise ArtifactError(f"pack.tokenizer_from: {path} not found; name the folder of a trained model, or null")
    if read_json(folder / "config.json").get("files", {}).get("tokenizer.json") != sha256_file(path):
        raise ArtifactError(
            f"pack.tokenizer_from: {path} is not the tokenizer that {folder / 'config.json'} names, so its vocabulary "
            "does not fit the weights; restore the folder as training wrote it"
        )
    return CodeTokenizer.load(path)


def _byte_offsets(text: str) -> npt.NDArray[np.int64]:
    """Byte offset of every character, and of the end."""
    if text.isascii():
        return np.arange(len(text) + 1)
    code = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    width = 1 + (code > 0x7F).astype(np.int64) + (code > 0x7FF) + (code > 0xFFFF)
    return np.concatenate([[0], np.cumsum(width)])


def _identifiers(text: str, spans: npt.NDArray[np.int64]) -> tuple[IntArray, npt.NDArray[np.bool_], list[str]]:
    matches = list(IDENTIFIER.finditer(text))
    if not matches or not len(spans):
        return np.full(len(spans), -1, np.int32), np.ones(len(spans), np.bool_), []
    starts = np.asarray([match.start() for match in matches])
    ends = np.asarray([match.end() for match in matches])
    names, word = np.unique(np.asarray([match.group() for match in matches], dtype=object), return_inverse=True)
    owner = np.searchsorted(starts, spans[:, 0], side="right") - 1
    inside = (owner >= 0) & (spans[:, 1] <= ends[owner])
    previous = np.concatenate([[-1], np.where(inside, owner, -1)[:-1]])
    first = ~inside | (owner != previous)
    return np.where(inside, word[owner], -1).astype(np.int32), first, [str(name) for name in names]


def _byte_alphabet() -> dict[str, int]:
    """The printable stand-in of every byte in byte-level BPE: printable Latin-1 as itself, the rest from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): byte for byte in printable}
    rest = [byte for byte in range(256) if byte not in printable]
    return table | {chr(0x100 + index): byte for index, byte in enumerate(rest)}


_ALPHABET = _byte_alphabet()


def _bytes_of(pieces: str) -> bytes:
    return bytes(_ALPHABET[character] for character in pieces)
