"""Serve the local cloud until SIGTERM: ``python -m tools.localcloud.emulator``, as ``tools.localcloud.cloud`` does."""

import ministack.app

from tools.localcloud.emulator import cloudformation, functions, logs, network, sagemaker, ticks
from tools.localcloud.emulator.door import Door

if __name__ == "__main__":
    for part in (cloudformation, functions, logs, network, sagemaker, ticks):
        part.install()
    ministack.app.app = Door(ministack.app.app)
    ministack.app.main()
