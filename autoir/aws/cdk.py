"""The one way in which a command changes what is deployed: the stage's file first, then ``cdk`` on its stacks.

No command makes, changes or removes anything in AWS by itself, so a stage is what its file says and anybody can deploy
it again. The file is shown as a difference before it is written, and is written before it is deployed: a deployment
that fails is repeated by the same command. ``cdk`` is the pinned one beside ``app.py``, started with the stage's
Region, and with the profile by its option: keys in the environment come before AWS_PROFILE. What it says goes to
standard error, since standard output is the answer's. What made it fail is said once more at the end, as the one line
of CloudFormation's that names a reason, or as the command that mends it.
"""

import difflib
import os
import re
import shlex
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from autoir.aws.health.ears import require_watchable
from autoir.aws.session import Access
from autoir.errors import AutoirError, UnreachableError, UsageError
from autoir.stage import StageConfig, names, parse, read, save, stages_in, written
from autoir.stage.config import EXAMPLE_ACCOUNT

APP_VARIABLE: Final = "AUTOIR_APP"
"""Names the folder of ``app.py`` for commands that are called elsewhere."""

_LINES_KEPT = 2000
_EXPIRED = re.compile(
    r"ExpiredToken|token (?:included in the request )?(?:is|has) expired|session .{0,80}expired", re.I
)
_NOT_BOOTSTRAPPED = re.compile(r"/cdk-bootstrap/\S+ not found|environment been bootstrapped", re.I)
_BUSY = re.compile(r"Another CLI \(PID=(\d+)\) is currently")
_FAILED = re.compile(
    r"\| (?:CREATE|UPDATE|DELETE)_FAILED +\| (?P<kind>[\w:]+) +\| (?P<what>\S+)(?: \(\w+\))? *(?P<why>.*)"
)
"""A line of ``--progress events``: (stack | n/m | time | status | type | name and path, reason)."""
_CANCELLED = re.compile(r"(?:creation|update) cancelled", re.I)


class Ended(NamedTuple):
    """A command that has run: its exit code, and the last that it said."""

    code: int
    said: Sequence[str] = ()


Run = Callable[[Sequence[str], Path, Mapping[str, str]], Ended]
"""Runs a command in a folder with an environment; what it says goes to standard error."""


