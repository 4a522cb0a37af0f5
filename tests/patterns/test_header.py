"""Headers of common formats: level, component and what is left, one row a format."""

import pytest

from autoir.patterns import ERROR, FATAL, INFO, UNKNOWN, WARN, shape_of

ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

HEADERS = [
    # OpenStack
    (
        f"2024-03-05 10:00:00.677 1468 INFO shop.common.wsgi [req-{ID} {TRACE} - - default] started 5",
        *(INFO, "shop.common.wsgi", "started <*>"),
    ),
    ("2024-03-05 10:00:00.677 1468 WARNING shop.cfg [-] Option is old", WARN, "shop.cfg", "Option is old"),
    # Spring, logback, log4j
    (
        f"10:00:00.581 INFO  s.s.OrderImpl#459 TraceID: {TRACE} SpanID: 8a7b6c5d4e3f2a1b [get] id 5",
        *(INFO, "s.s.OrderImpl", "[get] id <*>"),
    ),
    (
        f"2024-03-05 10:00:00.000 ERROR [svc,{TRACE},8a7b6c5d4e3f2a1b] 1 --- [nio-8080-exec-1] c.x.Api : failed 5",
        *(ERROR, "c.x.Api", "failed <*>"),
    ),
    (
        "2024-03-05 10:00:00.000  INFO 1 --- [           main] c.x.App          : Up in 3.2 seconds",
        *(INFO, "c.x.App", "Up in <*> seconds"),
    ),
    ("2024-03-05 10:00:00,123 [pool-1-thread-3] WARN  com.x.Foo - slow 5", WARN, "com.x.Foo", "slow <*>"),
    ("2024-03-05 10:00:00,123 INFO  [main] com.x.Foo - up 5", INFO, "com.x.Foo", "up <*>"),
    ("2024-03-05 10:00:00,123 - INFO  [main:Peer@913] - tick 5", INFO, "", "tick <*>"),
    # Python
    ("2024-03-05 10:00:00,123 - my.mod - ERROR - boom 5", ERROR, "my.mod", "boom <*>"),
    ("WARNING:root:disk 95", WARN, "root", "disk <*>"),
    # AWS Lambda
    (f"[ERROR]\t2024-03-05T10:00:00.000Z\t{ID}\tboom 5", ERROR, "", "boom <*>"),
    (f"2024-03-05T10:00:00.000Z\t{ID}\tERROR\tboom 5", ERROR, "", "boom <*>"),
    (f"START RequestId: {ID} Version: $LATEST", INFO, "lambda", "START RequestId: <*> Version: $LATEST"),
    (f"REPORT RequestId: {ID}\tDuration: 3.18 ms", INFO, "lambda", "REPORT RequestId: <*>\tDuration: <*> ms"),
    # syslog
    ("Mar  5 10:00:00 web-1 sshd[2345]: Closed by 10.0.0.1", UNKNOWN, "sshd", "Closed by <*>"),
    ("<34>1 2024-03-05T10:00:00.003Z web.example.com su 12 ID47 - su root", FATAL, "su", "su root"),
    ("<35>Mar  5 10:00:00 web-1 su: su root", ERROR, "su", "su root"),
    ("<38>Mar  5 10:00:00 web-1 su: su root", INFO, "su", "su root"),
    # klog
    ("E0302 10:00:00.000000       7 reflector.go:127] Failed 5", ERROR, "reflector.go", "Failed <*>"),
    # nginx and access logs
    ("2024/03/05 10:00:00 [error] 12#12: *345 no live upstreams", ERROR, "", "no live upstreams"),
    ('10.0.0.1 - - [05/Mar/2024:10:00:00 +0000] "GET / HTTP/1.1" 502 9', ERROR, "", '"GET / HTTP/<*>" 502 <*>'),
    ('10.0.0.1 - bob [05/Mar/2024:10:00:00 +0000] "GET / HTTP/1.1" 200 9', INFO, "", '"GET / HTTP/<*>" <ok> <*>'),
    # zap, logrus
    ("2024-03-05T10:00:00.123Z\tERROR\tcontroller/file.go:12\tfailed 5", ERROR, "", "failed <*>"),
    ("2024-03-05T10:00:00.123Z\tINFO\tsetup\tup 5", INFO, "setup", "up <*>"),
    ("WARN[0012] pool 5", WARN, "", "pool <*>"),
    # Rust
    ("2024-03-05T10:00:00.123456Z ERROR my_crate::db: lost 5", ERROR, "my_crate::db", "lost <*>"),
    ("2024-03-05T10:00:00.123456Z  INFO hyper: listening 5", INFO, "hyper", "listening <*>"),
    # a container's prefix in front of another header
    ("2024-03-05T10:00:00.123456789Z stderr F ERROR: boom 5", ERROR, "", "boom <*>"),
    (
        "2024-03-05T10:00:00.123456789Z stdout F 2024-03-05 10:00:00,1 [main] WARN  c.x.Foo - slow 5",
        *(WARN, "c.x.Foo", "slow <*>"),
    ),
    # databases
    ("2024-03-05 10:00:00.123 UTC [123] ERROR:  deadlock 5", ERROR, "", "deadlock <*>"),
    ('2024-03-05 10:00:00.123 UTC [123] app@db FATAL:  no user "x"', FATAL, "", 'no user "x"'),
    ("2024-03-05T10:00:00.123456Z 0 [ERROR] [MY-010119] [Server] Aborting", ERROR, "", "[MY-010119] [Server] Aborting"),
    ("7:M 05 Mar 2024 10:00:00.123 # Can't save 5", WARN, "", "Can't save <*>"),
    # kernel, Apache, .NET, gunicorn, HDFS, Spark, Android
    ("[   12.345678] usb 5 reset", UNKNOWN, "", "usb <*> reset"),
    ("[Tue Mar 05 10:00:00.123456 2024] [core:error] [pid 35:tid 4] no file 5", ERROR, "core", "no file <*>"),
    ("fail: Shop.Api.Orders[0]\n      boom 5", ERROR, "Shop.Api.Orders", "boom <*>"),
    ("[2024-03-05 10:00:00 +0000] [123] [INFO] Booting 5", INFO, "", "Booting <*>"),
    ("081109 203615 148 INFO dfs.Packet$Responder: got 5", INFO, "dfs.Packet$Responder", "got <*>"),
    ("17/06/09 20:10:40 INFO executor.Backend: got 5", INFO, "executor.Backend", "got <*>"),
    ("03-17 16:13:38.811  1702  2395 D Window: got 5", INFO, "Window", "got <*>"),
    # colours of a terminal
    ("\x1b[2m2024-03-05T10:00:00Z\x1b[0m \x1b[31mERROR\x1b[0m shop::db: lost 5", ERROR, "shop::db", "lost <*>"),
    # bare levels
    ("ERROR something broke 5", ERROR, "", "something broke <*>"),
    ("[WARN] low disk 5", WARN, "", "low disk <*>"),
    ("error: bad 5", ERROR, "", "bad <*>"),
    # none
    ("the ERROR is in the text 5", UNKNOWN, "", "the ERROR is in the text <*>"),
    ("Errors were found 5", UNKNOWN, "", "Errors were found <*>"),
]


