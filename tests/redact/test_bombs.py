"""No message makes redaction slow."""

import pytest

from autoir.redact import redact
from tests.yardstick import cpu_s

BOMB_UNITS = [
    *("a", "A", "0", "4", "9", " ", "\t", "\n", '"', "'", "\\", "@", ".", ":", "=", "-", "_", "/", "%", "<", "[", "{"),
    *(
        ",",
        ";",
        "&",
        "+",
        "é",
        "\0",
        "\x1b[",
        "eyJ",
        "eyJ.",
        "eyJa.",
        "a@",
        "a@a.",
        "@a.",
        "a.",
        "%40a.",
        "://",
        "://a:",
    ),
    *(
        "://a:@x",
        "://x@a",
        "a:b@c:1 ",
        "@tcp(",
        "a:b@tcp(",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "AKIA",
        "ASIA0",
    ),
    *(
        "-----BEGIN PRIVATE KEY----- -----END ",
        "sk-",
        "sk-a",
        "SG.",
        "SG.aaaaaaaaaaaaaaaaaaaa.",
        "ghp_",
        "xoxb-",
        "npm_",
    ),
    *("bearer ", "bearer a ", "Bearer%20", "basic ", "basic a", "password", "password=", "password=a ", 'password="'),
    *(
        'password="a" ',
        'password=\\"',
        "password=[",
        'password={"',
        'password=["a",',
        '"password":{"a":',
        '"password":[',
    ),
    *(
        "secret:",
        "token=",
        "token: ",
        "token:",
        "tokens=1 ",
        "token=token:",
        "token token:",
        "key",
        "api_key",
        "apikey=a,",
    ),
    *("pwd", "pwd=", "pwd=a,", "pwd=a ", "pwd:a:", "pass=", "DBPASS=", "_auth=", "cookie=a;", "cookie=a=b; "),
    *(
        "authorization: bearer ",
        "--",
        "--password",
        "--password ",
        "<password>",
        "<password ",
        "<password>a</",
        "<a",
        "</",
    ),
    *(
        "sig=",
        "sig=aaaaaaaaaaaaaaaaaaaa&",
        "4111 ",
        "4111-",
        "4111111111111111 ",
        "4 ",
        "[REDACTED:",
        "[REDACTED:secret]",
    ),
    *(
        "identified by '",
        "token%3D",
        "token%3da%26",
        "password=\\n",
        "password=)))",
        "password:token:secret:",
        '\\\\\\"',
    ),
    *(
        "\\u0022token\\u0022:\\u0022",
        "token\\\\u0022:\\u0022\\\\",
        "&quot;token&quot;:&quot;a&quot;,",
        '"token","value":"',
        'token a="a" ',
        "token\n ",
        "token:\n",
        "\\x22token\\x22:\\x22",
        "\\u003dtoken\\u003d",
        "eyJhIjoicGFzc3dvcmQ9",
        "password for a ",
        "identified with a ",
        'form-data name="token"\n',
        'form-data name="token" token="',
        "curl -u a",
        "curl -u a:",
        "eyJwYXNzd29yZCI6ImEifQ== ",
    ),
    *('"token":"x",', "token=a,secret=b;pwd=c&apikey=d ", "4111111111111111a@b.co", "--password a@b.co"),
]
BOMB_CHARS = 32 * 1024
BOUND_S = BOMB_CHARS / 1024 / 1000
"""A millisecond a kilobyte."""
SLACK = 8
"""A quadratic rule misses the bound by far more."""


@pytest.mark.parametrize("prefix", ["", "password=", '"secret":"', "x@y.co token: bearer eyJ://"])
def test_no_message_makes_it_slow(prefix: str) -> None:
    most_s = SLACK * BOUND_S
    messages = {unit: (prefix + unit * BOMB_CHARS)[:BOMB_CHARS] + "!" for unit in BOMB_UNITS}
    spent = {unit: cpu_s(lambda m=message: redact(m), most_s) for unit, message in messages.items()}  # type: ignore[misc]
    assert {unit: seconds for unit, seconds in spent.items() if seconds > most_s} == {}
