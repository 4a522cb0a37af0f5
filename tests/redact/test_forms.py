"""Forms of secrets one by one, and what looks like one and is none."""

import base64
import json

import pytest

from autoir.redact import redact
from tests.redact.planted import ALNUM, draw, pem

S, T = "[REDACTED:secret]", "[REDACTED:token]"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        # numbers: a line of JSON stays one
        ('{"password":12345,"n":5}', f'{{"password":"{S}","n":5}}'),
        ("{'password': 12345}", f"{{'password': '{S}'}}"),
        (r'{"m":"{\"password\": 12345}"}', rf'{{"m":"{{\"password\": \"{S}\"}}"}}'),
        ('{"seen":' + "4111" + '111111111111,"n":5}', '{"seen":"[REDACTED:card]","n":5}'),
        # arrays and objects below a key
        ('{"passwords": ["hunter2", "x9"], "n": 5}', f'{{"passwords": ["{S}", "{S}"], "n": 5}}'),
        ('{"credentials": {"a": "b1", "pin": [1, "x"]}}', f'{{"credentials": {{"a": "{S}", "pin": [1, "{S}"]}}}}'),
        (r'{"m":"{\"secret\":{\"k\":\"v1\"}}","n":"m"}', rf'{{"m":"{{\"secret\":{{\"k\":\"{S}\"}}}}","n":"m"}}'),
        # cut off by a size limit
        ('{"user":"bob","password":"hunter2 and', f'{{"user":"bob","password":"{S}'),
        (r'{"m":"{\"password\":\"hunter2', rf'{{"m":"{{\"password\":\"{S}'),
        (r'{"m":"{\"password\":\"hunter2","n":1}', rf'{{"m":"{{\"password\":\"{S}","n":1}}'),
        ("key " + pem("RSA ", end=False), "key [REDACTED:private-key]"),
        (json.dumps({"pem": pem("", end=False)}), '{"pem": "[REDACTED:private-key]"}'),
        # one line of a key an event
        (draw(ALNUM + "+/", 61) + "aZ/", "[REDACTED:private-key]"),
        ("  " + draw(ALNUM + "+/", 67) + "aZ/\n", "  [REDACTED:private-key]\n"),
        # headers
        ("Authorization: Token 9944b09199c62bcf next", f"Authorization: Token {S} next"),
        ("authorization: hunter2secret", f"authorization: {S}"),
        ('{"Authorization": "Bearer abc.def"}', f'{{"Authorization": "{S}"}}'),
        ("curl -H 'Authorization: Bearer abcd1234'", "curl -H 'Authorization: Bearer [REDACTED:authorization]'"),
        ("Cookie: a=b1; session=x9x9\r\nHost: a", "Cookie: [REDACTED:cookie]\r\nHost: a"),
        ("Set-Cookie: sid=abc123; Path=/; HttpOnly", "Set-Cookie: [REDACTED:cookie]; HttpOnly"),
        # userinfo
        ("mysql://root:p@ss:w0rd@db:3306/x", "mysql://[REDACTED:userinfo]@db:3306/x"),
        ("postgres://u:pa/ss#1@db:5432/x", "postgres://[REDACTED:userinfo]@db:5432/x"),
        ("https://0123456789abcdef@host.example/x", "https://[REDACTED:userinfo]@host.example/x"),
        ("dsn root:s3cret@tcp(10.0.0.1:3306)/db", "dsn [REDACTED:userinfo]@tcp(10.0.0.1:3306)/db"),
        ("dial admin:pw1@10.0.0.5:5432 failed", "dial [REDACTED:userinfo]@10.0.0.5:5432 failed"),
        # other forms of key and value
        ("mysqldump --password hunter2 --user bob", f"mysqldump --password {S} --user bob"),
        ('["--db-token", "abc9", "x"]', f'["--db-token", "{S}", "x"]'),
        ("ALTER USER bob WITH PASSWORD 'hunter2'", f"ALTER USER bob WITH PASSWORD '{S}'"),
        ("CREATE USER b IDENTIFIED BY 'hunter2'", f"CREATE USER b IDENTIFIED BY '{S}'"),
        ("ALTER USER b IDENTIFIED WITH 'sha2' BY 'x9y'", f"ALTER USER b IDENTIFIED WITH 'sha2' BY '{S}'"),
        ("SET PASSWORD FOR 'b'@'%' = 'x9 y'", f"SET PASSWORD FOR 'b'@'%' = '{S}'"),
        ("GET /cart;jsessionid=x9y8 HTTP/1.1", f"GET /cart;jsessionid={S} HTTP/1.1"),
        ("PHPSESSID=x9y8; n=1", f"PHPSESSID={S}; n=1"),
        ('{"cvv": 123, "n": 1}', f'{{"cvv": "{S}", "n": 1}}'),
        ("curl -u bob:x9y8 -s https://a.example", f"curl -u bob:{S} -s https://a.example"),
        ("curl --user 'bob:x9y8' https://a.example", f"curl --user 'bob:{S}' https://a.example"),
        ('form-data; name="password"\r\n\r\nx9 y\r\n--b', f'form-data; name="password"\r\n\r\n{S}\r\n--b'),
        (r'form-data; name=\"user[pwd]\"\r\n\r\nx9\r\n--b', rf'form-data; name=\"user[pwd]\"\r\n\r\n{S}\r\n--b'),
        ('<w:Password Type="#Text">hunter2</w:Password>', f'<w:Password Type="#Text">{S}</w:Password>'),
        ("<apiKey><![CDATA[x9y8]]></apiKey>", f"<apiKey><![CDATA[{S}]]></apiKey>"),
        ("%7B%22password%22%3A%22hunter2%22%7D", f"%7B%22password%22%3A%22{S}%22%7D"),
        ('{"name": "DB_PASSWORD", "value": "x9", "n": "m"}', f'{{"name": "DB_PASSWORD", "value": "{S}", "n": "m"}}'),
        (r'{"m":"{\"name\":\"API_KEY\",\"value\":\"x9\"}"}', rf'{{"m":"{{\"name\":\"API_KEY\",\"value\":\"{S}\"}}"}}'),
        (r'{"m":"{\u0022pwd\u0022:\u0022x9\\\u0022y\u0022}"}', rf'{{"m":"{{\u0022pwd\u0022:\u0022{S}\u0022}}"}}'),
        (r'{"m":"{\u0022pwd\u0022:12345}"}', rf'{{"m":"{{\u0022pwd\u0022:\u0022{S}\u0022}}"}}'),
        (r'{"m":"GET /?token=x9\u0026page=2"}', rf'{{"m":"GET /?token={S}\u0026page=2"}}'),
        ("{&quot;secret&quot;: &quot;x9 y&quot;, 1}", f"{{&quot;secret&quot;: &quot;{S}&quot;, 1}}"),
        (r'{\x22pwd\x22:\x22x9\x5C\x22y\x22,\x22n\x22:1}', rf'{{\x22pwd\x22:\x22{S}\x22,\x22n\x22:1}}'),  # nginx
        (r'{"m":"/?n=1\u0026token\u003dx9\u0026n\u003d2"}', rf'{{"m":"/?n=1\u0026token\u003d{S}\u0026n\u003d2"}}'),
        ("password：x9 y", f"password：{S} y"),
        ("password\xa0=\xa0x9", f"password\xa0=\xa0{S}"),
        ('{"password":\n  "x9 y",\n  "n": 1}', f'{{"password":\n  "{S}",\n  "n": 1}}'),
        ('["password"]=>\n  string(2) "x9"\n', f'["password"]=>\n  string(2) "{S}"\n'),
        ('s:8:"password";s:4:"x9 y";s:1:"n";', f's:8:"password";s:4:"{S}";s:1:"n";'),
        # a name and, beside it, its value
        ("- name: DB_PASSWORD\n  value: x9\n- name: n", f"- name: DB_PASSWORD\n  value: {S}\n- name: n"),
        ('{"ParameterKey":"DbSecret","ParameterValue":"x9"}', f'{{"ParameterKey":"DbSecret","ParameterValue":"{S}"}}'),
        ('<add key="ApiKey" value="x9 y"/>', f'<add key="ApiKey" value="{S}"/>'),
        ('<input type="password" id="p" value="x9">', f'<input type="password" id="p" value="{S}">'),
        ("password: token: hunter2", f"password: {S} {S}"),
        ("token: token: hunter2", f"token: {S} {S}"),
        ("password=[REDACTED:jwt]hunter2", f"password={S}"),
        ("PGPASSWORD=hunter2 psql", f"PGPASSWORD={S} psql"),
        ("DBPASS=hunter2", f"DBPASS={S}"),
        ("dbPass: hunter2", f"dbPass: {S}"),
        ("?X-Amz-Signature=0123456789abcdef0123&n=5", "?X-Amz-Signature=[REDACTED:signature]&n=5"),
        ("https://hooks." + "slack.com/services/T01/B02/x9y8z7", "https://hooks.slack.com/services/[REDACTED:token]"),
        ("https://discord.com/api/web" + "hooks/123456/x9_y8-z7", f"https://discord.com/api/webhooks/123456/{T}"),
        ("https://a.webhook.office.com/web" + "hookb2/a1@b2/In/x9", f"https://a.webhook.office.com/webhookb2/{T}"),
        ("https://api.telegram.org/b" + "ot123456:x9_y8-z7/send", f"https://api.telegram.org/bot{T}/send"),
        ("https://events.pagerduty.com/inte" + "gration/x9y8z7w6/enqueue", f"https://events.pagerduty.com/integration/{T}/enqueue"),
        # base64
        (f"key file: {base64.b64encode(pem('RSA ').encode()).decode()} x", "key file: [REDACTED:encoded] x"),
        ("/a/" + base64.b64encode(b'{"pwd": "x9y8z7"}').decode()[:-3], "/a/[REDACTED:encoded]"),
        # a secret key that only the id before it gives away
        ("AK" + f"IA{'X9' * 8},{'x9Y/' * 10}\n", f"[REDACTED:aws-key-id],{S}\n"),
        ("AK" + f"IA{'X9' * 8}\n{'x9Y/' * 10}", f"[REDACTED:aws-key-id]\n{S}"),
        ("AK" + f"IA{'X9' * 8} {'a9' * 20}", f"[REDACTED:aws-key-id] {'a9' * 20}"),  # the hash of a commit
        # addresses and numbers
        ("q?mail=bob%40shop.example&n=5", "q?mail=[REDACTED:email]&n=5"),
        ("<o'hara@shop.example>.", "<[REDACTED:email]>."),
        ("paid 4111" + "111111111111 123 ok", "paid [REDACTED:card] 123 ok"),
        ("a=%204111" + "111111111111", "a=%20[REDACTED:card]"),
        # letters whose lower case is longer must not shift what is replaced
        ("İİİİ password=hunter2 ok", f"İİİİ password={S} ok"),
    ],
)  # fmt: skip
def test_forms_of_secrets(message: str, expected: str) -> None:
    assert redact(message) == expected


