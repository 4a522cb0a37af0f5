"""What a user may set: each setting read and checked, what is wrong named with what would be right."""

import dataclasses
from pathlib import Path

import pytest

from autoir.errors import UsageError
from autoir.settings import Heartbeat, Settings, load, parse, types

PATH = Path("/etc/autoir/config.toml")


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("", {}),
        ("# only a comment\n", {}),
        ('stage = "prod"', {"stage": "prod"}),
        ('environment_pattern = "^/([^/]+)/"', {"environment_pattern": "^/([^/]+)/"}),
        ("warmup_min = 0\nwindow_min = 30", {"warmup_min": 0, "window_min": 30}),
        ('min_severity = "critical"\nmin_confidence = 100', {"min_severity": "critical", "min_confidence": 100}),
        ("retention_days_events = 0\nretention_days_counts = 90",
         {"retention_days_events": 0, "retention_days_counts": 90}),
        ('webhook_url = "https://x.example"\nsns_topic_arn = "a"\nsns_events_topic_arn = "b"',
         {"webhook_url": "https://x.example", "sns_topic_arn": "a", "sns_events_topic_arn": "b"}),
        ('steady_groups = ["/a", "/b"]', {"steady_groups": ("/a", "/b")}),
        ("[redact]\nbadge = 'B-\\d{6}'", {"redact": {"badge": r"B-\d{6}"}}),
        ('heartbeat = [{log_group = "/a", contains = "ok", every_s = 9}]', {"heartbeats": (Heartbeat("/a", "ok", 9),)}),
        ('[[heartbeat]]\nlog_group = "/b"\ncontains = "x"\nevery_s = 1', {"heartbeats": (Heartbeat("/b", "x", 1),)}),
    ],
)  # fmt: skip
def test_a_setting_is_read(text: str, changes: dict[str, object]) -> None:
    assert parse(PATH, text) == dataclasses.replace(Settings(), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = ", "not valid TOML: Invalid value (at line 1"),
        ("warmup_min = 1\nwarmup_min = 2", "not valid TOML: Cannot overwrite a value (at line 2"),
        ('stage = "a"\n[redact]\nx = y', "(at line 3"),
        ('stage = "a"\nsteady_groups = [\n"/a",\n', "(at line 3, the last one)"),
        ("warmup = 1", "unknown setting 'warmup'"),
        ("heartbeats = []", "unknown setting 'heartbeats'"),
        ("warmup_min = 1.5", "warmup_min = 1.5 is not of type int"),
        ("warmup_min = true", "warmup_min = True is not of type int"),
        ("stage = 5", "stage = 5 is not of type str"),
        ('webhook_url = ["https://a.example/s3cr3t"]', "webhook_url = … is not of type str"),
        ('steady_groups = "/a"', "steady_groups = '/a' is not of type tuple"),
        ("steady_groups = [1]", "steady_groups = [1] is not of type tuple"),
        ('redact = "x"', "redact = 'x' is not of type dict"),
        ("redact.badge = 5", "redact.badge is not a text"),
        ("window_min = -1", "window_min = -1 is not within 0 to 1000000"),
        ("retention_days_events = 99999999999999999999", "is not within 0 to 1000000"),
        ("min_confidence = 101", "min_confidence = 101 is not within 0 to 100"),
        ('min_severity = "HIGH"', "min_severity = 'HIGH'"),
        ('environment_pattern = "("', "environment_pattern: missing )"),
        ('environment_pattern = "^/a"', "environment_pattern has 0 groups, not one"),
        ('environment_pattern = "(a)(b)"', "environment_pattern has 2 groups, not one"),
        ("heartbeat = 1", "heartbeat must be a list of tables"),
        ('[[heartbeat]]\nlog_group = "/a"\ncontains = "ok"', "needs exactly log_group, contains and every_s"),
        ('[[heartbeat]]\nlog_group = "/a"\ncontains = "ok"\nevery_s = 9\nmore = 1', "needs exactly"),
        ('[[heartbeat]]\nlog_group = "/a"\ncontains = "ok"\nevery_s = "9"', "needs exactly"),
        ('[[heartbeat]]\nlog_group = "/a"\ncontains = "ok"\nevery_s = 0', "every_s must be at least 1"),
        ('[[heartbeat]]\nlog_group = "/a"\ncontains = "ok"\nevery_s = true', "every_s must be at least 1"),
        ('[[heartbeat]]\nlog_group = ""\ncontains = "ok"\nevery_s = 9', "no text empty"),
    ],
)
def test_what_is_wrong_is_named_with_its_file_and_an_example(text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(PATH, text)
    assert str(refused.value).startswith(f"{PATH}: ")
    assert words in str(refused.value)
    assert refused.value.hint


def test_every_setting_says_what_it_means() -> None:
    source = Path(load.__code__.co_filename).read_text("utf-8")
    fields = source[source.index("class Settings") : source.index("_TABLES")]
    assert fields.count('"""') // 2 - 1 == len(dataclasses.fields(Settings))
    assert set(types()) == {field.name for field in dataclasses.fields(Settings)}


def test_a_file_is_read_or_the_defaults_hold(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert load(path) == Settings()
    path.write_bytes("\ufeffstage = 'prüfung'\r\n".encode())
    assert load(path).stage == "prüfung"


@pytest.mark.parametrize("content", [None, b"stage = '\xff'"], ids=["a folder", "not UTF-8"])
def test_a_file_that_cannot_be_read_is_no_reason_to_run_on_defaults(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "config.toml"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(UsageError, match=r"config\.toml: cannot be read"):
        load(path)