def app_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder with ``app.py``: the one that AUTOIR_APP names, or this one. Raises UsageError where there is none."""
    named = environ.get(APP_VARIABLE, "")
    folder = Path(named or ".").resolve()
    if (folder / "app.py").is_file() and (folder / "stages").is_dir():
        return folder
    raise UsageError(
        f"{folder} has no app.py and no stages, which this command works on.",
        f"Call it in a checkout of AutoIR, or name one: {APP_VARIABLE}=/path/to/autoir",
    )


def access_to(stage: str, profile: str = "", region: str = "", environ: Mapping[str, str] = os.environ) -> Access:
    """As whom and where a stage is asked: in ``region``, else in that of its file where the app is at hand, else in
    the environment's."""
    if region:
        return Access(profile, region)
    try:
        stages = app_folder(environ) / "stages"
    except UsageError:
        return Access(profile)
    return Access(profile, read(stages, stage).region if stage in stages_in(stages) else "")


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Ended:
    """Run ``command``; both its outputs go to our standard error as they come."""
    said: deque[str] = deque(maxlen=_LINES_KEPT)
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace",
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            print(line, end="", file=sys.stderr, flush=True)
            said.append(line.rstrip())
    return Ended(process.returncode, tuple(said))


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage that can be changed: its folder, its file as it is, and as whom AWS is asked."""

    folder: Path
    config: StageConfig
    access: Access
    run: Run = run
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @classmethod
    def opened(cls, name: str, profile: str = "", region: str = "") -> "Stage":
        """The stage ``name`` of the app's folder. Raises UsageError, also where ``region`` is not the stage's."""
        folder = app_folder()
        config = read(folder / "stages", name)
        if region and region != config.region:
            raise UsageError(
                f"stage {name} is in {config.region}, not in {region}.",
                "Leave --region out: its file says where it is.",
            )
        return cls(folder, config, Access(profile, config.region))

    def difference(self, changed: StageConfig) -> list[str]:
        """What ``changed`` changes in the stage's file, as a unified diff; empty where it changes nothing.

        Raises UsageError for one that could not be deployed.
        """
        name = f"stages/{changed.name}.toml"
        parse(self.folder / name, written(changed))
        before, after = (written(config).splitlines() for config in (self.config, changed))
        return list(difflib.unified_diff(before, after, name, name, lineterm="", n=1))

    def saved(self, changed: StageConfig) -> "Stage":
        """The stage with ``changed`` written to its file.

        Raises UsageError as ``difference`` does, and where the file is no longer the one that was opened: a command may
        have waited for half an hour meanwhile, and would take back what somebody else wrote.
        """
        if changed != self.config:
            stages, name = self.folder / "stages", changed.name
            if read(stages, name) != self.config:
                raise UsageError(
                    f"stages/{name}.toml was changed while this ran, and is left as it is.",
                    "Nothing that was done is lost: the same command goes on.",
                )
            save(stages, changed)
        return Stage(self.folder, changed, self.access, self.run, self.environ)

    def known(self) -> None:
        """Make sure that the login is the stage's account. Raises LoginError, UsageError and UnreachableError."""
        from botocore.exceptions import BotoCoreError, ClientError

        if self.config.account == EXAMPLE_ACCOUNT:
            raise UsageError(
                f"stages/{self.config.name}.toml still has the example's account.", 'Write yours: account = "…"'
            )
        try:
            account = str(self.access.client("sts").get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as error:
            said = f"AWS does not say who asks: {type(error).__name__}."
            raise self.access.explained(error) or UnreachableError(said, "Is there a network?") from error
        if account != self.config.account:
            raise UsageError(
                f"this login is of account {account}, and stage {self.config.name} is in {self.config.account}.",
                "Name another login: --profile NAME",
            )

    def deploy(self, *parts: str) -> None:
        """Deploy Foundation and the stacks ``parts`` (as ``Tailer``), no other. Raises AutoirError where that fails.

        Foundation has an output only once a stack reads it, so one that is new to the stage needs Foundation anew. App
        is refused where a log group that it watches would fail it.
        """
        if "App" in parts:
            require_watchable(self.config, self.access)
        stacks = dict.fromkeys(("Foundation", *parts))
        self._cdk("deploy", stacks, "--require-approval", "never", "--progress", "events")

    def destroy(self, *parts: str) -> None:
        """Remove the stacks ``parts``, and no other. Raises AutoirError where that fails."""
        self._cdk("destroy", parts, "--force")

    def _cdk(self, verb: str, parts: Iterable[str], *options: str) -> None:
        program = self.folder / "node_modules" / ".bin" / "cdk"
        if not program.exists():
            raise UsageError(f"{program} is not there.", f"Install what deploys: make -C {self.folder} deploy-tools")
        stacks = [names.stack(self.config.name, part) for part in parts]
        command = [
            str(program), verb, *stacks, "--exclusively", *options,
            "--app", shlex.join([sys.executable, "app.py"]), "--context", f"stage={self.config.name}", "--no-notices",
            *(("--profile", self.access.profile) if self.access.profile else ()),
        ]  # fmt: skip
        ended = self.run(command, self.folder, self._environment())
        if ended.code:
            raise self._failure(f"cdk {verb} {' '.join(stacks)} failed (exit code {ended.code})", verb, ended.said)

    def _failure(self, what: str, verb: str, said: Sequence[str]) -> AutoirError:
        text = "\n".join(said)
        if _EXPIRED.search(text):
            return self.access.expired()
        if _NOT_BOOTSTRAPPED.search(text):
            place = f"aws://{self.config.account}/{self.config.region}"
            profile = f" --profile {self.access.profile}" if self.access.profile else ""
            return UsageError(
                f"{what}: {place} is not prepared for the CDK.",
                f"Once for an account and Region: cdk bootstrap {place}{profile}",
            )
        if busy := _BUSY.search(text):
            return AutoirError(
                f"{what}: another cdk (process {busy[1]}) works in {self.folder}.",
                "Call the same command again once it has ended.",
            )
        again = "It stands in the stage's file: the same command tries again." if verb == "deploy" else ""
        return AutoirError(f"{what}: {_reason(said) or 'see above'}.", again)

    def _environment(self) -> dict[str, str]:
        quiet = {"CDK_DISABLE_CLI_TELEMETRY": "true", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"}
        return {**self.environ, **quiet, "AWS_REGION": self.config.region}


def _reason(said: Sequence[str]) -> str:
    """What failed first, by CloudFormation's events: others were cancelled because of it."""
    for line in said:
        found = _FAILED.search(line)
        if found and found["why"] and not _CANCELLED.search(found["why"]):
            return f"{found['what']} ({found['kind']}): {found['why'].strip().rstrip('.')}"
    return ""
