"""Code search by counted words: BM25 and TF-IDF over identifiers' parts, the peers that need no training."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from graphmer.evaluate.names import subtokens
from graphmer.pack.tokenizer import HIDDEN_MARK

FloatArray = npt.NDArray[np.float32]

IDENTIFIER = re.compile(r"[^\W\d]\w*")


def lexical_tokens(text: str) -> list[str]:
    """Lower-case parts of every identifier or word, and the whole of one that has several parts.

    `HTTPServer` gives http, server, httpserver; numbers and punctuation give nothing.
    """
    tokens: list[str] = []
    for word in IDENTIFIER.findall(text.replace(HIDDEN_MARK, " ")):
        parts = subtokens(word)
        tokens += parts
        if len(parts) > 1:
            tokens.append("".join(parts))
    return tokens


def bm25_scores(
    queries: Sequence[Sequence[str]], documents: Sequence[Sequence[str]], k1: float, b: float
) -> FloatArray:
    """(Q, D) BM25 of each query against each document, both as lexical tokens.

    Source: bm25s with Lucene's formula; a query without a known word scores 0 everywhere.
    """
    import bm25s

    retriever = bm25s.BM25(k1=k1, b=b, method="lucene")
    retriever.index([list(tokens) for tokens in documents], show_progress=False)
    known = retriever.vocab_dict
    scores = np.zeros((len(queries), len(documents)), np.float32)
    for row, tokens in enumerate(queries):
        present = [token for token in tokens if token in known]
        if present:
            scores[row] = retriever.get_scores(present)
    return scores


def tfidf_scores(queries: Sequence[Sequence[str]], documents: Sequence[Sequence[str]]) -> FloatArray:
    """(Q, D) cosine of TF-IDF vectors with log-damped counts; document frequencies come from `documents`."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer=lambda tokens: tokens, sublinear_tf=True)
    documents_DV = vectorizer.fit_transform(documents)
    queries_QV = vectorizer.transform(queries)
    scores: FloatArray = (queries_QV @ documents_DV.T).toarray().astype(np.float32)
    return scores
