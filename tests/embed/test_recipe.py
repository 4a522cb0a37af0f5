"""The texts that are embedded, and the words of which."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoir.embed.recipe import _INVISIBLE, _JOINTS, LIMIT, component_text, query_text, recipe_hash, split, views
from autoir.embed.words import pattern_terms, stem, terms

LOGGED = "aBcé1_-/.:=~|^<>[] \t\x00\u200b①数"
"""Letters of which logs are made, with marks for a wildcard, a redaction and a kept class."""


@pytest.mark.parametrize(
    ("template", "component", "expected"),
    [
        # what a mask removed goes, what it kept stays
        ("QueuePool limit of size <*> reached", "", ("Queue Pool limit of size reached",)),
        ("exit status 137", "", ("exit status 137",)),
        ("GET /cart <ok> in <*>", "", ("GET cart ok in",)),
        ("password=[REDACTED:password] refused", "", ("password= refused",)),
        # joints of identifiers
        ("max.poll.interval.ms", "", ("max poll interval ms",)),
        ("HTTPServerError in order_items", "", ("HTTP Server Error in order items",)),
        ("md5 of C:\\temp\\a-b", "", ("md 5 of C: temp a b",)),
        # two views, the component split likewise
        ("pool closed", "app.db.PoolWatch", ("pool closed", "app db Pool Watch : pool closed")),
        ("pool closed", "<*>", ("pool closed",)),
        # there is always a text
        ("<*>", "", ("<*>",)),
        ("<*> <*>", "cron", ("<*> <*>", "cron : <*> <*>")),
        ("", "", ("empty",)),
        ("   ", "", ("empty",)),
        # hostile: escape codes, NUL, marks that turn the direction of writing
        ("a\x1b[31mb\x00c\u202ed\u200be", "", ("a [31 mb c d e",)),
        ("x" * 5_000, "", ("x" * LIMIT,)),
    ],
)
def test_views(template: str, component: str, expected: tuple[str, ...]) -> None:
    assert views(template, component) == expected


def test_a_query_is_split_as_templates_are_and_bounded() -> None:
    assert query_text("  HikariPool\ttimed_out ") == "Hikari Pool timed out"
    assert len(query_text("word " * 2_000)) <= LIMIT


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (("took <*> ms", "db"), ("took <*>  ms", "db"), True),
        (("took <*> ms", "db"), ("took <*> ms", "web"), False),
        (("took <*> ms", ""), ("took <*> s", ""), False),
        (("b", "a"), ("a : b", ""), False),
    ],
)
def test_recipe_hash_is_equal_where_the_texts_are(a: tuple[str, str], b: tuple[str, str], equal: bool) -> None:
    assert (recipe_hash(*a) == recipe_hash(*b)) is equal
    assert len(recipe_hash(*a)) == 24


@given(st.text(alphabet="aB1_-/.\\ \t\x00\x85\u200b\u2028\u3000é", max_size=90))
def test_words_are_split_one_by_one_as_in_their_text(text: str) -> None:
    assert split(text) == " ".join(_JOINTS.sub(" ", _INVISIBLE.sub(" ", text)).split())


@given(st.text(alphabet=LOGGED, max_size=60), st.text(alphabet=LOGGED, max_size=20))
def test_a_pattern_s_terms_are_those_of_its_text(template: str, component: str) -> None:
    template = template.replace("~", "<*>").replace("|", "[REDACTED:key]").replace("^", "<ok>")
    assert pattern_terms(template, component) == terms(component_text(template, component))


@given(st.text(max_size=300), st.text(max_size=60))
def test_every_pattern_has_texts_without_control_characters(template: str, component: str) -> None:
    texts = views(template, component)
    assert 1 <= len(texts) <= 2
    assert all(text.strip() for text in texts)
    assert recipe_hash(template, component) == recipe_hash(template, component)


@pytest.mark.parametrize(
    ("words", "root"),
    [
        ("connect connects connected connecting connection connections", "connect"),
        ("expire expired expires expiring expiration", "expir"),
        ("validate validated validating validation valid", "valid"),
        ("retry retries retried retrying", "retry"),
        ("cancel cancelled cancelling cancels canceled", "cancel"),
        ("time timed times timing", "tim"),
        ("process processes processed processing", "process"),
        ("stop stopped stopping stops", "stop"),
        ("install installed installs", "instal"),
        ("exceed exceeded exceeds", "exceed"),
        # what looks like an ending and is none
        ("status", "status"),
        ("class", "class"),
        ("redis", "redis"),
        ("region", "region"),
        ("need", "need"),
        ("ping", "ping"),
        # codes
        ("503", "503"),
        ("e11000", "e11000"),
        ("über", "über"),
    ],
)
def test_stems(words: str, root: str) -> None:
    assert {stem(word) for word in words.split()} == {root}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The QueuePool timed out", ["queu", "pool", "tim", "out"]),
        ("not found: /api/v2/orderItems", ["not", "found", "api", "v", "2", "order", "item"]),
        ("where is it", []),
        ("?! <> --", []),
        ("Überlauf café", ["uberlauf", "caf"]),
        ("磁盘 full", ["磁", "盘", "full"]),
        ("x" * 100, []),
    ],
)
def test_terms(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_storing_events_loads_no_numpy() -> None:
    code = "import sys, autoir.embed, autoir.embed.recipe; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
