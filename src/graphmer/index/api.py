"""A trained model from Python: vectors of code with and without its graph, and the questions that an index answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from graphmer.errors import ArtifactError
from graphmer.evaluate.neural import TEXT_TOKENS, WINDOWS_AT_ONCE
from graphmer.index.complete import Completion, complete
from graphmer.index.explain import Evidence, evidence
from graphmer.index.lexicon import FloatArray
from graphmer.index.neighbourhood import Neighbourhood, neighbourhood
from graphmer.index.places import KINDS
from graphmer.index.resolve import Call, resolve
from graphmer.index.search import Hit, Searcher, check_count, check_text
from graphmer.index.session import Session
from graphmer.index.store import Index, check_parameters, trained_model
from graphmer.index.symbols import find_relation, find_symbol
from graphmer.index.terminal import PARAMS, read_params
from graphmer.index.windows import packed_limits
from graphmer.model.batch import rows_batch
from graphmer.model.plain import CodeEncoder
from graphmer.model.texts import TextRows
from graphmer.pack.tokenizer import CodeTokenizer


class GraphTriple(NamedTuple):
    """What is known of a mention: `code[start:end]` (characters) stands in this relation to something so named."""

    start: int
    end: int
    relation: str
    tail: str


class RankedTail(NamedTuple):
    """A candidate for a triple's tail. probability: the share of the softmax over all candidates of the mention."""

    symbol: str
    probability: float
    place: str