@pytest.mark.parametrize(
    "message",
    [
        # talk about secrets
        "token expired",
        "Token: expired for user 7",
        "InvalidToken: signature has expired",
        "password authentication failed for user x",
        "Password: incorrect",
        "secret manager is not reachable",
        "SecretsManager: GetSecretValue throttled",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf",
        "api key missing",
        "missing --password flag",
        "Unexpected token: <EOF> at line 1",
        "Unexpected token } in JSON at position 4",
        "Bearer authentication required",
        "bearer token missing",
        'WWW-Authenticate: Bearer realm="shop"',
        "Basic authentication required",
        "basic configuration loaded",
        "cookie: none set",
        "authorization: denied",
        "bypass=true compass: north trespass=no",
        "password must be 8 characters",
        "PasswordResetController.show took=5ms",
        "token_type=bearer token_url=/oauth tokenizer=bpe secret_name=db password_file=/run/x",
        "token:\n  at parse (a.js:5)",
        'Unexpected token:\n  "foo"',
        '<input name="user" value="bob"> <p>password</p>',
        # base64 that tells of secrets and holds none
        "body=" + base64.b64encode(b'{"error": "password expired", "user": 7}').decode(),
        "next=" + base64.b64encode(b'{"after": [7, 8, 9], "bin": "\xff\xfe\xfd password=x"}').decode(),
        "cert " + base64.b64encode(b"-----BEGIN CERTIFICATE-----\n" + bytes(range(200))).decode(),
        "curl -u 1000:1000 x",
        'form-data; name="user"\r\n\r\nbob\r\n',
        "paid $5.00 and $6, $2 left",
        # keys that open nothing
        "key=cart:7 cache_key=a1 primary_key: 5 routing-key=orders public_key=abc partitionKey=7",
        '{"key": "a", "object_key": "x/y.png", "idempotencyKey": "7f"}',
        # counts
        "tokens: 512",
        "max_tokens=4096 prompt_tokens: 1,204 tokens=5k",
        "token_count: 5",
        '{"tokens": 512, "usage": {"completion_tokens": 17}}',
        "pass=12 fail=0 skip: 1",
        "secrets: 3",
        # masked already
        "password=**** token=xxxxxxxx secret: ab****yz",
        "password=None secret=null token: undefined pwd=\"\" api_key='' password=",
        "password=<redacted> secret=[FILTERED] token: (hidden) pwd=${DB_PASSWORD} api_key=%s",
        '{"password": null, "has_password": true, "token": "***", "secret": ""}',
        "PWD=/usr/src/app OLDPWD=/root",
        # not addresses, not userinfo
        "Accepted publickey for root@ip-10-0-0-1 port 22",
        "user@1000.service started, getty@tty1.service stopped",
        "com.zaxxer.hikari.HikariPool@1a2b3c4d started",
        "npm i lodash@4.17.21 @babel/core@7.1.0",
        "GET /img/logo@2x.png 200",
        "git@github.com:acme/shop.git",
        "https://shop.example:8443/a@b http://shop.example/@bob",
        "pulled shop@sha256:0123456789abcdef",
        # not cards
        "ts=1700000000000000000 ns, 1700000000000 ms",
        "trace_id=4111" + "111111111111 ok",
        "dd.span_id: 4111" + "111111111111",
        "order 4111" + "111111111112 paid",  # Luhn fails
        "seq 9111" + "111111111111",  # no network
        "x 14111" + "1111111111111 y",  # inside a longer number
        "ratio 0.4111" + "111111111111",
        "req-01234567-89ab-4111-1111-" + "111111111111",
        "id 3e4111" + "111111111111fa",
        "2026-03-01 10:00:00 5123 4421 1234 1234 12",
        # not keys of vendors, not JWT
        "task-force-of-many-words-in-a-row sk-fading-circle-container-wide",
        "npm_config_registry=https://registry.example npm_lifecycle_event=test",
        "msg.SG.txt AKIA ASIA ghp_ xoxb- pypi- eyJ eyJhbGciOi",
        # digests: one case
        "0123456789abcdef" * 4,
        "0123456789ABCDEF" * 4,
        # odd input
        "",
        " ",
        "\0",
        "\ud800 lone surrogate",
        "[REDACTED:secret]: next",
        "x [REDACTED:api-key]=5 y",
    ],
)
def test_what_is_no_secret_stays(message: str) -> None:
    assert redact(message) == message
