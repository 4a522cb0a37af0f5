"""The one module that knows where AutoIR keeps its files.

Everything lives in ``~/.autoir`` or ``$AUTOIR_HOME``, readable by its owner alone. Files are replaced whole
(temporary file, then rename), so a reader never sees half of one and a crash never leaves one.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from autoir.errors import UsageError


def folder_of(environ: Mapping[str, str] = os.environ) -> Path:
    """AutoIR's folder, there or not: what only looks for a file needs no right to make it."""
    return Path(environ.get("AUTOIR_HOME") or Path.home() / ".autoir").expanduser()


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """AutoIR's folder, made on first use with mode 0700. Raises UsageError where it cannot be made."""
    folder = folder_of(environ)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"AutoIR's folder {folder} cannot be made: {error.strerror or error}.", "AUTOIR_HOME names another one."
        ) from None
    return folder


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Settings a person writes by hand."""
    return folder_of(environ) / "config.toml"


def profiles_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Saved connections to stores, with their passwords: mode 0600."""
    return folder_of(environ) / "tidb-profiles.json"


def default_database(environ: Mapping[str, str] = os.environ) -> Path:
    """The embedded store."""
    return home(environ) / "autoir.db"


def demo_database(environ: Mapping[str, str] = os.environ) -> Path:
    """The store of the last demo."""
    return folder_of(environ) / "demo.db"


def models_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Embedding models, a folder each."""
    return folder_of(environ) / "models"


def figures_file(environ: Mapping[str, str] = os.environ) -> Path:
    """How embedding and search did lately."""
    return home(environ) / "figures.json"


def heartbeat_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the tailing task notes that it lives."""
    return home(environ) / "heartbeat"


def write_atomically(path: Path, content: bytes) -> None:
    """Replace ``path`` by ``content`` with mode 0600; the old content stays until the new one is on disk."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
