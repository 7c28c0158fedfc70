"""Destinations of a running daemon: added, changed and removed by SIGHUP; and records on standard output."""

import hashlib
import hmac
import json
import shutil
import signal
import ssl
import time

import pytest

from forward_daemon import NOON, ForwardingDaemon, attribute_list, written
from forward_far_end import FarEnd, OTLPEnd
from garner import PATIENCE, http
from test_credentials import certificate


def otlp(far, **more):
    return {"type": "otlp", "endpoint": far.url, "timeout": "2s", **more}


def several(prefix, count):
    return [f"{prefix}.{number}" for number in range(count)]


def reload(daemon, destinations):
    """By SIGHUP; returns when the destinations are these."""
    written(daemon.folder, destinations)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: {(line["destination"], line["endpoint"]) for line in daemon.status()}
                 == {(name, entry.get("endpoint", "")) for name, entry in destinations.items()})


def test_destinations_come_change_and_go(tmp_path):
    with OTLPEnd() as one, OTLPEnd() as other, OTLPEnd() as new, ForwardingDaemon(
            tmp_path, {"first": otlp(one)}) as daemon:
        daemon.send_spans(several("relay.a", 5))
        daemon.until_sent("first")
        # Another endpoint goes on where the old one was; a new name begins with what comes after it.
        reload(daemon, {"first": otlp(other), "second": otlp(new)})
        daemon.send_spans(several("relay.b", 5), trace=2)
        daemon.until(lambda: other.count() == 5 and new.count() == 5)
        assert sorted(one.names()) == several("relay.a", 5)
        assert sorted(other.names()) == sorted(new.names()) == several("relay.b", 5)
        assert daemon.status("first")["sent"] == 10
        # Gone: nothing goes there any more, and the other does not notice.
        reload(daemon, {"second": otlp(new)})
        daemon.send_spans(several("relay.c", 5), trace=3)
        daemon.until(lambda: new.count() == 10)
        assert other.count() == 5
        # Back: it goes on where it was.
        reload(daemon, {"first": otlp(other), "second": otlp(new)})
        daemon.until(lambda: other.count() == 10)
        assert sorted(other.names()) == several("relay.b", 5) + several("relay.c", 5)
        assert sorted(new.names()) == several("relay.b", 5) + several("relay.c", 5)
        daemon.until_sent("first")
        assert daemon.status("first")["sent"] == 15


def test_the_last_of_several_reloads_holds(tmp_path):
    with OTLPEnd() as one, OTLPEnd() as other, ForwardingDaemon(tmp_path, {"far": otlp(one)}) as daemon:
        for number in range(6):
            written(daemon.folder, {"far": otlp(other if number % 2 else one, concurrency=number + 1)})
            assert daemon.control("POST", "/-/reload").status == 200
        # One at the start, and one a reload.
        daemon.until(lambda: daemon.errors().count("forwarding to far") == 7)
        daemon.until(lambda: any(line["endpoint"] == other.url for line in daemon.status()))
        daemon.send_spans(several("relay", 5))
        daemon.until(lambda: other.count() == 5)
        assert daemon.status("far")["endpoint"] == other.url
        assert one.count() == 0


def test_a_configuration_with_a_fault_changes_nothing(tmp_path):
    with OTLPEnd() as far, OTLPEnd() as other, ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
        none = str(tmp_path / "none.token")
        written(tmp_path, {"far": otlp(other), "new": otlp(other, auth={"bearer_file": none})})
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until(lambda: "was not reloaded" in daemon.errors())
        assert none in daemon.errors() and "destinations.new" in daemon.errors()
        daemon.send_spans(several("relay", 5))
        daemon.until_sent("far")
        assert (far.count(), other.count()) == (5, 0)


def test_a_page_keeps_what_it_shows(tmp_path):
    page = {"pull": {"type": "scrape"}}
    with OTLPEnd() as far, ForwardingDaemon(tmp_path, page) as daemon:
        answer = daemon.post("metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [
            {"name": "relay.games", "gauge": {"dataPoints": [{"timeUnixNano": str(NOON), "asInt": "7"}]}}]}]}]})
        assert answer.status == 200, answer.body

        def shown():
            return http(f"{daemon.console}/metrics/received").body.decode()

        daemon.until(lambda: "relay_games" in shown())
        reload(daemon, {**page, "far": otlp(far)})
        assert "relay_games" in shown()


