"""The tokenizer: identifiers fall into their parts, offsets are bytes, names come back whole."""

import pytest
from tokenizers import Tokenizer

from graphmer.errors import ArtifactError
from graphmer.pack.tokenizer import HIDDEN, SPECIAL_TOKENS, CodeTokenizer

TEXTS = ["def get_name(self):\n    return self.getXMLName()\n", "value == other -> None\n", "größe = 3\n"] * 4


@pytest.fixture(scope="module")
def tokenizer() -> CodeTokenizer:
    return CodeTokenizer.train(TEXTS, 400, 2)


def pieces(tokenizer: CodeTokenizer, text: str) -> list[str]:
    encoding = tokenizer.encode(text)
    data = text.encode()
    return [data[start:end].decode() for start, end in zip(encoding.starts, encoding.ends, strict=True)]


def test_identifiers_split_at_case_and_underscore_and_punctuation_is_kept(tokenizer: CodeTokenizer) -> None:
    assert pieces(tokenizer, "self.getXMLName()") == ["self", ".", "get", "XML", "Name", "(", ")"]
    assert pieces(tokenizer, "get_name") == ["get", "_name"]


def test_operators_are_single_tokens_and_spaces_vanish(tokenizer: CodeTokenizer) -> None:
    assert pieces(tokenizer, "value  ==\tother") == ["value", "==", "other"]


def test_blank_lines_count_as_one_newline(tokenizer: CodeTokenizer) -> None:
    assert pieces(tokenizer, "self\n\n\n   self\n") == ["self", "\n", "self"]


def test_offsets_are_bytes_of_the_utf8_text(tokenizer: CodeTokenizer) -> None:
    encoding = tokenizer.encode("größe = self")
    assert encoding.starts[-1] == len("größe = ".encode())
    assert encoding.ends[-1] == len("größe = self".encode())


def test_every_token_of_an_identifier_carries_its_word_and_only_the_first_begins_it(tokenizer: CodeTokenizer) -> None:
    encoding = tokenizer.encode("self.getXMLName")
    names = [encoding.names[word] if word >= 0 else None for word in encoding.words]
    assert names == ["self", None, "getXMLName", "getXMLName", "getXMLName"]
    assert encoding.first.tolist() == [True, True, True, False, False]


def test_a_hidden_name_in_a_question_is_one_special_token(tokenizer: CodeTokenizer) -> None:
    hidden, plain, twice = tokenizer.batch_marked_ids(["self.[HIDDEN]()", "self.x()", "[HIDDEN][HIDDEN]"])
    before, after = tokenizer.batch_ids(["self.", "()"])
    assert hidden == [*before, HIDDEN, *after]
    assert plain == tokenizer.ids("self.x()")
    assert twice == [HIDDEN, HIDDEN]


@pytest.mark.parametrize("text", SPECIAL_TOKENS)
def test_code_that_spells_a_special_token_is_code(text: str) -> None:
    trained = CodeTokenizer.train(TEXTS, 400, 2)
    for tokenizer in (trained, CodeTokenizer(Tokenizer.from_str(trained.dumps()))):
        for ids in (tokenizer.ids(text), tokenizer.batch_ids([text])[0], tokenizer.encode(text).ids.tolist()):
            assert min(ids) >= len(SPECIAL_TOKENS)
            assert tokenizer.decode_name(ids) == text


@pytest.mark.parametrize("name", ["get_name", "getXMLName", "größe", "_x1", "unseen_Zyx9", "变量"])
def test_a_name_is_the_concatenation_of_its_tokens(tokenizer: CodeTokenizer, name: str) -> None:
    assert tokenizer.decode_name(tokenizer.ids(name)) == name


def test_training_twice_gives_the_same_bytes() -> None:
    assert CodeTokenizer.train(TEXTS, 400, 2).dumps() == CodeTokenizer.train(TEXTS, 400, 2).dumps()


def test_a_foreign_tokenizer_is_refused(tmp_path, tokenizer: CodeTokenizer) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "tokenizer.json"
    path.write_text(tokenizer.dumps().replace("[HIDDEN]", "[SEP]"), encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"tokenizer\.json: first tokens are"):
        CodeTokenizer.load(path)
