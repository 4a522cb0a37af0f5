"""A throw-away certificate authority, and server certificates of hers: a good one, and those that must be refused.

Made by the openssl command, as an administrator makes them; they live as long as the folder they are in.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

# By name: who it is for, and for how many days it is valid.
_KINDS: Mapping[str, tuple[str, int]] = {
    "valid": ("IP:127.0.0.1,DNS:localhost", 2),
    "wrong host": ("DNS:elsewhere.example", 2),
    "expired": ("IP:127.0.0.1,DNS:localhost", -1),
}
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """Signs in ``folder``; ``ca`` is her certificate, ``stranger`` that of another who signed nothing here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca = self._root("ca")
        self.stranger = self._root("stranger")

    def _root(self, name: str) -> Path:
        self._openssl("req", "-x509", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2",
                      "-subj", f"/CN=AutoIR test {name}")  # fmt: skip
        return self._folder / f"{name}.pem"

    def signed(self, kind: str) -> tuple[Path, Path]:
        """The files of a certificate of that kind (``valid``, ``wrong host``, ``expired``) and of its key."""
        host, days = _KINDS[kind]
        name = kind.replace(" ", "-")
        (self._folder / f"{name}.ext").write_text(f"subjectAltName={host}\n")
        self._openssl("req", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=AutoIR test server")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.pem")  # fmt: skip
        return self._folder / f"{name}.pem", self._folder / f"{name}.key"

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self._folder, check=True, capture_output=True)
