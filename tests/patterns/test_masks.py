"""Which characters are a value: one row a kind, by what is left."""

import pytest

from autoir.patterns import mask_text

UUID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"

MASKED = [
    # dates and times
    ("at 2024-03-05T10:00:00.123Z done", "at <*> done"),
    ("at 2024-03-05 10:00:00,123 done", "at <*> done"),
    ("at 2024/03/05 10:00 +02:00 done", "at <*> done"),
    ("on 2024-03-05 done", "on <*> done"),
    ("[10/Oct/2000:13:55:36 -0700] x", "[<*>] x"),
    ("[10/Oct/2000 13:55:36] x", "[<*>] x"),
    ("since Oct  1 22:14:15 x", "since <*> x"),
    ("since Mon, 11 Oct 2021 22:14:15 GMT x", "since <*> x"),
    ("since Oct  1 22:14:15 ORA-00942", "since <*> ORA-00942"),
    ("took 10:22:33.5 h", "took <*> h"),
    # random words
    (f"user {UUID} x", "user <*> x"),
    (f"user_{UUID} x", "user_<*> x"),
    (f"volume{UUID} x", "volume<*> x"),
    ("Root=1-5759e988-bd862e3fe1be46a994272793 x", "Root=<*> x"),
    ("trace 4bf92f3577b34da6a3ce929d0e0e4736 x", "trace <*> x"),
    ("sha 8abc1234 x", "sha <*> x"),
    ("port qr-560d1b20-ee and tap0be00e00-0d x", "port qr-<*> and <*> x"),
    ("/tmp/tmpAbCdEf/privsep.sock x", "/tmp/<*>/privsep.sock x"),
    ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.-x_y-Z x", "token <*> x"),
    # addresses
    ("from 10.0.0.1 x", "from <*> x"),
    ("from 10.0.0.1:8080 and 10.0.0.0/8 x", "from <*> and <*> x"),
    ("mac fa:16:3e:aa:bb:cc x", "mac <*> x"),
    ("ip fe80::f816:3eff:fe12:3456 and ::1 x", "ip <*> and <*> x"),
    ("at 0x7ffe12 x", "at <*> x"),
    # quantities
    ("in 12ms then 1.5s then 2h30m x", "in <*> then <*> then <*> x"),
    ("of 10MB or 5KiB or 3.2GB x", "of <*> or <*> or <*> x"),
    ("n=-5 m=+3 k=1,234.5 x", "n=<*> m=<*> k=<*> x"),
    ("eps 1.2345678e-05 and 3e8 x", "eps <*> and <*> x"),
    # ids
    ("id a1b2c3d4e5 x", "id <*> x"),
    ("block blk_38865049064139660 x", "block blk_<*> x"),
    ("job nightly_run_42a7b x", "job nightly_run_<*> x"),
    ("123456.7 and 12345.6 x", "<*> and <*> x"),
    # lists of values are one value
    ("ids [1, 2, 3] x", "ids [<*>] x"),
    ("ids ['a1b2c3', 'd4e5f6', 'a7b8c9'] x", "ids ['<*>'] x"),
    ("ports 1, 2, 3, 4 x", "ports <*> x"),
    ("order 5 of user 7, 4 lines, 1.5 EUR", "order <*> of user <*>, <*> lines, <*> EUR"),
    # free text of a query string
    ('"GET /search?q=lamp&sort=price HTTP/1.1"', '"GET /search?q=<*>&sort=price HTTP/<*>"'),
    ('"GET /find?name=tea+towel HTTP/1.1"', '"GET /find?name=<*> HTTP/<*>"'),
    ("rows [R(id=1, n=a), R(id=2, n=a), R(id=3, n=a)] x", "rows [R(id=<*>, n=a)] x"),
]

LEFT = [
    # paths, URLs and words stay
    "GET https://shop.example/api/orders/list",
    "open /etc/nginx/conf.d/site.conf failed",
    "the face added a facade to the deadbeef cafe",
    "Namespace::Class::method called",
    "a-b-c and d_e_f",
    "no variables here",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_values_become_the_placeholder(text: str, expected: str) -> None:
    assert mask_text(text) == expected


@pytest.mark.parametrize("text", LEFT)
def test_words_stay(text: str) -> None:
    assert mask_text(text) == text
