"""Fixtures of the process tests: a daemon of its own for each test, on ports that the system picks."""

import os

import pytest

from garner import BINARY, Daemon

# The SDK reads its settings from here too: a test says itself what it wants.
for name in [name for name in os.environ if name.startswith("OTEL_")]:
    del os.environ[name]


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} does not exist: `make build` first, or set GARNER_BIN", returncode=1)


@pytest.fixture
def daemon(tmp_path):
    with Daemon(tmp_path / "data") as running:
        yield running
