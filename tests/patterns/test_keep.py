"""The keep list, rule by rule: what must survive, and what looks alike but must not."""

import pytest

from autoir.patterns import mask_text, shape_of

KEPT = [
    # 1. exit and return codes, before HTTP
    "exit status 137",
    "exited with code 139",
    "exited with 1",
    "Exit Code: 2",
    "exit_code=143",
    "process exited (137)",
    "returned non-zero exit status 101",
    "return code 255",
    "returncode=3",
    "rc=-9",
    # 2. HTTP status: failures exactly
    "status: 503",
    "status=404",
    "status code 429",
    "statusCode: 500",
    "response code: 502",
    "HTTP 504",
    "(HTTP 400)",
    "the server returned 404",
    "returned status 502 from upstream",
    "got 503 Service Unavailable",
    "HttpServerErrorException: 500 null",
    "<500 INTERNAL_SERVER_ERROR,body>",
    "<404,Response>",
    # 3. errno and kin
    "[Errno 111] Connection refused",
    "errno=13",
    "No such file (os error 2)",
    "error code 1045",
    "error_code=7",
    "code: 14",
    "connect() failed (111: Connection refused)",
    "HRESULT: 0x80070005",
    "NTSTATUS 0xC0000005",
    # 4. databases
    "SQLSTATE[40001]",
    "(SQLSTATE 40P01)",
    "SQLSTATE: 23505",
    "ORA-00942: table or view does not exist",
    "PLS-00201",
    "TNS-12541",
    "[MY-010119] [Server] Aborting",
    'OperationalError: (2013, "Lost connection")',
    "ERROR 1213 (40001)",
    "E11000 duplicate key error",
    "SQLCODE=-911",
    # 5. signals
    "killed by signal 9",
    "SIGKILL",
    "got SIGUSR1",
    "SIGRTMIN+3",
    # 7. names
    "ipv4 and ipv6",
    "http2 over k8s",
    "s3 ec2 S3Client",
    "sha256 md5 utf8mb4",
    "x86_64 arm64",
    "oauth2 base64 log4j",
    "AmazonS3Exception: denied",
    "Http2Exception",
]

CLASSED = [
    ("status: 200", "status: <ok>"),
    ("status: 101", "status: <info>"),
    ("status=302", "status=<redir>"),
    ("returned 204", "returned <ok>"),
    ('"GET / HTTP/1.1" status: 200 len: 5', '"GET / HTTP/<*>" status: <ok> len: <*>'),
    ('"GET / HTTP/1.1" 200 4031', '"GET / HTTP/<*>" <ok> <*>'),
    ('"GET / HTTP/1.1" 503 4031', '"GET / HTTP/<*>" 503 <*>'),
    ('HTTP/1.1" 200 4031', 'HTTP/<*>" <ok> <*>'),
    ('"POST /a b" 404 0.1', '"POST /a b" 404 <*>'),
    # a frame of a traceback keeps the name of its file and function, not its line
    ('File "/usr/lib/python3.11/x2.py", line 12, in get_v2', 'File "/usr/lib/python3.11/x2.py", line <*>, in get_v2'),
]

NOT_KEPT = [
    # near misses
    ("status: 1200", "status: <*>"),
    ("status: 700", "status: <*>"),
    ("status 4.5", "status <*>"),
    ("returned 404 rows", "returned <*> rows"),
    ("returned 250 ms later", "returned <*> ms later"),
    ("existed 137 times", "existed <*> times"),
    ("exit in 10 seconds", "exit in <*> seconds"),
    ("barcode: 14", "barcode: <*>"),
    ("verification code: 48213", "verification code: <*>"),
    ("src=9", "src=<*>"),
    ("error 48213 seen", "error <*> seen"),
    ("pointer 0x00070005", "pointer <*>"),
    ("ORA-942", "ORA-<*>"),
    ("E11001 x", "<*> x"),
    ("designal 9x", "designal <*>x"),
    ("at (1234, 5)", "at (<*>)"),
    ("class xs3y4z", "class <*>"),
]


@pytest.mark.parametrize("text", KEPT)
def test_what_happened_survives(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(("text", "expected"), CLASSED)
def test_success_counts_by_class_and_failure_exactly(text: str, expected: str) -> None:
    assert mask_text(text) == expected


@pytest.mark.parametrize(("text", "expected"), NOT_KEPT)
def test_what_only_looks_alike_is_masked(text: str, expected: str) -> None:
    assert mask_text(text) == expected


@pytest.mark.parametrize(
    ("message", "severity"),
    [
        ('10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 503 5', 2),
        ('10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 404 5', 0),
        ("INFO upstream said status: 500", 2),
        ("INFO upstream said status: 499", 0),
        ("INFO exit code 500", 0),
    ],
)
def test_only_an_http_5xx_raises_the_class(message: str, severity: int) -> None:
    assert shape_of(message).severity_class == severity
