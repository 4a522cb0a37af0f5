"""Token ids against Hugging Face's ``tokenizers``, which no run of AutoIR needs: ``uv sync --group reference``.

Its tables of marks and punctuation are of Unicode 8, Python's are newer: the six hundred characters whose kind the two
see differently are of scripts that came later, and are left out.
"""

import random
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoir.embed.local.tokenizer import Tokenizer, read_vocabulary
from tests.embed.local.tiny import VOCABULARY

reference = pytest.importorskip("tokenizers", reason="tokenizers is not installed: uv sync --group reference")

GENERATED = 10_000
NO_CUT = 1 << 20


class Pair:
    """Both tokenizers over one vocabulary."""

    def __init__(self, vocabulary: dict[str, int]) -> None:
        self._ours = Tokenizer(vocabulary)
        model = reference.models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100)
        # Without added tokens, so that [SEP] in a text is text.
        self._theirs = reference.Tokenizer(model)
        self._theirs.normalizer = reference.normalizers.BertNormalizer(lowercase=True)
        self._theirs.pre_tokenizer = reference.pre_tokenizers.BertPreTokenizer()

    def differ(self, text: str) -> bool:
        return self._ours.encode(text, NO_CUT)[1:-1] != self._theirs.encode(text).ids


@pytest.fixture(scope="module", params=["letters", "all-MiniLM-L6-v2"])
def pair(request: pytest.FixtureRequest) -> Pair:
    if request.param == "letters":
        return Pair({token: number for number, token in enumerate(VOCABULARY)})
    folder: Path = request.getfixturevalue("minilm")
    return Pair(read_vocabulary(folder / "vocab.txt"))


def _seen_otherwise() -> Iterator[str]:
    """Characters that the reference takes for another kind than Python's tables say."""
    normalizer = reference.normalizers.BertNormalizer(lowercase=True)
    splitter = reference.pre_tokenizers.BertPreTokenizer()
    for c in map(chr, range(128, sys.maxunicode)):
        kind = unicodedata.category(c)
        if kind in ("Mn", "Mc", "Cf", "So") or kind[0] == "P":
            kept = unicodedata.normalize("NFD", c)[0] in normalizer.normalize_str(c)
            parts = len(splitter.pre_tokenize_str(f"a{c}b")) == 3
            if kept != (kind not in ("Mn", "Cf")) or parts != (kind[0] == "P"):
                yield c


OTHERWISE = frozenset(_seen_otherwise())

_WORDS = r"""
ERROR WARN INFO level=error connection refused timed out QueuePool limit HikariPool-1 java.net.ConnectException
com.example.billing.InvoiceService.renderPdf(InvoiceService.java:88) /var/log/app.log C:\temp\a-b 0x7ffd3c
GET /api/v2/orders?id=7&x=%20y HTTP/1.1 503 10.0.0.17:5432 [2026-03-17T14:30:05.123Z] {"k":"v","n":-1.5e-9}
user_id=<*> camelCaseName snake_case_name ENOSPC SQLSTATE[23505] errno=28 ~!@#$%^&*()_+`-={}|[]\:";'<>?,./ $12.50
[SEP] [CLS] [MASK] [UNK] ##ing a--b __init__ can't won't e.g. U.S. 1,048,576 99.9% #42 pg_stat v1.2.3-rc.1+build
Speicherüberlauf échec délai dépassé niño İstanbul ığüşöç ошибка подключения ΣΦΑΛΜΑ ΣΥΝΔΕΣΗΣ 磁盘空间不足
データベース接続 연결이거부되었습니다 शीर्षक ไฟล์ไม่พบ خطأ في الاتصال שגיאה ﬁle ½ ² ™ € № … — “quoted” «fr» ´`' ≠ ∑ ☃
ＡＢＣ１２３ Ǆ ŉ ẞ ﷺ 豈 〇 々 ㄱ ㌔ 𝕏 𠀀
"""
WORDS = [
    *_WORDS.split(),
    *("a\u0301", "e\u0308\u0323", "soft\u00adhyphen", "zero\u200bwidth\u200d", "no\u00a0break", "thin\u2009space"),
    *(
        "line\u2028end",
        "\ufeffmark",
        "\ufffd",
        "\ue000",
        "\x00nul",
        "\x1b[31mred\x1b[0m",
        "tab\tend",
        "\x85",
        "\U0001f680",
    ),
]


def log_like(rng: random.Random) -> str:
    """A line as it might be logged, now and then with a word glued, cut, doubled, upper-cased or drawn at random."""
    found = []
    for _ in range(rng.randrange(1, 15)):
        word = rng.choice(WORDS)
        match rng.randrange(8):
            case 0:
                word = word[rng.randrange(len(word) + 1) :] + rng.choice(WORDS)
            case 1:
                word = word.upper() if rng.random() < 0.5 else word.title()
            case 2:
                word *= rng.choice((2, 3, 30))
            case 3:
                word = "".join(
                    rng.choice("abcdefghijklmnopqrstuvwxyz0123456789-_.") for _ in range(rng.randrange(1, 120))
                )
            case 4:
                word = "".join(chr(rng.randrange(0x20, 0x2FFF)) for _ in range(rng.randrange(1, 6)))
        found.append(word)
    return rng.choice([" ", " ", " ", "", "\t", "\n", "  "]).join(found)


def known(text: str) -> bool:
    return OTHERWISE.isdisjoint(text)


def test_few_characters_are_left_out_and_none_that_logs_are_written_in() -> None:
    assert 0 < len(OTHERWISE) < 650
    assert min(OTHERWISE) > "\u0600"


def test_generated_lines_have_the_same_tokens(pair: Pair) -> None:
    rng = random.Random(20_260_317)
    texts: list[str] = []
    while len(texts) < GENERATED:
        text = log_like(rng)
        if known(text):
            texts.append(text)
    assert [text for text in texts if pair.differ(text)] == []


@settings(max_examples=1_000)
@given(text=st.text(max_size=120).filter(known))
def test_any_text_has_the_same_tokens(pair: Pair, text: str) -> None:
    assert not pair.differ(text)


@pytest.mark.parametrize("first", range(0, 0x30000, 0x4000))
def test_every_character_has_the_same_tokens(pair: Pair, first: int) -> None:
    characters: list[Any] = [chr(n) for n in range(first, first + 0x4000) if not 0xD800 <= n <= 0xDFFF]
    assert [c for c in characters if known(c) and pair.differ(f"a{c}b {c}")] == []
