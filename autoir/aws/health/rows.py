"""What a check says, and how all of them are asked."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from autoir.aws.session import Access, LoginError, NotAllowedError, ProfileError, RefusedError
from autoir.errors import AutoirError
from autoir.stage import StageConfig, names

State = Literal["ok", "note", "broken", "unknown"]
"""``note``: off on purpose or not yet on. ``unknown``: nobody answered, so it does not pass for sound."""

LOGIN: Final = "login"
"""The row of who asks: while that is broken, no other would be about this stage."""


class Row(NamedTuple):
    """One thing: what it is, how it is, what was found, what is needed, and the command that mends it."""

    name: str
    state: State
    found: str
    needed: str = ""
    mend: str = ""


@dataclass(slots=True)
class Seen:
    """The stage that is looked at: its file, as whom AWS is asked, and what was seen of its stacks."""

    config: StageConfig
    access: Access
    now_ms: int
    _stacks: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def stack(self, part: str) -> Mapping[str, Any]:
        """What CloudFormation says of a stack; empty where there is none. Raises as ``Access.asked`` does."""
        if part not in self._stacks:
            cloudformation, name = self.access.client("cloudformation"), names.stack(self.config.name, part)
            try:
                found = self.access.asked(
                    "cloudformation:DescribeStacks", lambda: cloudformation.describe_stacks(StackName=name)
                )["Stacks"][0]
            except RefusedError as error:
                if error.code != "ValidationError":
                    raise
                found = {}
            self._stacks[part] = found
        return self._stacks[part]

    def output(self, part: str, name: str) -> str:
        """An output of a stack; empty where either is missing."""
        listed = self.stack(part).get("Outputs", ())
        return next((str(found["OutputValue"]) for found in listed if found["OutputKey"] == name), "")

    def parts(self) -> list[str]:
        """The stacks that the stage's file asks for."""
        config = self.config
        wanted = {
            "Foundation": True,
            "App": True,
            "Embedding": bool(config.embedding.archive),
            "Tailer": config.tailer.enabled,
        }
        return [part for part, on in wanted.items() if on] + [f"Llm-{host}" for host in config.llm]


Check = Callable[[Seen], Iterable[Row]]
"""Asks one question. Its name, with spaces, is what a row is called when it is not answered."""


def checked(seen: Seen, checks: Sequence[Check]) -> Iterator[Row]:
    """The rows of all ``checks``, in order. Where nobody knows who asks, or it is somebody of another account, that is
    said once and AWS is left alone. Raises ProfileError, since then nothing can be asked at all."""
    for check in checks:
        try:
            for row in check(seen):
                yield row
                if row.name == LOGIN and row.state == "broken":
                    return
        except ProfileError:
            raise
        except LoginError as error:
            yield Row(LOGIN, "broken", _said(error), f"a login of account {seen.config.account}", error.hint)
            return
        except NotAllowedError as error:
            yield Row(_name(check), "unknown", "not allowed", f"the right {error.right}", "docs/iam.md has all rights")
        except AutoirError as error:
            yield Row(_name(check), "unknown", _said(error), "", error.hint)


def is_sound(rows: Iterable[Row]) -> bool:
    """Whether nothing is broken, and nothing unknown."""
    return all(row.state in ("ok", "note") for row in rows)


def _name(check: Check) -> str:
    return check.__name__.replace("_", " ")


def _said(error: AutoirError) -> str:
    return str(error).rstrip(".")
