"""Words and pieces of words. The reference implementation is asked in test_tokenizer_reference.py."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoir.embed.local import ModelFileError
from autoir.embed.local.tokenizer import Tokenizer, read_vocabulary, words
from tests.embed.local.tiny import LETTERS, MARKS, VOCABULARY

IDS = {token: number for number, token in enumerate(VOCABULARY)}
TOKENIZER = Tokenizer(IDS)


def pieces(text: str, max_tokens: int = 64) -> str:
    return " ".join(VOCABULARY[number] for number in TOKENIZER.encode(text, max_tokens))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Connection POOL", ["connection", "pool"]),
        ("time-out: 5_000ms", ["time", "-", "out", ":", "5", "_", "000ms"]),
        ("$a+b=c^|~`d", ["$", "a", "+", "b", "=", "c", "^", "|", "~", "`", "d"]),
        ("", []),
        (" \t\n\r\x0b\x0c ", []),
        # control characters go and part nothing; tab and line feed are blanks
        ("a\x00b\x07c\x1b[0m\x7fd", ["abc", "[", "0md"]),
        ("a\tb\nc\rd", ["a", "b", "c", "d"]),
        ("a\x0bb\x0cc", ["abc"]),
        # beyond ASCII: accents, blanks, format characters, what cannot be decoded
        ("Erschöpft é É ñ Å", ["erschopft", "e", "e", "n", "a"]),
        ("e\u0301a\u0308", ["ea"]),
        ("a\u00a0b\u2003c\u3000d\u2028e", ["a", "b", "c", "d", "e"]),
        ("a\u200bb\u00adc\ufeffd\ufffde\ue000f\x85g", ["abcdefg"]),
        ("a\ud800b", ["ab"]),
        ("İ I ı ß ẞ", ["i", "i", "ı", "ß", "ß"]),
        ("ΣΟΣ", ["σοσ"]),  # no final sigma: a character does not know its neighbours
        ("磁盘full磁", ["磁", "盘", "full", "磁"]),
        ("\uf900", ["豈"]),
        ("かな カナ", ["かな", "カナ"]),
        ("é—b…c“d”¿e«", ["e", "—", "b", "…", "c", "“", "d", "”", "¿", "e", "«"]),
        ("é≠b €5 ™ ½", ["e", "=", "b", "€5", "™", "½"]),
        ("é\x00\x07\tb", ["e", "b"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert list(words(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("connection pool timeout", "[CLS] connection pool time ##out [SEP]"),
        ("deadlocked", "[CLS] dead ##lock ##ed [SEP]"),
        ("unable", "[CLS] un ##able [SEP]"),
        ("unabl", "[CLS] un ##a ##b ##l [SEP]"),
        ("timeß ß", "[CLS] [UNK] ß [SEP]"),  # unknown in its middle is unknown as a whole
        ("磁盘 ο οσ", "[CLS] 磁 盘 ο ο ##σ [SEP]"),
        ("☃", "[CLS] [UNK] [SEP]"),
        ("", "[CLS] [SEP]"),
        ("a" * 100, " ".join(["[CLS]", "a", *["##a"] * 99, "[SEP]"])),
        ("a" * 101, "[CLS] [UNK] [SEP]"),
        ("é" * 100, " ".join(["[CLS]", "e", *["##e"] * 99, "[SEP]"])),
        # a log line does not speak to the model in its own marks
        ("[SEP] [UNK]", "[CLS] [ s ##e ##p ] [ un ##k ] [SEP]"),
    ],
)
def test_pieces(text: str, expected: str) -> None:
    assert pieces(text, 128) == expected


@pytest.mark.parametrize(
    ("max_tokens", "expected"),
    [
        (2, "[CLS] [SEP]"),
        (3, "[CLS] dead [SEP]"),
        (4, "[CLS] dead ##lock [SEP]"),
        (5, "[CLS] dead ##lock ##ed [SEP]"),
        (6, "[CLS] dead ##lock ##ed pool [SEP]"),
        (7, "[CLS] dead ##lock ##ed pool [SEP]"),
    ],
)
def test_a_text_is_cut_with_its_marks_counted(max_tokens: int, expected: str) -> None:
    assert pieces("deadlocked pool", max_tokens) == expected


@given(st.text(max_size=300), st.integers(2, 40))
def test_any_text_has_tokens_between_the_marks_and_a_cut_is_a_prefix(text: str, max_tokens: int) -> None:
    found = TOKENIZER.encode(text, max_tokens)
    whole = TOKENIZER.encode(text, 10_000)
    assert found == [*whole[:-1][: max_tokens - 1], IDS["[SEP]"]]
    assert whole[0] == IDS["[CLS]"]
    assert all(0 <= number < len(VOCABULARY) for number in whole)
    assert not {IDS["[PAD]"], IDS["[MASK]"]} & {*whole}


@given(st.text(st.characters(max_codepoint=127), max_size=200))
def test_the_short_way_for_ascii_is_the_long_way(text: str) -> None:
    assert list(words(text)) == list(words(f"{text} é"))[:-1]


@given(st.text(max_size=200))
def test_pieces_put_together_are_the_word(text: str) -> None:
    letters = Tokenizer(
        {token: number for number, token in enumerate([*MARKS, *LETTERS, *(f"##{c}" for c in LETTERS)])}
    )
    names = [*MARKS, *LETTERS, *LETTERS]
    for word in words(text):
        found = [names[number] for number in letters.encode(word, 200)[1:-1]]
        known = len(word) <= 100 and all(c in LETTERS for c in word)
        assert "".join(found) == (word if known else "[UNK]")


def test_only_the_vocabulary_is_read_from_a_tokenizer_json(tmp_path: Path) -> None:
    document = {
        "truncation": {"max_length": 128},
        "padding": {"strategy": {"Fixed": 128}},
        "model": {"type": "WordPiece", "vocab": IDS},
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(document), "utf-8")
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", "utf-8")
    assert read_vocabulary(tmp_path / "tokenizer.json") == read_vocabulary(tmp_path / "vocab.txt") == IDS


@pytest.mark.parametrize(
    ("name", "content", "words_of_error"),
    [
        ("vocab.txt", None, "no vocabulary can be read"),
        ("vocab.txt", b"a\xff", "no vocabulary can be read"),
        ("vocab.txt", b"a\nb\na\n", "given twice"),
        ("tokenizer.json", b"{", "no vocabulary can be read"),
        ("tokenizer.json", b"[" * 100_000, "no vocabulary can be read"),
        ("tokenizer.json", b"[]", "no WordPiece vocabulary"),
        ("tokenizer.json", b'{"model": {"type": "BPE", "vocab": {}}}', "no WordPiece vocabulary"),
        ("tokenizer.json", b'{"model": {"vocab": {"a": "0"}}}', "no WordPiece vocabulary"),
        ("tokenizer.json", b'{"model": {"vocab": {"a": 0, "b": 2}}}', "ids of tokens are missing"),
        ("tokenizer.json", b'{"model": {"vocab": {"a": 0, "b": 0}}}', "given twice"),
    ],
)
def test_what_is_no_vocabulary(tmp_path: Path, name: str, content: bytes | None, words_of_error: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelFileError, match=words_of_error):
        read_vocabulary(tmp_path / name)


@pytest.mark.parametrize("missing", ["[UNK]", "[CLS]", "[SEP]"])
def test_a_vocabulary_without_its_marks(missing: str) -> None:
    with pytest.raises(ModelFileError, match=rf"no \{missing}"):
        Tokenizer({token: number for token, number in IDS.items() if token != missing})