class GraphMER:
    """A trained model, and optionally an index of a code base.

    model = GraphMER.from_pretrained("data/model")
    model.encode(["def area(side): return side * side", "square of a side"])       # (2, D) unit vectors
    model = GraphMER.from_pretrained("data/model", index=".graphmer")
    model.search("parse a date"); model.rank_tails("shop.cart.Cart.add", "calls")
    """

    def __init__(self, folder: Path, encoder: CodeEncoder, index: Index | None, params: Path) -> None:
        self._folder, self._encoder, self._index = folder, encoder, index
        self._session = Session(index, read_params(params).eval.link) if index else None
        self._searcher: Searcher | None = None

    @classmethod
    def from_pretrained(
        cls, path: str | Path, index: str | Path | None = None, params: str | Path = PARAMS
    ) -> "GraphMER":
        """Read a trained model's folder. index: a folder that `graphmer index` wrote with it. params: a params.yaml.

        Raises ArtifactError where a file is missing or damaged, or where index, model and parameters do not belong
        together; ParamsError where the parameters will not do. An index is read when a question first needs it: one
        that was made again since it was opened is refused then, and has to be opened again.
        """
        folder = Path(path)
        model = trained_model(folder)
        encoder = CodeEncoder(model, CodeTokenizer.load(folder / "tokenizer.json"), TEXT_TOKENS, WINDOWS_AT_ONCE)
        opened = Index.open(Path(index), folder, model) if index is not None else None
        if opened is not None:
            check_parameters(opened, read_params(Path(params)).eval, Path(params))
        return cls(folder, encoder, opened, Path(params))

    @property
    def width(self) -> int:
        """D, of a vector."""
        return self._encoder.model.encoder.params.width

    def encode(self, code: str | Sequence[str]) -> FloatArray:
        """(n, D) float32 unit vectors of code or words; their products are cosines. A text is cut at 192 tokens.

        Raises ParamsError where a text holds half a character (a surrogate), as bytes of another encoding leave one.
        """
        texts = [code] if isinstance(code, str) else code
        for number, text in enumerate(texts, start=1):
            check_text("code" if isinstance(code, str) else f"text {number}", text)
        return self._encoder.embed(texts)

    @torch.inference_mode()
    def encode_graph(self, code: str, triples: Sequence[GraphTriple]) -> FloatArray:
        """(D,) float32 unit vector of code that is read with what is known of its mentions, as leaves beside them.

        code: at most as many tokens as the model's windows hold. Raises ValueError where the code is longer or empty,
        where a triple's span shows no token, or where the ontology stores no such relation; ParamsError where the code
        or a tail's name holds half a character (a surrogate); ArtifactError where the model's packed.json is damaged.
        """
        from graphmer.index.graph_text import laid_out

        check_text("code", code)
        for number, one in enumerate(triples, start=1):
            check_text(f"triple {number}: tail", one.tail)
        packed_limits(self._folder)  # the reader below takes them for granted
        model = self._encoder.model
        rows = laid_out(code, triples, self._encoder.tokenizer, self._folder)
        vocabulary = model.encoder.vocabulary
        batch, _ = rows_batch(rows, np.zeros(1, np.int64), vocabulary.relations, vocabulary.name_slots)
        # One row is one text: its first and only document, leaves and all.
        row = TextRows(batch, torch.zeros(1, dtype=torch.long), places=1).to(model.token_bias_V.device)
        vector: FloatArray = model.text_vectors(row)[0].float().cpu().numpy()
        return vector

    def rank_tails(self, head: str, relation: str, k: int = 10, line: int | None = None) -> list[RankedTail]:
        """The k likeliest tails at the mentions of `head`'s code that a relation's triples stand at, each once.

        Ranked as evaluation ranks with mentions visible; tails that the graph has already are left out. line: only the
        mentions on it.

        Raises ParamsError where k is less than 1, SymbolError where no entity or several have the name, or no relation
        has it, and ArtifactError where there is no index, where it was replaced or damaged since it was opened, or
        where no mention in code stands for the relation.
        """
        check_count(k)
        session = self._asked()
        symbol = find_symbol(session.index.entities, head, external=False)
        name = find_relation(relation).name
        if name not in KINDS:
            raise ArtifactError(f"'{name}': no mention in the code stands for it; rank {', '.join(sorted(KINDS))}")
        places = [one for one in session.references.of_scope(symbol, name) if line is None or one.line == line]
        questions = [question for _, question in session.ranker.questions_at(places, symbol, name)]
        best: dict[str, float] = {}
        for ranking in session.ranker.rank(questions, "mentions_visible"):
            for at in ranking.best(k).tolist():
                tail = str(session.index.entities["entity"].iat[int(ranking.rows[at])])
                best[tail] = max(best.get(tail, 0.0), float(ranking.probability[at]))
        order = sorted(best, key=lambda tail: (-best[tail], tail))[:k]
        return [RankedTail(tail, best[tail], session.place_of(tail)) for tail in order]

    def search(self, words: str, k: int = 10, tests: bool = False) -> list[Hit]:
        """The k best functions of the index for some words. tests: whether test code's are found too.

        Raises ParamsError where k is less than 1, or where the words hold no word or half a character (a surrogate);
        ArtifactError where there is no index, or where it was replaced or damaged since it was opened.
        """
        if self._searcher is None:
            self._searcher = Searcher(self._asked().index)
        return self._searcher.search(words, k, tests)

    def complete(self, head: str, relation: str, k: int = 10) -> Completion:
        """At most k triples that the graph lacks, the surest first, each with a calibrated confidence.

        Raises ParamsError where k is less than 1; SymbolError where no entity or several have the head's name, or no
        relation has the name; OntologyError where the relation has no mentions that could be asked, or cannot start at
        the head; ArtifactError where there is no index, or where it was replaced or damaged since it was opened.
        """
        check_count(k)
        session = self._asked()
        symbol = find_symbol(session.index.entities, head, external=False)
        return complete(session, symbol, find_relation(relation), k)

    def resolve(self, file: str, line: int, k: int = 5) -> list[Call]:
        """Which definition each call on a line means, with at most k meanings, the likeliest first.

        file: a path as the index has it, or the end of one. Raises ParamsError where k is less than 1; SymbolError
        where the line is no line number; ArtifactError where the index holds no such file, line or call there, where
        there is no index, or where it was replaced or damaged since it was opened.
        """
        check_count(k)
        return resolve(self._asked(), f"{file}:{line}", k)

    def neighbourhood(self, symbol: str) -> Neighbourhood:
        """What a symbol is, and its triples.

        Raises SymbolError where no entity or several have the name; ArtifactError where there is no index, or where it
        was replaced or damaged since it was opened.
        """
        session = self._asked()
        return neighbourhood(session, find_symbol(session.index.entities, symbol))

    def evidence(self, head: str, relation: str, tail: str) -> Evidence:
        """What speaks for a triple, symbolic and neural apart.

        Raises SymbolError where no entity or several have the name of an end, or no relation has the name;
        ArtifactError where there is no index, or where it was replaced or damaged since it was opened.
        """
        session = self._asked()
        ends = [find_symbol(session.index.entities, name) for name in (head, tail)]
        return evidence(session, ends[0], find_relation(relation), ends[1])

    def _asked(self) -> Session:
        if self._session is None:
            raise ArtifactError(
                f"{self._folder}: opened without an index; GraphMER.from_pretrained(model, index=FOLDER) takes the one "
                "that graphmer index wrote"
            )
        return self._session
