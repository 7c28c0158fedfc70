"""The real binary as a person meets it: command line, ports, files. Nothing here knows its insides."""

import http.client as http_client
import json
import os
import queue
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("GARNER_BIN", ROOT / ".build" / "debug" / "garner"))

# How long any single answer may take before a test is called hung; nothing is timed by it.
PATIENCE = 60


class Answer:
    """Status, headers and body of one HTTP exchange, refusals included."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)


def http(url, body=None, headers=None, method=None):
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, refusal.headers, refusal.read())


def environment(**more):
    """What a command of garner sees: no settings of the machine the tests run on."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GARNER_", "OTEL_", "XDG_"))}
    # Most tests compare what is stored with what was sent; what privacy changes has tests of its own.
    return {**kept, "GARNER_PRIVACY_POLICY": "none", **more}


def run(*arguments, data=None, check=True):
    """One command of garner, run to its end; with `check`, exit code 0 is expected."""
    command = [str(BINARY), *arguments]
    if data is not None:
        command += ["--data-dir", str(data)]
    done = subprocess.run(
        command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{command} exited {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


class _LocalConnection(http_client.HTTPConnection):
    """HTTP over a socket of the file system. Its path may be longer than an address can hold: the folder is opened."""

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self._path = Path(path)

    def connect(self):
        folder = os.open(self._path.parent, os.O_PATH)
        try:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(PATIENCE)
            self.sock.connect(f"/proc/self/fd/{folder}/{self._path.name}")
        finally:
            os.close(folder)


class Daemon:
    """`garner serve` on a data directory; doors are the ports it printed."""

    def __init__(self, data, *arguments, env=None):
        self.data = Path(data)
        self.doors = {}
        self.lines = []
        self._printed = queue.Queue()
        self._errors = self.data.parent / f"{self.data.name}.stderr"
        with open(self._errors, "ab") as errors:
            self.process = subprocess.Popen(
                [
                    str(BINARY), "serve", "--data-dir", str(self.data), "--otlp-http", "127.0.0.1:0",
                    "--console", "127.0.0.1:0", "--otlp-grpc", "none", "--udp", "none", *arguments,
                ],
                env=environment(**(env or {})), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                text=True,
            )
        threading.Thread(target=self._read, daemon=True).start()
        self._await_doors("otlp_http", "console")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def _read(self):
        try:
            for line in self.process.stdout:
                self._printed.put(line.rstrip("\n"))
        except ValueError:
            pass  # closed by __exit__
        self._printed.put(None)

    def _await_doors(self, *names):
        while not all(name in self.doors for name in names):
            line = self._printed.get(timeout=PATIENCE)
            if line is None:
                self.process.wait()
                raise AssertionError(f"garner serve exited {self.process.returncode}\n{self.errors()}")
            self.lines.append(line)
            words = line.split()
            if len(words) == 3 and words[0] == "listening":
                self.doors[words[1]] = words[2]

    def errors(self):
        return self._errors.read_text(errors="replace")

    @property
    def otlp(self):
        return f"http://{self.doors['otlp_http']}"

    @property
    def console(self):
        return f"http://{self.doors['console']}"

    def post(self, signal_name, body, content_type="application/json", **headers):
        """One OTLP request; a `body` that is not bytes is sent as JSON."""
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return http(f"{self.otlp}/v1/{signal_name}", body, {"Content-Type": content_type, **named})

    def stop(self, with_signal=signal.SIGTERM):
        """Stops the daemon and gives its exit code (negative: the signal that ended it)."""
        self.process.send_signal(with_signal)
        return self.process.wait(timeout=PATIENCE)

    def restart(self, *arguments):
        return Daemon(self.data, *arguments)

    def control(self, method, path):
        """One request to the control socket, as the commands make it."""
        connection = _LocalConnection(str(self.data / "control.sock"))
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def settle(self):
        """Moves what landed to where it stays."""
        answer = self.control("POST", "/settle")
        assert answer.status == 200, answer.body

    def until(self, holds):
        """Returns when `holds()` does; each look costs the daemon a request, so that it goes on meanwhile."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"it never came to pass\n{self.errors()}")
            http(f"{self.console}/healthz")

    def query(self, sql, *arguments):
        """Rows of `garner query`, as dictionaries."""
        return json.loads(run("query", sql, "--format", "json", *arguments, data=self.data).stdout)

    def rows(self, sql, parameters=()):
        return rows(self.data, sql, parameters)


def data_files(data):
    """Every file with the views: landing and settled."""
    return sorted((Path(data) / "shards").rglob("*.db"))


def rows(data, sql, parameters=()):
    """What a foreign SQLite tool reads, file by file, one after the other."""
    found = []
    for file in data_files(data):
        with sqlite3.connect(file, timeout=PATIENCE) as connection:
            connection.row_factory = sqlite3.Row
            found += [dict(row) for row in connection.execute(sql, parameters)]
        connection.close()
    return found
