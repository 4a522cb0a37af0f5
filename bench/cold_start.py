"""The functions' bundle, and what a cold start pays for it: sizes, processors of its binaries, imports in CPU time.

The bundle is made as a deployment makes it, once for the functions' processor, of which sizes are taken and every
binary's ELF header is read, and once for this machine, in which each handler is imported by a new interpreter of the
functions' own Python that sees nothing but the bundle. "to its store" adds what the first invocation loads before it
can connect: a client for the secret and the database driver. The anchor is a handler that imports at its top whatever
it may come to use, as a first version does. CPU time of the best round, since a cold start differs by what else runs.

    python bench/cold_start.py [--rounds N]
"""

import argparse
import platform
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from autoir import lambda_env
from autoir.stage import StageConfig
from stacks import bundle

ENVIRONMENTS = {
    "embed_logs": lambda_env.EmbedLogsEnv,
    "sweep_incidents": lambda_env.SweepIncidentsEnv,
    "migrate_schema": lambda_env.MigrateSchemaEnv,
}
IMPORT_MS = 450
UNPACKED_MB, ZIPPED_MB = 110, 40
"""The goals."""

ANCHOR = (
    "import base64, json, logging, zlib, boto3, httpx, numpy, orjson, pymysql, aws_lambda_powertools\n"
    "boto3.client('secretsmanager')"
)
_CHILD = """
import sys, time
sys.path.insert(0, sys.argv[1])
began = time.process_time()
exec(sys.argv[2])
imported = time.process_time()
exec(sys.argv[3])
print((imported - began) * 1000, (time.process_time() - began) * 1000)
"""
_TO_ITS_STORE = (
    "import autoir.store.tidb\n"
    "from autoir.aws.session import Access\n"
    "Access(region='us-east-1').client('secretsmanager')"
)
_VALUES = {"LOG_LEVEL": "INFO", "ALERTS_MIN_SEVERITY": "high"}
_ARN = "arn:aws:sns:us-east-1:111111111111:bench"
"""What a handler is told; any other variable is 1."""


class Start(NamedTuple):
    """CPU milliseconds of a cold start: the imports, and on to where it could connect to its store."""

    imported_ms: float
    ready_ms: float


def made(folder: Path, arch: str, python: str) -> Path:
    """A bundle in a new folder."""
    place = folder / arch
    place.mkdir()
    bundle.make(place, arch, python)
    return place


def zipped_bytes(place: Path, archive: Path) -> int:
    """Size of ``place`` as the archive that is deployed."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(path for path in place.rglob("*") if path.is_file()):
            file.write(path, path.relative_to(place))
    return archive.stat().st_size


def started(interpreter: str, place: Path, imports: str, then: str, environment: dict[str, str], rounds: int) -> Start:
    """The best of ``rounds`` cold starts."""
    command = [interpreter, "-I", "-c", _CHILD, str(place), imports, then]
    told = environment | {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}
    told |= {"AWS_DEFAULT_REGION": "us-east-1"}
    runs = []
    for _ in range(rounds):
        said = subprocess.run(command, env=told, stdout=subprocess.PIPE, text=True, check=True).stdout
        runs.append(Start(*map(float, said.split())))
    return Start(min(run.imported_ms for run in runs), min(run.ready_ms for run in runs))


def print_sizes(folder: Path, config: StageConfig) -> None:
    """The table of the deployed bundle."""
    place = made(folder, config.lambda_arch, config.lambda_python)
    files = [path for path in place.rglob("*") if path.is_file()]
    binaries = bundle.binaries(place)
    wrong = bundle.wrong_binaries(place, config.lambda_arch)
    unpacked_mb = sum(path.stat().st_size for path in files) / 1e6
    zipped_mb = zipped_bytes(place, folder / "bundle.zip") / 1e6
    print(f"| bundle, {config.lambda_arch}, Python {config.lambda_python} | is | goal |\n|---|---|---|")
    print(f"| unpacked, MB | {unpacked_mb:.0f} | {UNPACKED_MB} |")
    print(f"| zipped, MB | {zipped_mb:.0f} | {ZIPPED_MB} |")
    print(f"| binaries | {len(binaries)} | |\n| for another processor | {len(wrong)} | 0 |")


def print_starts(folder: Path, config: StageConfig, interpreter: str, rounds: int) -> None:
    """The table of cold starts, on this machine's processor."""
    arch = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    place = folder / arch
    if not place.exists():
        made(folder, arch, config.lambda_python)
    print(f"\n| cold start, {arch} | import, CPU ms | goal | to its store, CPU ms |\n|---|---|---|---|")
    for name, kind in ENVIRONMENTS.items():
        environment = {
            variable: _VALUES.get(variable, _ARN if variable.endswith("_ARN") else "1") for variable in kind.names()
        }
        start = started(interpreter, place, f"import {name}.handler", _TO_ITS_STORE, environment, rounds)
        goal = f" {IMPORT_MS} " if name == "embed_logs" else " "
        print(f"| {name} | {start.imported_ms:.0f} |{goal}| {start.ready_ms:.0f} |")
    anchor = started(interpreter, place, ANCHOR, "", {}, rounds)
    print(f"| anchor: all packages at the top | {anchor.imported_ms:.0f} | | {anchor.ready_ms:.0f} |")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    config = StageConfig("bench")
    interpreter = bundle.interpreter_of(config.lambda_python)
    with tempfile.TemporaryDirectory() as folder:
        print_sizes(Path(folder), config)
        if interpreter:
            print_starts(Path(folder), config, interpreter, arguments.rounds)
        else:
            print(f"\nCold starts take Python {config.lambda_python}: name one in AUTOIR_LAMBDA_PYTHON.")


if __name__ == "__main__":
    main()