def test_a_key_that_is_new_under_its_old_name_is_read(tmp_path):
    key = tmp_path / "hook.key"
    key.write_text("the first secret\n")

    def is_signed_with(secret, request):
        signed = dict(part.split("=", 1) for part in request.headers["Garner-Signature"].split(","))
        mac = hmac.new(secret, f"{signed['t']}.".encode() + request.body, hashlib.sha256)
        return mac.hexdigest() == signed["v1"]

    with FarEnd() as far:
        hook = {"hook": {"type": "webhook", "endpoint": far.url, "secret_file": str(key)}}
        with ForwardingDaemon(tmp_path, hook) as daemon:
            daemon.send_spans(["relay.a"])
            daemon.until_sent("hook")
            assert is_signed_with(b"the first secret", far.requests[0])
            key.write_text("the second secret\n")
            # When the page is there, the hook before it was begun anew.
            reload(daemon, {**hook, "pull": {"type": "scrape"}})
            daemon.send_spans(["relay.b"], trace=2)
            daemon.until(lambda: len(far.requests) == 2)
            assert is_signed_with(b"the second secret", far.requests[1])


class TLSEnd(OTLPEnd):
    def __init__(self, folder, name):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
        super().__init__()

    def start(self):
        super().start()
        self._server.socket = self._context.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self):
        return f"https://localhost:{self.port}"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")
def test_authorities_that_are_new_under_their_old_name_are_read(tmp_path):
    for name in ("ca", "other"):
        certificate(tmp_path, name, "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n")
    certificate(tmp_path, "far", "subjectAltName=DNS:localhost\n", "ca")
    trusted = tmp_path / "trusted.pem"
    shutil.copy(tmp_path / "other.pem", trusted)
    with TLSEnd(tmp_path, "far") as far, ForwardingDaemon(
            tmp_path, {"far": otlp(far, tls={"ca_file": str(trusted)})}) as daemon:
        daemon.send_spans(several("relay", 5))
        daemon.until(lambda: daemon.status("far")["state"] == "stopped")
        shutil.copy(tmp_path / "ca.pem", trusted)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until(lambda: far.count() == 5)


class StdoutDaemon(ForwardingDaemon):
    """Standard output is for records: where the doors are stands in the other."""

    def _await_doors(self, *names):
        deadline = time.monotonic() + PATIENCE
        while not all(name in self.doors for name in names):
            assert self.process.poll() is None and time.monotonic() < deadline, self.errors()
            for line in self.errors().splitlines():
                words = line.split()
                if len(words) == 3 and words[0] == "listening":
                    self.doors[words[1]] = words[2]

    def printed(self, count):
        """So many lines of standard output."""
        return [json.loads(self._printed.get(timeout=PATIENCE)) for _ in range(count)]


def test_standard_output_has_lines_of_records_and_nothing_else(tmp_path):
    delay = {"for": "1ms", "match": ["match.*"]}
    with StdoutDaemon(tmp_path, {"out": {"type": "stdout", "delay": delay}}) as daemon:
        daemon.send_spans(several("relay", 3), attributes={"text": "x" * 100_000})
        daemon.send_spans(several("match", 3), trace=2, attributes={"text": "y" * 100_000})
        answer = daemon.post("logs", {"resourceLogs": [{
            "resource": {"attributes": attribute_list({"service.name": "relay"})},
            "scopeLogs": [{"logRecords": [{"timeUnixNano": str(NOON), "body": {"stringValue": "ö"}}]}]}]})
        assert answer.status == 200, answer.body
        names, bodies = [], []
        while len(names) < 6 or not bodies:
            line, = daemon.printed(1)
            names += [span["name"] for resource in line.get("resourceSpans", []) for scope in resource["scopeSpans"]
                      for span in scope["spans"]]
            bodies += [record["body"] for resource in line.get("resourceLogs", []) for scope in resource["scopeLogs"]
                       for record in scope["logRecords"]]
        assert sorted(names) == several("match", 3) + several("relay", 3)
        assert bodies == [{"stringValue": "ö"}]
        assert daemon.stop() == 0
        assert daemon._printed.get(timeout=PATIENCE) is None
