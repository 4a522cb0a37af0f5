"""The real model, where ``make model`` has fetched it."""

import os
from pathlib import Path

import pytest

from autoir.embed.local.folder import MINILM

# Looked up while this is imported: every test gets an AUTOIR_HOME of its own.
FETCHED = Path(os.environ.get("AUTOIR_HOME") or Path.home() / ".autoir").expanduser() / "models" / MINILM


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2; the test is skipped where there is none."""
    if not FETCHED.is_dir():
        pytest.skip("no all-MiniLM-L6-v2 on this machine: make model")
    return FETCHED
