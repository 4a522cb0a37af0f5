"""An incident told from its evidence: what each sentence says, and that every one can be checked."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoir.clock import MINUTE_MS, SECOND_MS
from autoir.incidents import Incident
from autoir.report.describe import SUMMARY_LIMIT, TITLE_LIMIT, describe, phrase_of, service_of
from autoir.report.evidence import Evidence
from autoir.report.steps import MOST
from tests.report.samples import POOL, UPSTREAM, evidence, incident

BEAT = "/shop/checkout: queue poll ok"
LIMIT = "“QueuePool limit of size 20 overflow 10 reached”"
WARNING = "2026-03-17 14:33:20,123 WARN shop.db slow query"


def texts(found: Incident, kind: str) -> list[str]:
    return [claim.text for claim in found.claims if claim.kind == kind]


@pytest.mark.parametrize(
    ("given_", "title", "symptom"),
    [
        # never seen: by class
        (
            evidence(),
            "QueuePool limit of size 20 overflow 10 reached",
            f"New error in checkout: {LIMIT}, 312 times, never seen before.",
        ),
        (
            evidence(total=1),
            "QueuePool limit of size 20 overflow 10 reached",
            f"New error in checkout: {LIMIT}, 12 times, never seen before.",
        ),
        (
            evidence(WARNING, severity_class=1, total=2_000),
            "slow query",
            "New warning in checkout: “slow query”, 2,000 times, never seen before.",
        ),
        (
            evidence(WARNING, severity_class=0),
            "slow query",
            "New message in checkout: “slow query”, 312 times, never seen before.",
        ),
        # a suspect again, within the same incident
        (
            evidence(kind="recur"),
            "QueuePool limit of size 20 overflow 10 reached",
            f"New error in checkout: {LIMIT}, 312 times, seldom or never seen before.",
        ),
        # more than usual, the usual beside it
        (
            evidence(kind="spike", observed=205, usual=0.1),
            "QueuePool limit of size 20 overflow 10 reached",
            f"Spike in checkout: {LIMIT}, 41 a minute, usually 0.1.",
        ),
        (
            evidence(kind="errshare", observed=6_000, usual=3),
            "QueuePool limit of size 20 overflow 10 reached",
            f"More errors in checkout: {LIMIT}, 1,200 a minute, usually 3.",
        ),
        (
            evidence(kind="errshare", observed=50, usual=0, samples=0),
            "more errors",
            "More errors in checkout: 10 a minute, usually none.",
        ),
        # less than usual
        (
            evidence(kind="silence", observed=0, usual=20, samples=0),
            "silent, usually 20 lines a minute",
            "Silence in checkout: 0 lines a minute, usually 20.",
        ),
        (
            evidence(kind="gap"),
            "“QueuePool limit of size 20 overflow 10 reached” is overdue",
            f"Overdue in checkout: {LIMIT}, no longer comes when it is due.",
        ),
        (
            evidence(kind="heartbeat", subject=BEAT, usual=1, samples=0),
            "heartbeat “queue poll ok” is missing",
            "Heartbeat missing in checkout: “queue poll ok” has not come, 5 times expected.",
        ),
    ],
)
def test_title_and_symptom(given_: Evidence, title: str, symptom: str) -> None:
    found = describe(incident(), [given_])
    assert found.title == f"checkout: {title}"
    assert texts(found, "symptom") == [symptom]
    assert found.claims[0].cites == given_.candidate.sample_ids
    assert found.summary.startswith(symptom)
    assert symptom.lower().startswith(f"{phrase_of(found)} in ")


def test_what_came_before_says_so() -> None:
    found = describe(incident(previous_id="inc-00000000"), [evidence(kind="recur")])
    assert texts(found, "symptom") == [f"Error is back in checkout: {LIMIT}, 312 times, seen in an earlier incident."]
    assert found.steps[-1].action.startswith("How it ended last time")


def test_an_outage_of_three_services_reads_in_order() -> None:
    found = describe(
        incident("/shop/checkout", "/shop/cart", "/shop/web"),
        [
            evidence('2026-03-17 "POST /checkout HTTP/1.1" 503 1 "-"', "/shop/web", after_ms=52_000),
            evidence(UPSTREAM, "/shop/cart", after_ms=35_000),
            evidence(),
        ],
    )
    assert found.title == "checkout: QueuePool limit of size 20 overflow 10 reached"
    assert [claim.kind for claim in found.claims] == ["symptom"] * 3 + ["timeline", "impact", "ruled_out"]
    assert texts(found, "timeline") == ["checkout came first, cart 35 s later and web 52 s later."]
    assert texts(found, "impact") == ["Also hit: cart and web; 1,284 events in 2 min 5 s."]
    assert texts(found, "ruled_out") == ["Not cart and web: they follow checkout."]
    assert found.sample_ids[:3] == found.claims[0].cites
    assert len(found.sample_ids) == 7


@pytest.mark.parametrize(
    ("deploy_ms", "group", "own_ms", "kind", "text"),
    [
        # another service, before: nothing there
        (
            -600_000,
            "/shop/cart",
            None,
            "ruled_out",
            "Not the deploy of cart (“3.9.1”) 10 min before: nothing in cart is unusual.",
        ),
        # another service, before, and it suffers later
        (
            -600_000,
            "/shop/cart",
            60_000,
            "ruled_out",
            "Not the deploy of cart (“3.9.1”): cart was well until 1 min after checkout.",
        ),
        # another service, before, and it suffered first
        (
            -600_000,
            "/shop/cart",
            -30_000,
            "assumption",
            "The deploy of cart (“3.9.1”) came 10 min before, and cart showed signs first.",
        ),
        # after the fact
        (
            90_000,
            "/shop/cart",
            None,
            "ruled_out",
            "Not the deploy of cart (“3.9.1”): it came 1 min 30 s after checkout first showed this.",
        ),
        (
            90_000,
            "/shop/checkout",
            None,
            "ruled_out",
            "Not the deploy of checkout (“3.9.1”): it came 1 min 30 s after checkout first showed this.",
        ),
        # the suspect itself, before
        (
            -60_000,
            "/shop/checkout",
            None,
            "assumption",
            "The deploy of checkout (“3.9.1”) came 1 min before: it may have brought this.",
        ),
    ],
)
def test_deploys(deploy_ms: int, group: str, own_ms: int | None, kind: str, text: str) -> None:
    deploy = evidence("started", group, "deploy", after_ms=deploy_ms, severity_class=0, score=0, fold="3.9.1")
    signs = [evidence(), deploy]
    if own_ms is not None:
        signs.append(evidence(UPSTREAM, group, after_ms=own_ms))
    found = describe(incident("/shop/checkout", "/shop/cart"), signs)
    assert text in texts(found, kind)
    cites = next(claim.cites for claim in found.claims if claim.text == text)
    assert cites[0] == deploy.candidate.sample_ids[0]
    suspected = kind == "assumption" and group == "/shop/checkout"
    assert found.steps[0].action.startswith("Compare checkout before and after its deploy") == suspected
    assert found.title.startswith("checkout: QueuePool")


def test_a_weaker_earlier_group_is_no_origin() -> None:
    early = evidence(UPSTREAM, "/shop/cart", after_ms=-20_000, score=2.8)
    found = describe(incident("/shop/checkout", "/shop/cart"), [evidence(), early])
    assert texts(found, "ruled_out") == ["Not cart (2.8): weaker signs than checkout (6.5)."]
    assert texts(found, "timeline") == []


def test_the_same_words_are_told_once() -> None:
    others = [evidence(POOL.replace("20", str(n)), total=10) for n in (30, 40)]
    found = describe(incident(), [evidence(total=10, subject="1"), *others])
    assert texts(found, "symptom") == [f"New error in checkout: {LIMIT}, 36 times, never seen before."]


def test_one_traceback_is_one_symptom() -> None:
    lines = ['  File "/srv/a.py", line 3, in f', "ShopError: all gone", "Traceback (most recent call last):"]
    signs = [evidence(line, fold="f", severity_class=int("Error" in line) + 1) for line in lines]
    found = describe(incident(), signs)
    assert found.title == "checkout: ShopError: all gone"
    assert len(texts(found, "symptom")) == 1


def test_errors_counted_together_only_where_none_is_told() -> None:
    share = evidence("ERROR x", kind="errshare", observed=90)
    assert len(texts(describe(incident(), [evidence(), share]), "symptom")) == 1
    assert len(texts(describe(incident(), [evidence(WARNING, severity_class=1), share]), "symptom")) == 2


def test_a_group_floods_nobody() -> None:
    words = ["oak", "elm", "ash", "fir", "yew", "box", "sorb", "pear", "plum", "fig"]
    signs = [evidence(f"ERROR {word} broke", group) for group in ("/shop/checkout", "/a/b", "/a/c") for word in words]
    found = describe(incident("/shop/checkout", "/a/b", "/a/c"), signs)
    groups = [claim.text.split(":")[0].split()[-1] for claim in found.claims if claim.kind == "symptom"]
    assert groups == ["checkout"] * 3 + ["b"] * 2 + ["c"]
    assert len(found.steps) <= MOST


def test_nothing_known_is_said_plainly() -> None:
    found = describe(incident(), [])
    assert (found.title, found.claims, found.steps) == ("checkout: unusual log lines", (), ())
    assert (
        describe(incident().__class__(**{**_fields(incident()), "log_groups": ()}), []).title
        == "unknown: unusual log lines"
    )


def _fields(of: Incident) -> dict[str, object]:
    return {name: getattr(of, name) for name in of.__dataclass_fields__}


def test_only_its_words_change() -> None:
    before = incident("/shop/checkout", "/shop/cart")
    after = describe(before, [evidence(), evidence(UPSTREAM, "/shop/cart")])
    words = {"title", "summary", "claims", "steps", "sample_ids"}
    assert after == replace(before, **{name: getattr(after, name) for name in words})


LOG = st.text(st.characters(codec="utf-8"), max_size=120)
SIGNS = st.lists(
    st.builds(
        evidence,
        LOG,
        st.sampled_from(["/shop/checkout", "/shop/cart", "/evil/<b>@here", "x" * 300]),
        st.sampled_from(["new", "recur", "spike", "errshare", "silence", "gap", "heartbeat", "deploy"]),
        after_ms=st.integers(-MINUTE_MS, MINUTE_MS),
        severity_class=st.integers(0, 2),
        samples=st.integers(0, 3),
        total=st.integers(0, 10**6),
        usual=st.floats(0, 1e6),
        score=st.floats(0, 12),
        fold=st.sampled_from(["", "f"]),
    ),
    max_size=12,
)


@given(SIGNS, st.randoms(use_true_random=False))
def test_whatever_the_logs_say(signs: list[Evidence], rng: random.Random) -> None:
    before = incident("/evil/<b>@here", "/shop/checkout", "/shop/cart")
    found = describe(before, signs)
    stored = {sample.id for sign in signs for sample in sign.samples}
    cited = {cite for claim in found.claims for cite in claim.cites}
    assert cited <= stored
    assert not cited or set(found.sample_ids) == cited
    assert len(found.title) <= TITLE_LIMIT
    assert len(found.summary) <= SUMMARY_LIMIT
    said = [found.title, found.summary, *(c.text for c in found.claims), *(s.action for s in found.steps)]
    assert all(not set(text) & set("<>@") and (text.isprintable() or "\\" in text) for text in said)
    rng.shuffle(signs)
    assert describe(before, signs) == found


@pytest.mark.parametrize(
    ("log_group", "service"),
    [
        ("/shop/checkout", "checkout"),
        ("/aws/lambda/orders-api", "orders-api"),
        ("plain", "plain"),
        ("/a/b/", "b"),
        ("", "unknown"),
        ("/x/\x1b[31m<b>", "\\x1b[31m‹b›"),
        ("/x/" + "y" * 60, "y" * 39 + "…"),
    ],
)
def test_the_short_name_of_a_service(log_group: str, service: str) -> None:
    assert service_of(log_group) == service


def test_times_are_no_part_of_a_claim() -> None:
    late = describe(incident(), [evidence(after_ms=7 * SECOND_MS)])
    assert describe(incident(), [evidence()]).claims[0].text == late.claims[0].text