@pytest.mark.parametrize(("line", "level", "component", "template"), HEADERS)
def test_header(line: str, level: int, component: str, template: str) -> None:
    shape = shape_of(line)
    assert (shape.level, shape.component, shape.template) == (level, component, template)


FORMATS = [
    "2024-03-05 10:00:00.677 14 {} shop.api [-] the same words",
    "2024-03-05 10:00:00,123 - my.mod - {} - the same words",
    "2024-03-05 10:00:00,123 [main] {} c.x.Foo - the same words",
    "[{}]\t2024-03-05T10:00:00.000Z\t3fa85f64-5717-4562-b3fc-2c963f66afa6\tthe same words",
    "2024-03-05T10:00:00Z {} my_crate::db: the same words",
    "{}:root:the same words",
    '{{"level": "{}", "msg": "the same words"}}',
    'ts=2024-03-05T10:00:00Z level={} msg="the same words"',
    "{} the same words",
]


@pytest.mark.parametrize("form", FORMATS)
def test_lines_that_differ_in_level_share_no_pattern(form: str) -> None:
    shapes = {shape_of(form.format(level))[:4] for level in ("INFO", "WARNING", "ERROR", "CRITICAL")}
    assert sorted(shape[0] for shape in shapes) == [INFO, WARN, ERROR, FATAL]


def test_a_forged_level_in_the_message_changes_nothing() -> None:
    forged = shape_of("2024-03-05 10:00:00,123 - my.mod - INFO - user said 2024-03-05 10:00:00,123 - x - FATAL - y")
    assert (forged.level, forged.component) == (INFO, "my.mod")
