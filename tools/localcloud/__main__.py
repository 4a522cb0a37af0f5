"""``python -m tools.localcloud up``, ``down`` and ``env``: one local cloud for a person to deploy into.

``eval "$(python -m tools.localcloud env)"`` leads this shell's commands to it.
"""

import json
import sys
from pathlib import Path

from tools.localcloud.cloud import ROOT, Cloud, CloudError, exports, start

_FOLDER = ROOT / "build" / "localcloud" / "state"
_NOTE = _FOLDER / "cloud.json"


def main(word: str) -> None:
    """Do what ``word`` says. Raises CloudError."""
    match word:
        case "up":
            if _NOTE.exists():
                raise CloudError("It is up, or ended by itself: make localcloud-down")
            _FOLDER.mkdir(parents=True, exist_ok=True)
            cloud = start(_FOLDER)
            _NOTE.write_text(json.dumps({"pid": cloud.pid, "port": cloud.port, "folder": str(_FOLDER)}))
            print(f'{cloud.url} is up. Lead a shell to it: eval "$(.venv/bin/python -m tools.localcloud env)"')
        case "down":
            noted = _noted()
            if noted.answers():
                noted.stop()
            elif noted.lives():  # its number may be another process's by now
                raise CloudError(
                    f"Process {noted.pid} does not answer. If it is the cloud: kill {noted.pid}. Then, or if it is"
                    f" another, remove {_NOTE}"
                )
            _NOTE.unlink()
        case "env":
            print(exports(_noted().environment), end="")
        case _:
            raise CloudError(f"{word!r} is none of up, down, env.")


def _noted() -> Cloud:
    if not _NOTE.exists():
        raise CloudError("No local cloud is up: make localcloud-up")
    noted = json.loads(_NOTE.read_text())
    return Cloud(noted["pid"], noted["port"], Path(noted["folder"]))


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) == 2 else "")
    except CloudError as error:
        sys.exit(str(error))
