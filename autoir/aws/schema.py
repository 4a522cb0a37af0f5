"""The function that keeps a stage's schema, called from outside: a laptop often cannot reach the database itself.

What it raises comes back as JSON and becomes the error that it was, so that a database which does not answer, a
password that is refused and a mistake in SQL stay three different things.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from autoir.aws.session import Access
from autoir.errors import AutoirError, PasswordRefusedError, UnreachableError, UsageError
from autoir.store.tidb.failures import TransientError

READ_S: Final = 910.0
"""The function may work for 900 s."""

_KINDS: Final = {kind.__name__: kind for kind in (UsageError, UnreachableError, PasswordRefusedError, TransientError)}
"""Lambda names the class alone, so each that the store raises has to be here."""
_CONNECTIONS: Final = "What it connects as is told by: autoir tidb dsn --stage STAGE --dsn -"
_TIMED_OUT: Final = "Sandbox.Timedout"


@dataclass(frozen=True, slots=True)
class SchemaFunction:
    """The function called ``name``. ``access`` says as whom it is called."""

    access: Access
    name: str

    def migrate(self) -> Mapping[str, Any]:
        """Bring the schema up to date: what ran. Raises what the function raises, and as ``Access.asked`` does."""
        return self._called({"action": "migrate"})

    def grant(self, writer: str, reader: str) -> Mapping[str, Any]:
        """Give two users of the database their rights."""
        return self._called({"action": "grants", "writer": writer, "reader": reader})

    def version(self) -> int:
        """The version that the schema has; nothing is changed."""
        return int(self._called({"action": "status"})["schema"])

    def _called(self, event: Mapping[str, str]) -> Mapping[str, Any]:
        client = self.access.client("lambda", READ_S)
        answer = self.access.asked(
            "lambda:InvokeFunction",
            lambda: client.invoke(FunctionName=self.name, Payload=json.dumps(event).encode()),
        )
        document = json.loads(answer["Payload"].read() or b"{}")
        if not answer.get("FunctionError"):
            return dict(document)
        said = str(document.get("errorMessage", "no word of it"))
        kind = str(document.get("errorType", ""))
        if kind == _TIMED_OUT or "timed out" in said:
            raise UnreachableError(f"{self.name} did not end in time: {said}", "The database may not let it in.")
        error = _KINDS.get(kind, AutoirError)
        raise error(said, _CONNECTIONS if issubclass(error, UsageError) else "")


@dataclass(frozen=True, slots=True)
class SecretValues:
    """Writes secrets. A value is in no message, and leaves this process towards Secrets Manager alone."""

    access: Access

    def put(self, arn: str, text: str) -> None:
        """Make ``text`` the secret's value."""
        secretsmanager = self.access.client("secretsmanager")
        self.access.asked(
            "secretsmanager:PutSecretValue", lambda: secretsmanager.put_secret_value(SecretId=arn, SecretString=text)
        )
