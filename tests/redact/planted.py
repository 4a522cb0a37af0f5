"""Planted secrets: every rule in every place a log line can hold one.

Made up at run time from a seed and put together from pieces, so that no scanner takes this file for a leak.
"""

import base64
import json
import random
import string
from collections.abc import Callable

from autoir.redact.rule import marker

RNG = random.Random(20260301)
ALNUM = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + string.digits
BASE64URL = ALNUM + "-_"
HEX = "0123456789abcdef"
URL_SAFE = str.maketrans("+/", "-_")


def draw(alphabet: str, count: int) -> str:
    return "".join(RNG.choices(alphabet, k=count))


def mixed(count: int) -> str:
    """A token with both cases and a digit, as real ones have."""
    return draw(ALNUM, count - 3) + "aZ7"


def luhn_complete(digits: str) -> str:
    total = sum(sum(divmod(int(d) * (2 if i % 2 == 0 else 1), 10)) for i, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def card(prefix: str, length: int) -> str:
    return luhn_complete(prefix + draw(string.digits, length - 1 - len(prefix)))


def grouped(number: str, separator: str, *sizes: int) -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(number[at : at + size])
        at += size
    return separator.join(parts)


def jwt() -> str:
    return ".".join(("eyJ" + draw(BASE64URL, 33), "eyJ" + draw(BASE64URL, 60), draw(BASE64URL, 43)))


def pem(kind: str, newline: str = "\n", end: bool = True) -> str:
    body = [draw(ALNUM + "+/", 64) for _ in range(3)]
    tail = [f"-----END {kind}PRIV" + "ATE KEY-----"] if end else []
    return newline.join([f"-----BEGIN {kind}PRIV" + "ATE KEY-----", *body, *tail])


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode().rstrip("=")


# Rule, and a maker of secrets that need no key to be known.
SHAPES: list[tuple[str, Callable[[], str]]] = [
    ("aws-key-id", lambda: "AK" + "IA" + draw(UPPER, 16)),
    ("aws-key-id", lambda: "AS" + "IA" + draw(UPPER, 16)),
    ("private-key", lambda: pem("RSA ")),
    ("private-key", lambda: pem("")),
    ("private-key", lambda: pem("EC ", newline="\\n")),
    ("private-key", lambda: pem("OPENSSH ")),
    ("jwt", jwt),
    ("jwt", lambda: jwt().rpartition(".")[0]),  # cut off before the signature
    ("token", lambda: "gh" + "p_" + mixed(36)),
    ("token", lambda: "gh" + "o_" + mixed(36)),
    ("token", lambda: "gh" + "s_" + mixed(36)),
    ("token", lambda: "gh" + "u_" + mixed(36)),
    ("token", lambda: "github" + "_pat_" + mixed(22) + "_" + mixed(59)),
    ("token", lambda: "xo" + "xb-" + draw(string.digits, 12) + "-" + mixed(24)),
    ("token", lambda: "xo" + "xp-" + draw(string.digits, 12) + "-" + mixed(24)),
    ("token", lambda: "sk" + "_live_" + mixed(24)),
    ("token", lambda: "rk" + "_live_" + mixed(24)),
    ("token", lambda: "AI" + "za" + mixed(35)),
    ("token", lambda: "ya" + "29." + mixed(60)),
    ("token", lambda: "gl" + "pat-" + mixed(20)),
    ("token", lambda: "np" + "m_" + mixed(36)),
    ("token", lambda: "py" + "pi-" + "AgEI" + mixed(80)),
    ("token", lambda: "S" + "G." + mixed(22) + "." + mixed(43)),
    ("token", lambda: "S" + "K" + draw(HEX, 32)),
    ("token", lambda: "s" + "k-" + mixed(48)),
    ("token", lambda: "s" + "k-proj-" + mixed(60)),
    ("token", lambda: "s" + "k-ant-api03-" + mixed(80)),
    ("token", lambda: "do" + "p_v1_" + draw(HEX, 64)),
    ("token", lambda: "hv" + "s." + mixed(90)),
    ("token", lambda: "AB" + "SK" + mixed(128)),
    ("token", lambda: "AGE-SEC" + "RET-KEY-1" + draw(UPPER, 58)),
    ("token", lambda: "ATA" + "TT3" + mixed(180)),
    ("token", lambda: "dckr_" + "pat_" + mixed(27)),
    ("token", lambda: "nt" + "n_" + mixed(46)),
    ("token", lambda: "sb" + "p_" + draw(HEX, 40)),
    ("encoded", lambda: encoded(json.dumps({"user": "bob", "password": mixed(16), "page": list(range(20))}))),
    ("encoded", lambda: encoded(json.dumps({"user": "bob", "clientSecret": mixed(64)}, indent=2))),
    ("encoded", lambda: encoded(json.dumps({"q": "~~~???", "api_key": mixed(64)})).translate(URL_SAFE)),
    ("email", lambda: f"{draw(string.ascii_lowercase, 6)}.{draw(string.ascii_lowercase, 7)}@shop.example"),
    ("email", lambda: f"{draw(string.ascii_lowercase, 6)}+{draw(ALNUM, 4)}@mail.shop.co.uk"),
    ("card", lambda: card("4", 16)),
    ("card", lambda: card("4", 13)),
    ("card", lambda: card("53", 16)),
    ("card", lambda: card("2345", 16)),
    ("card", lambda: card("37", 15)),
    ("card", lambda: card("6011", 16)),
    ("card", lambda: grouped(card("4", 16), " ", 4, 4, 4, 4)),
    ("card", lambda: grouped(card("51", 16), "-", 4, 4, 4, 4)),
    ("card", lambda: grouped(card("34", 15), " ", 4, 6, 5)),
]

# Where a secret stands. None of these gives it away by a key.
PLACES: dict[str, Callable[[str], str]] = {
    "alone": lambda s: s,
    "start": lambda s: f"{s} was rejected by the gateway",
    "end": lambda s: f"2026-03-01T10:00:00Z WARN [cart] rejected {s}",
    "key=value": lambda s: f"level=warn svc=cart value={s} attempt=3",
    "quoted": lambda s: f"rejected '{s}', giving up",
    "json": lambda s: json.dumps({"level": "warn", "seen": s, "attempt": 3}),
    "json in json": lambda s: json.dumps({"message": json.dumps({"a": [json.dumps({"seen": s, "n": 1})]}), "n": 2}),
    "url": lambda s: f"GET https://shop.example/hook?state={s}&page=2 HTTP/1.1",
    "header": lambda s: f"> X-Trace-Source: {s}\r\n> Accept: */*\r\n",
    "traceback": lambda s: (
        f'Traceback (most recent call last):\n  File "a.py", line 3, in f\nValueError: bad value: {s}\n'
    ),
    "multi-line": lambda s: f"starting\n  with {s}\ndone",
    "unicode": lambda s: f"Größe ✓ 日本 «{s}» İstanbul 🎉",
    "brackets": lambda s: f"Order[id=7, seen=({s})]",
}

# Keys, each of which makes its value a secret.
KEY_NAMES = """
password passwd pwd DB_PASSWORD dbPassword user.password smtp_pass passphrase secret client_secret clientSecret
SECRET_KEY_BASE token access_token refreshToken id_token x-auth-token api_key apiKey x-api-key api-key
AWS_SECRET_ACCESS_KEY aws_session_token secretAccessKey x-amz-security-token DD_API_KEY DD-APPLICATION-KEY private_key
signingKey encryption_key AccountKey Ocp-Apim-Subscription-Key credential password2 password_hash
"""
KEYS = KEY_NAMES.split()

KEYED: dict[str, Callable[[str, str], str]] = {
    "=": lambda k, v: f"connect host=db {k}={v} timeout=5s",
    "= at the start": lambda k, v: f"{k}={v}",
    "= quoted": lambda k, v: f"connect host=db {k}='{v}' timeout=5s",
    "= spaced": lambda k, v: f"{k} = {v}",
    ":": lambda k, v: f"sending {k}: {v}\r\nAccept: */*",
    "yaml": lambda k, v: f"db:\n  host: a\n  {k}: {v}\n  port: 3306\n",
    "json": lambda k, v: json.dumps({"user": "bob", k: v, "n": 5}),
    "compact json": lambda k, v: json.dumps({"user": {"a": [{k: v, "n": 5}]}}, separators=(",", ":")),
    "json in json": lambda k, v: json.dumps({"m": "got " + json.dumps({"user": "bob", k: v, "n": 5})}),
    "json in json in json": lambda k, v: json.dumps({"m": json.dumps({"b": json.dumps({k: v, "n": 5}), "n": 1})}),
    "line in json": lambda k, v: json.dumps({"m": f"failed: {k}={v}\nhost=db"}),
    "query": lambda k, v: f'"GET /v1/items?{k}={v}&page=2 HTTP/1.1" 200',
    "encoded query": lambda k, v: f"next=https%3A%2F%2Fa.example%2F%3F{k}%3D{v}%26page%3D2",
    "python": lambda k, v: repr({"user": "bob", k: v, "n": 5}),
    "python bytes": lambda k, v: f"{{b'{k}': b'{v}', b'n': b'5'}}",
    "pairs": lambda k, v: repr([("user", "bob"), (k, v)]),
    "java": lambda k, v: f"User(name=bob, {k}={v}, age=5)",
    "java map": lambda k, v: f"{{name=bob, {k}={v}}}",
    "go map": lambda k, v: f"map[{k}:{v} user:bob]",
    "ruby": lambda k, v: f'{{"user"=>"bob", "{k}"=>"{v}"}}',
    "rust": lambda k, v: f'Config {{ {k}: Some("{v}"), n: 5 }}',
    "connection string": lambda k, v: f"Server=db;{k}={v};Database=shop",
    "colours": lambda k, v: f"\x1b[36m{k}=\x1b[0m{v}",
    "traceback": lambda k, v: f'  File "a.py", line 3, in f\n    connect("db", {k}="{v}")\nTypeError: no',
    "unicode": lambda k, v: f"İ日本 «{k}={v} » ✓",
    "form field": lambda k, v: f"user[{k}]={v}&n=5",
}


def keyed_value(place: str) -> str:
    value = mixed(RNG.randint(8, 40))
    if place in ("json", "compact json", "json in json", "json in json in json"):
        value = f'a"{value}\\,}}'  # what only an escape keeps inside the string
    elif place in ("=", ":", "= quoted"):
        value = f"{value[:4]}!$#%^*{value[4:]}"
    return value


def planted() -> list[tuple[str, str, str, str]]:
    """Name of the case, message, secret, expected message."""
    cases = [
        (f"{rule}-{number}-{place}", build(secret), secret, build(marker(rule)))
        for number, (rule, make) in enumerate(SHAPES)
        for place, build in PLACES.items()
        for secret in [make()]
    ]
    cases += [
        (f"{key}-{place}", build(key, value), value, build(key, marker("secret")))
        for key in KEYS
        for place, build in KEYED.items()
        for value in [keyed_value(place)]
    ]
    for place, build in PLACES.items():
        for scheme in ("Bearer", "bearer", "Basic"):
            pair = base64.b64encode(f"{mixed(6)}:{mixed(9)}".encode()).decode() if scheme == "Basic" else mixed(40)
            cases.append(
                (f"{scheme}-{place}", build(f"{scheme} {pair}"), pair, build(f"{scheme} [REDACTED:authorization]"))
            )
        for url in (
            "postgres://{}@db.internal:5432/shop",
            "https://{}@git.example/a.git",
            "mongodb+srv://{}@c.example/",
        ):
            pair = f"{draw(string.ascii_lowercase, 6)}:{mixed(12)}"
            cases.append((f"userinfo-{place}", build(url.format(pair)), pair, build(url.format("[REDACTED:userinfo]"))))
    return cases


PLANTED = planted()
