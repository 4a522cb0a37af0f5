"""One shell for the blocks of a page, as a reader has it: what a block sets, the next one finds.

A block runs as it stands and has to succeed, each command of it. The programs of this checkout and of the cloud are the
real ones; only what would change the checkout itself is not run.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

_END = "-- the block has ended --"
NOT_RUN = ("git", "make")
_STAND_IN = """\
#!/bin/sh
echo "not run: ${0##*/} $*" >&2
[ "$1" != rev-parse ] || echo before
"""


class Shell:
    """A bash in ``folder`` that ends with ``with``; ``environment`` is all that it knows."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        programs = folder / "bin"
        programs.mkdir()
        for name in NOT_RUN:
            (programs / name).write_text(_STAND_IN)
            (programs / name).chmod(0o755)
        self._bash = subprocess.Popen(
            ["bash", "--norc", "-eu", "-o", "pipefail"],
            cwd=folder,
            env={**environment, "PATH": f"{programs}:{environment['PATH']}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> "Shell":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._bash.communicate()

    def run(self, block: str) -> str:
        """What the block said. Nobody is there to ask: its commands read nothing."""
        assert self._bash.stdin
        assert self._bash.stdout
        self._bash.stdin.write(f"{{\n{block}\n}} </dev/null\necho '{_END}'\n")
        self._bash.stdin.flush()
        said: list[str] = []
        for line in self._bash.stdout:
            said.append(line)
            if line.endswith(f"{_END}\n"):
                return "".join(said).removesuffix(f"{_END}\n")
        raise AssertionError(f"the shell ended ({self._bash.wait()}) in\n{block}\n{''.join(said)}")
