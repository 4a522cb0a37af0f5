"""The code of the functions: one folder with all that they import, made without Docker.

Wheels are chosen for the functions' processor and Python, not for this machine's, so a laptop of any kind makes the
same bundle; every binary in it is checked for its processor all the same. What no function uses is left out, and the
modules are compiled, since ``/var/task`` cannot be written and each cold start would compile them again (botocore
alone: half a second). boto3 is in the bundle although Lambda has one: that one changes without us.

The bundle is named after what goes into it, not after what came out, so that synthesis needs no bundle to know whether
it changed.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from autoir.errors import AutoirError, UnreachableError

ROOT: Final = Path(__file__).resolve().parent.parent
REQUIREMENTS: Final = ROOT / "lambdas" / "requirements.txt"

PLATFORMS: Final = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
"""Processor of a function to the platform of its wheels. Not manylinux2014: some wheels exist for 2_28 alone."""

ELF_MACHINES: Final = {"arm64": 0xB7, "x86_64": 0x3E}
"""``e_machine`` of an ELF file."""

_ELF: Final = b"\x7fELF"
_LIBRARY: Final = re.compile(r"\.(so|dylib|pyd|dll)\b")

SERVICES: Final = frozenset({"s3", "sagemaker-runtime", "secretsmanager", "sns"})
"""Services that a function calls; the descriptions of all others are 25 MB that nobody reads."""

_ROOMS_OF_OTHERS: Final = frozenset({"cli", "demo", "tui", "__pycache__"})
_UNUSED: Final = (
    "bin", "**/tests", "**/__pycache__", "**/*.pyi", "*.dist-info/RECORD", "numpy/f2py", "numpy/distutils",
    "aws_lambda_powertools/event_handler", "aws_lambda_powertools/utilities/[!_j]*",  # the logger takes jmespath_utils
)  # fmt: skip


def identity(arch: str, python: str) -> str:
    """SHA-256 of everything that goes into the bundle, and of this recipe."""
    digest = hashlib.sha256(f"{arch} {python} ".encode())
    for path in (Path(__file__), REQUIREMENTS, *(source for source, _ in _sources())):
        digest.update(f"{path.relative_to(ROOT).as_posix()} {path.stat().st_size} ".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def make(folder: Path, arch: str, python: str) -> None:
    """Fill the empty ``folder``. Raises AutoirError where a binary in it is for another processor."""
    _install(folder, arch, python)
    for pattern in _UNUSED:
        for path in sorted(folder.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in (folder / "botocore" / "data").iterdir():
        if path.is_dir() and path.name not in SERVICES:
            shutil.rmtree(path)
    for source, target in _sources():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / target)
    if strangers := wrong_binaries(folder, arch):
        raise AutoirError(f"The bundle for {arch} has binaries of another processor: {', '.join(strangers)}.")
    _compile(folder, python)


def binaries(folder: Path) -> list[Path]:
    """Files of ``folder`` that are machine code: ELF, or called like a library."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in files if _LIBRARY.search(path.name) or _head(path).startswith(_ELF))


def wrong_binaries(folder: Path, arch: str) -> list[str]:
    """Those binaries of ``folder`` that are not ELF for ``arch``: its class, byte order and machine (elf(5))."""
    expected = (_ELF, b"\x02\x01", ELF_MACHINES[arch].to_bytes(2, "little"))
    return [
        path.relative_to(folder).as_posix()
        for path in binaries(folder)
        if ((head := _head(path))[:4], head[4:6], head[18:20]) != expected
    ]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(20)


def _sources() -> Iterator[tuple[Path, Path]]:
    """Our own files, each with its place in the bundle: the library, and the handlers beside it."""
    for top, parent in ((ROOT / "autoir", ROOT), (ROOT / "lambdas", ROOT / "lambdas")):
        for path in sorted(top.rglob("*")):
            place = path.relative_to(parent)
            if path.is_file() and path != REQUIREMENTS and not _ROOMS_OF_OTHERS & set(place.parts):
                yield path, place


def _install(folder: Path, arch: str, python: str) -> None:
    command = [
        _uv(), "pip", "install", "--quiet", "--requirements", str(REQUIREMENTS), "--target", str(folder),
        "--python-platform", PLATFORMS[arch], "--python-version", python, "--only-binary", ":all:",
        "--require-hashes", "--no-installer-metadata", "--link-mode", "copy", "--python", sys.executable,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = f"The functions' packages could not be installed: {done.stderr.strip()}"
        raise UnreachableError(said, "A package index has to be in reach, or what it gave in uv's cache.")
    (folder / ".lock").unlink(missing_ok=True)


def _uv() -> str:
    """The uv that came with the deployment's packages, else one on PATH."""
    beside = Path(sys.executable).with_name("uv")
    if found := str(beside) if beside.exists() else shutil.which("uv"):
        return found
    raise AutoirError("uv is not there, and the functions are bundled by it.", "pip install -r requirements.txt")


def _compile(folder: Path, python: str) -> None:
    """Compile every module, by an interpreter of the functions' own version, the same bytes each time.

    Without such an interpreter the functions run all the same and start more slowly, which is said.
    """
    interpreter = interpreter_of(python)
    if not interpreter:
        print(
            f"No Python {python} on this machine: the functions are deployed without bytecode, and each cold start "
            "takes about half a second more. AUTOIR_LAMBDA_PYTHON names an interpreter.",
            file=sys.stderr,
        )
        return
    command = [interpreter, "-I", "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    place = ["-s", str(folder), "-p", "/var/task", str(folder)]
    subprocess.run(command + place, check=True, stdout=subprocess.DEVNULL)


def interpreter_of(python: str) -> str | None:
    """An interpreter of version ``python``, like ``3.13``: the one that AUTOIR_LAMBDA_PYTHON names, ours, or on PATH.

    Each is asked, since a version manager puts a name on PATH for versions that are not there.
    """
    for candidate in (os.environ.get("AUTOIR_LAMBDA_PYTHON"), sys.executable, shutil.which(f"python{python}")):
        if not candidate:
            continue
        ask = [candidate, "-Ic", "import sys; print('%d.%d' % sys.version_info[:2])"]
        try:
            answer = subprocess.run(ask, capture_output=True, text=True, check=False)
        except OSError:
            continue
        if answer.stdout.strip() == python:
            return candidate
    return None
