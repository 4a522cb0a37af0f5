"""``python -m container.health``: whether the task's loop turned lately; exit code 1 when it did not."""

import sys

from autoir.clock import system_clock
from autoir.heartbeat import is_alive
from autoir.locations import heartbeat_file

if __name__ == "__main__":
    sys.exit(0 if is_alive(heartbeat_file(), system_clock()) else 1)
