"""``python -m container.main``: the tailing task. Environment in, one call, exit code out."""

import os
import sys

from autoir.daemon import stopped_by_signals
from autoir.errors import AutoirError
from autoir.lambda_env import TailEnv
from autoir.task import run


def main() -> int:
    """Tail until SIGTERM."""
    try:
        env = TailEnv.read(os.environ)
    except AutoirError as error:
        print(f"{error} {error.hint}", file=sys.stderr)
        return error.exit_code
    with stopped_by_signals() as stop:
        return run(env, stop, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
