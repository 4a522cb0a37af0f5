"""A secret by its ARN: read once, and once more when what it opens refuses it.

AWS cannot rotate a TiDB user, so a new password comes as a new value of the secret whenever somebody sets one. Asking
for each use would cost money and a second of every start; so the text is kept until it is refused. It is in no message
and no ``repr``.
"""

from autoir.aws.session import Access, code_of, region_of
from autoir.errors import AutoirError, UnreachableError, UsageError

_ABSENT = frozenset({"ResourceNotFoundException"})
_DENIED = frozenset({"AccessDeniedException", "AccessDenied"})


class Secret:
    """The text of the secret ``arn``, asked for in the Region that it names."""

    def __init__(self, arn: str, access: Access | None = None) -> None:
        self.arn = arn
        self._access = access or Access(region=region_of(arn))
        self._text: str | None = None

    @property
    def text(self) -> str:
        """As it was read last. Raises UsageError where there is none or it may not be read, and UnreachableError."""
        if self._text is None:
            self._text = self._read()
        return self._text

    def renewed(self) -> bool:
        """Read it again; whether it is another one now. Raises as ``text`` does."""
        before, self._text = self._text, self._read()
        return self._text != before

    def _read(self) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._access.client("secretsmanager").get_secret_value(SecretId=self.arn)
        except (BotoCoreError, ClientError) as error:
            raise self._access.explained(error) or self._explained(error) from error
        text = answer.get("SecretString")
        if not isinstance(text, str) or not text:
            raise self._empty()
        return text

    def _explained(self, error: Exception) -> AutoirError:
        code = code_of(error)
        if code in _ABSENT:
            return self._empty()
        if code in _DENIED:
            return UsageError(
                f"The secret {self.arn} may not be read: {code}.", "The role needs secretsmanager:GetSecretValue on it."
            )
        return UnreachableError(f"Secrets Manager gave no answer about {self.arn}: {code or type(error).__name__}.")

    def _empty(self) -> UsageError:
        return UsageError(f"The secret {self.arn} has no value yet.", "Store it: autoir tidb dsn --stage STAGE")
