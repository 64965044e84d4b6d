"""Docstring-code pairs against hand truth and a slow loop."""

import numpy as np
import pytest
from packed import make_split

from graphmer.pack.documented import Documented, find_pairs
from graphmer.pack.pairs import pair_ends, pair_rows
from graphmer.pack.samples import Sample
from graphmer.pack.tokenizer import HIDDEN, PAD, CodeTokenizer
from graphmer.pack.windows import Definition, cut_windows

PYTHON = 'def area(side):\n    """Square of a side, the area.\n\n    More."""\n    return side * area.scale\n'
JAVA = "/** Square of a side, the area. */\nint area(int side) { return side * side; }\n"


def pairs_of(source: str, start: str, doc: str):  # type: ignore[no-untyped-def]
    tokenizer = CodeTokenizer.train([source] * 3, 400, 2)
    encoding = tokenizer.encode(source)
    begin = source.index(start)
    definition = Definition("f#area", "function", "f", begin, len(source))
    windows = cut_windows([definition], "f", "module", encoding.starts, encoding.ids == -1, 100)
    samples = [Sample(window) for window in windows]
    at = source.index(doc)
    documented = Documented("area", "Square of a side, the area.\n\nMore.", at, at + len(doc))
    return samples, encoding, find_pairs(samples, encoding, {"f#area": documented}, tokenizer, 4), tokenizer


def test_a_python_docstring_is_cut_out_of_its_function_and_its_first_paragraph_asks() -> None:
    doc = PYTHON[PYTHON.index('"""') : PYTHON.rindex('"""') + 3]
    samples, encoding, found, tokenizer = pairs_of(PYTHON, "def", doc)
    ((sample, pair),) = found.items()
    tokens = samples[sample].window.tokens
    inside = tokens[pair.doc_start : pair.doc_end]
    assert PYTHON.encode()[encoding.starts[inside[0]] : encoding.ends[inside[-1]]].decode() == doc
    assert tokenizer.decode_name(pair.text.ids) == "Squareofaside,thearea."


def test_a_javadoc_before_its_method_leaves_the_window_whole() -> None:
    samples, _, found, _ = pairs_of(JAVA, "int area", JAVA[: JAVA.index("\n")])
    ((sample, pair),) = found.items()
    assert samples[sample].window.owner == "f#area"
    assert pair.doc_start == pair.doc_end


def test_a_docstring_of_few_words_is_no_pair() -> None:
    tokenizer = CodeTokenizer.train([PYTHON] * 3, 400, 2)
    encoding = tokenizer.encode(PYTHON)
    samples = [Sample(cut_windows([], "f#area", "function", encoding.starts, encoding.ids == -1, 100)[0])]
    assert find_pairs(samples, encoding, {"f#area": Documented("area", "Three short words.", 0, 1)}, tokenizer, 4) == {}


@pytest.mark.parametrize("seed", range(4))
def test_rows_of_pairs_equal_a_slow_loop(seed: int) -> None:
    split = make_split(seed, 30)
    rng = np.random.default_rng(seed)
    split.pair_token_first[:] = rng.random(len(split.pair_token)) < 0.6  # names of several tokens
    split.pair_token_word[split.pair_text[:-1]] = split.pair_word  # a text that begins with one
    split.token_word[split.sample_token[split.pair_sample] + 2] = split.pair_word  # and code, past its docstring
    pair = rng.permutation(len(split.pair_sample))[:9]
    hide = np.arange(9) % 2 == 0
    text, code = pair_rows(split, pair, split.pair_sample[pair].astype(np.int64) + 1, hide, 6, 11)
    assert (text == HIDDEN).any()
    assert (code == HIDDEN).any()
    for place, (index, hidden) in enumerate(zip(pair.tolist(), hide.tolist(), strict=True)):
        word = int(split.pair_word[index])
        spoken = range(int(split.pair_text[index]), int(split.pair_text[index + 1]))
        columns = (split.pair_token, split.pair_token_word, split.pair_token_first)
        assert text[place].tolist() == slow_row(columns, spoken, word, hidden, 6)
        sample = int(split.pair_sample[index])
        begin, end = int(split.sample_token[sample]), int(split.sample_token[sample + 1])
        doc = range(begin + int(split.pair_doc_start[index]), begin + int(split.pair_doc_end[index]))
        roots = [root for root in range(begin, end) if root not in doc]
        columns = (split.token_id, split.token_word, split.token_first)
        assert code[place].tolist() == slow_row(columns, roots, word, hidden, 11)


def test_a_functions_code_goes_on_in_its_further_windows_unless_its_docstring_may_too() -> None:
    split = make_split(0, 12)
    split.samples.loc[[1, 2, 3, 5], "owner"] = ["o0", "o2", "o2", "o4"]
    split.samples.loc[7, ["owner", "file"]] = ["o6", "other.py"]  # of the same name in another file
    split.pair_doc_end[2] = split.sample_token[5] - split.sample_token[4]  # fills the window of sample 4
    assert split.pair_sample.tolist() == [0, 2, 4, 6, 8, 10]
    ends = pair_ends(split)
    assert ends.tolist() == [2, 4, 5, 7, 9, 11]
    none = np.zeros(1, np.bool_)
    _, code = pair_rows(split, np.asarray([1]), ends[[1]], none, 6, 500)
    begin, end = split.sample_token[[2, 4]].tolist()
    doc = range(begin + int(split.pair_doc_start[1]), begin + int(split.pair_doc_end[1]))
    roots = [root for root in range(begin, end) if root not in doc]
    assert code[0, : len(roots) + 1].tolist() == [*split.token_id[roots].tolist(), PAD]


def slow_row(columns, places, word: int, hidden: bool, width: int) -> list[int]:  # type: ignore[no-untyped-def]
    token, words, first = columns
    row: list[int] = []
    for place in places:
        if hidden and words[place] == word:
            if first[place] or place == places[0]:  # a part of a name that was cut stands for the whole
                row.append(HIDDEN)
        else:
            row.append(int(token[place]))
    return (row + [PAD] * width)[:width]
