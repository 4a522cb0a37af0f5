"""Tracebacks: one event, and single lines of one."""

import pytest

from autoir.patterns import ERROR, FATAL, FRAME, TEXT, TRACE, UNKNOWN, shape_of

JAVA = """2024-03-05 10:00:00,123 ERROR [main] com.x.Svc - order 5 failed
java.lang.RuntimeException: wrapped 5
\tat com.x.Svc.run(Svc.java:55)
\tat org.springframework.Foo.bar(Foo.java:1)
\t... 5 more
Caused by: java.sql.SQLException: ORA-00942 table
\tat oracle.jdbc.X.y(X.java:5)
\tat com.x.Dao.find(Dao.java:77)
\tat com.x.Svc.inner(Svc.java:44)
\tat com.x.Svc.outer(Svc.java:43)
\tat com.x.Svc.outermost(Svc.java:42)"""

PYTHON = """Traceback (most recent call last):
  File "/app/main.py", line 5, in handler
    charge(1)
  File "/app/pay.py", line 9, in charge
    call()
  File "/usr/lib/python3.11/site-packages/botocore/client.py", line 7, in call
    raise error
botocore.exceptions.ClientError: An error occurred (Throttling) after 5 tries"""

CHAINED = """Traceback (most recent call last):
  File "/app/db.py", line 5, in get
    return self.rows[key]
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/api.py", line 9, in view
    raise NotHere(key)
shop.NotHere: 42"""

NODE = """TypeError: Cannot read properties of undefined (reading 'id')
    at charge (/srv/app/pay.js:12:5)
    at async /srv/app/node_modules/koa/index.js:1:2
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"""

GO = """panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.charge(0x1)
\t/srv/app/pay.go:12 +0x1d
main.main()
\t/srv/app/main.go:5 +0x20"""


@pytest.mark.parametrize(
    ("message", "level", "component", "lines"),
    [
        (
            JAVA,
            *(ERROR, "com.x.Svc"),
            [
                "order <*> failed",
                "java.lang.RuntimeException: wrapped <*>",
                "Caused by: java.sql.SQLException: ORA-00942 table",
                "Dao.java:com.x.Dao.find",
                "Svc.java:com.x.Svc.inner",
                "Svc.java:com.x.Svc.outer",
            ],
        ),
        (
            PYTHON,
            *(UNKNOWN, ""),
            [
                "botocore.exceptions.ClientError: An error occurred (Throttling) after <*> tries",
                "pay.py:charge",
                "main.py:handler",
            ],
        ),
        (CHAINED, UNKNOWN, "", ["KeyError: 'a'", "shop.NotHere: <*>", "api.py:view"]),
        (NODE, UNKNOWN, "", ["TypeError: Cannot read properties of undefined (reading 'id')", "pay.js:charge"]),
        (
            GO,
            FATAL,
            "",
            [
                "panic: runtime error: index out of range [<*>] with length <*>",
                "pay.go:main.charge",
                "main.go:main.main",
            ],
        ),
    ],
)
def test_one_event(message: str, level: int, component: str, lines: list[str]) -> None:
    shape = shape_of(message)
    assert (shape.kind, shape.level, shape.component) == (TRACE, level, component)
    assert shape.template.split("\n") == lines


def test_line_numbers_and_library_frames_do_not_matter() -> None:
    moved = JAVA.replace("java:77", "java:78").replace("oracle.jdbc.X.y(X.java:5)", "oracle.jdbc.Z.w(Z.java:6)")
    assert shape_of(moved) == shape_of(JAVA)


def test_another_exception_or_place_is_another_pattern() -> None:
    assert shape_of(JAVA.replace("SQLException", "TimeoutException")) != shape_of(JAVA)
    assert shape_of(JAVA.replace("Dao.find", "Dao.save")) != shape_of(JAVA)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Traceback (most recent call last):", FRAME),
        ('  File "/app/main.py", line 5, in handler', FRAME),
        ("\tat com.x.Dao.find(Dao.java:77)", FRAME),
        ("    at charge (/srv/app/pay.js:12:5)", FRAME),
        ("Caused by: java.sql.SQLException: x", FRAME),
        ("\t... 12 more", FRAME),
        ('2024-03-05 10:00:00.677 14 ERROR shop.api   File "/app/a.py", line 5, in f', FRAME),
        ("2024-03-05 10:00:00.677 14 ERROR shop.api     return f(x)", FRAME),
        ("2024-03-05 10:00:00.677 14 ERROR shop.api KeyError: 'a'", TEXT),
        ("    indented: but: yaml", TEXT),
        ("File a complaint at line 5", TEXT),
    ],
)
def test_single_lines_are_told_by_their_looks(line: str, kind: int) -> None:
    assert shape_of(line).kind == kind


def test_exceptions_beyond_the_cut_of_a_long_line_still_count() -> None:
    long = "INFO " + "word " * 2000
    assert shape_of(long + "FooException: x").template != shape_of(long + "BarException: x").template
