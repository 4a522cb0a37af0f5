"""What an instance does at its first start, out of the parts in stacks/host: put them in place, start them.

The parts are plain files that run on any machine; only the values differ between stages, and those stand in one file
of their own. Nothing is compiled and no package is installed at a start: what is needed is in AWS's image.
"""

from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk

HOST = Path(__file__).resolve().parent / "host"
LIMIT_BYTES = 16_384
"""What EC2 takes, before base64."""

_END = "AUTOIR_END"
_ROOT = '"${AUTOIR_ROOT:-}"'
"""Before every path, as in the parts: tests give them a root of their own."""


def script(values: Mapping[str, str], *, spot: bool, idle_stop: bool) -> str:
    """The whole user data. ``values`` go to ``/etc/autoir/host.env``; they may hold tokens."""
    parts = ["#!/bin/bash", "set -euo pipefail", f"mkdir -p {_ROOT}/etc/autoir {_ROOT}/opt/autoir"]
    parts += _file("/etc/autoir/host.env", "".join(f"{name}='{value}'\n" for name, value in values.items()), 0o644)
    for path in sorted(HOST.glob("*.sh")):
        parts += _file(f"/opt/autoir/{path.name}", path.read_text("utf-8"), 0o755)
    for path in sorted((HOST / "units").iterdir()):
        parts += _file(f"/etc/systemd/system/{path.name}", path.read_text("utf-8"), 0o644)
    started = ["autoir-server.service"]
    started += ["autoir-spot.service"] if spot else []
    started += ["autoir-idle.timer"] if idle_stop else []
    parts += ["systemctl daemon-reload", f"systemctl enable --now --no-block {' '.join(started)}"]
    return "\n".join(parts) + "\n"


def encoded(text: str) -> str:
    """``text`` as a launch template takes it."""
    return cdk.Fn.base64(text)


def _file(path: str, content: str, mode: int) -> list[str]:
    if f"\n{_END}\n" in content:
        raise ValueError(f"{path} holds the line that ends it")
    return [f"install -m {mode:o} /dev/stdin {_ROOT}{path} <<'{_END}'", content.rstrip("\n"), _END]
