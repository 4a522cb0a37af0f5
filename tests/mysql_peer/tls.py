"""A server that speaks TLS, and shows whichever certificate a test wants to see refused."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.mysql_peer.certificates import Authority
from tests.mysql_peer.server import Server


class TlsServer(Server):
    """Shows the good certificate of ``authority`` until ``show()`` says otherwise."""

    authority: Authority

    def _prepared(self) -> Sequence[str]:
        folder = self.folder / "tls"
        folder.mkdir(mode=0o755)
        self.authority = Authority(folder)
        self._shown: tuple[Path, Path] = (folder / "shown.pem", folder / "shown.key")
        self._copy("valid")
        return [f"--ssl-cert={self._shown[0]}", f"--ssl-key={self._shown[1]}", f"--ssl-ca={self.authority.ca}"]

    def show(self, kind: str) -> None:
        """From now on, show a certificate of that kind (``Authority.signed``) to everyone who connects."""
        self._copy(kind)
        self.run("FLUSH SSL")

    def _copy(self, kind: str) -> None:
        for source, target in zip(self.authority.signed(kind), self._shown, strict=True):
            shutil.copy(source, target)
            target.chmod(0o644)  # the server runs under another account than this process
