"""The commands of the README, in their order, as they stand; only addresses and the place of the program differ."""

import os
import re
import subprocess

from garner import BINARY, PATIENCE, ROOT, Daemon, environment

BLOCKS = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def test_the_first_screen_works(tmp_path):
    assert BLOCKS[0].strip() == "make run"
    with Daemon(tmp_path / "data", "--udp", "127.0.0.1:0") as daemon:
        daemon._await_doors("udp")
        outputs = []
        for block in BLOCKS[1:]:
            command = (
                block.replace("127.0.0.1:4318", daemon.doors["otlp_http"])
                .replace("127.0.0.1:4320", daemon.doors["console"])
                .replace("127.0.0.1/4319", daemon.doors["udp"].replace(":", "/"))
                .replace(".build-release/release/garner", str(BINARY))
            )
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                text=True, timeout=PATIENCE,
                env=environment(GARNER_DATA_DIR=str(daemon.data), PATH=os.environ["PATH"]),
            )
            assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
            outputs.append(done.stdout)
        sent, seen, asked, quoted = outputs[:4]
        assert sent.strip() == "{}"
        for part in ("2026-01-01T00:00:00.000000Z", "relay-1", "relay.game.start", "12345",
                     "5b8efff798038103d269b633813fc60c"):
            assert part in seen
        assert "relay.game.start" in asked and "12345" in asked
        assert "island_4p" in quoted


def test_the_first_screen_is_one_screen():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert lines[0] == "# Garner"
    assert next(number for number, line in enumerate(lines) if line.startswith("sqlite3 ")) < 50
