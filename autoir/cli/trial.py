"""``autoir aws test-page``: a page that says it is a test, to the people of a stage.

A page that does not arrive is found out by an incident that nobody heard of, unless somebody tries before. So this is
well only when all who are to be paged can be: one who has not confirmed is a failure, though the others get the page.
"""

import shlex
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from autoir.cli.options import StageCommand, asked, examples
from autoir.cli.output import Lines, Table, print_json, show
from autoir.clock import system_clock
from autoir.errors import AutoirError
from autoir.report.amounts import counted
from autoir.report.text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autoir.aws.topic import Listener


class _Outcome(NamedTuple):
    """What was found, and what became of it; ``message_id`` is SNS's, empty where nothing was sent."""

    stage: str
    topic_arn: str
    subject: str
    listeners: "Sequence[Listener]"
    dry_run: bool
    message_id: str

    @property
    def silent(self) -> "list[Listener]":
        return [listener for listener in self.listeners if not listener.confirmed]

    @property
    def is_sound(self) -> bool:
        return bool(self.listeners) and not self.silent


def register(app: typer.Typer) -> None:
    """Add the command to ``autoir aws``."""
    app.command(
        "test-page",
        cls=StageCommand,
        epilog=examples("autoir aws test-page --stage prod --dry-run", "autoir aws test-page --stage prod"),
    )(send)


def send(
    ctx: typer.Context,
    stage: Annotated[str, typer.Option(metavar="NAME", help="The stage whose people get it.")] = "dev",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show who would get it, and send nothing.")] = False,
) -> int:
    """Send a page that says it is a test.

    To everybody who is on the pages of a stage: a text by SMS, a page by e-mail, to machines a JSON document that has
    "test" and nothing of an incident (docs/schema/test-page.schema.json). A subscription that filters by severity or
    the like gets none. Exit code 1 when nobody is subscribed or somebody has not confirmed; all others get it.
    """
    from autoir.aws.cdk import access_to
    from autoir.aws.outputs import outputs_of
    from autoir.aws.topic import Topic
    from autoir.notify import trial
    from autoir.notify.sns import publication
    from autoir.stage import outputs

    access = access_to(stage, asked(ctx).profile, asked(ctx).region)
    topic = Topic(access, outputs_of(access, stage, "Foundation")[outputs.PAGES_TOPIC])
    listeners, texts, message_id = topic.listeners(), trial.texts(stage, system_clock()), ""
    if not dry_run and any(listener.confirmed for listener in listeners):
        message_id = topic.publish(publication(topic.arn, texts, trial.attributes(stage)))
    outcome = _Outcome(stage, topic.arn, texts.subject, listeners, dry_run, message_id)
    if asked(ctx).as_json:
        print_json(_document(outcome))
    else:
        show(*_blocks(outcome))
    return 0 if outcome.is_sound else AutoirError.exit_code


def _document(outcome: _Outcome) -> dict[str, object]:
    return {
        "stage": outcome.stage,
        "topic": outcome.topic_arn,
        "subject": outcome.subject,
        "dry_run": outcome.dry_run,
        "sound": outcome.is_sound,
        "message_id": outcome.message_id,
        "listeners": [
            {**listener._asdict(), "endpoint": listener.place, "mend": listener.mend} for listener in outcome.listeners
        ],
    }


def _blocks(outcome: _Outcome) -> list[Lines | Table]:
    blocks: list[Lines | Table] = []
    if outcome.listeners:
        rows = [
            (
                "ok" if listener.confirmed else "!!",
                shown(listener.place, 120),
                listener.protocol,
                "confirmed" if listener.confirmed else "not confirmed",
            )
            for listener in outcome.listeners
        ]
        blocks += [Table(("", "LISTENER", "BY", "STATE"), rows), Lines([""])]
    if not outcome.is_sound:
        blocks.append(Lines(["What to do:", *(f"  {line}" for line in _mends(outcome)), ""]))
    return [*blocks, Lines(_verdict(outcome))]


def _mends(outcome: _Outcome) -> list[str]:
    from autoir.aws.topic import FORGOTTEN_AFTER_H
    from autoir.stage import names

    if outcome.listeners:
        return [line for listener in outcome.silent for line in _confirming(outcome, listener)]
    deploy = f"cdk deploy {names.stack(outcome.stage, 'Foundation')} -c stage={outcome.stage}"
    return [
        f'name who is paged in stages/{outcome.stage}.toml, as pages = ["oncall@example.com"], and deploy:',
        f"  {deploy}",
        f"who is named and deployed did not confirm within {FORGOTTEN_AFTER_H} h, and AWS forgot; to ask again:",
        f"  {_subscribe(outcome, 'email', 'oncall@example.com')}",
    ]


def _confirming(outcome: _Outcome, listener: "Listener") -> list[str]:
    return [
        f"{shown(listener.place, 120)}: {listener.mend}; to have it sent again:",
        f"  {_subscribe(outcome, listener.protocol, shown(listener.place, 500))}",
    ]


def _subscribe(outcome: _Outcome, protocol: str, endpoint: str) -> str:
    from autoir.aws.session import region_of

    return (
        f"aws sns subscribe --region {region_of(outcome.topic_arn)} --topic-arn {outcome.topic_arn}"
        f" --protocol {protocol} --notification-endpoint {shlex.quote(endpoint)}"
    )


def _verdict(outcome: _Outcome) -> list[str]:
    silent, hearing = len(outcome.silent), len(outcome.listeners) - len(outcome.silent)
    if not hearing:
        why = "has confirmed yet" if silent else "is subscribed"
        return [f"nothing was sent: nobody {why} on the pages of stage {outcome.stage}."]
    who = counted(hearing, "listener")
    said = f"would go to {who}; nothing was sent." if outcome.dry_run else f"sent to {who}: {outcome.subject}"
    return [said, *([f"{counted(silent, 'other')} will hear nothing before they confirm."] if silent else [])]
