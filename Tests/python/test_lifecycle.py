"""Start, stop, and what happens in between."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from garner import BINARY, PATIENCE, Daemon, data_files, http, run
from test_json import span, spans


def test_health_says_alive_and_ready(daemon):
    for path in ("/healthz", "/health", "/readyz", "/ready"):
        assert http(daemon.console + path).status == 200
    ready = http(f"{daemon.console}/readyz").json()
    assert ready["ready"] is True and ready["draining"] is False
    assert all(check["ok"] for check in ready["checks"].values())


def test_metrics_are_prometheus_text_and_count_records(daemon):
    daemon.post("traces", spans(span(1), span(2), span(3, spanId="0" * 16)))
    answer = http(f"{daemon.console}/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    families = list(text_string_to_metric_families(answer.body.decode()))
    assert len({family.name for family in families}) == len(families)
    samples = [sample for family in families for sample in family.samples]
    rejected = [sample for sample in samples if sample.name == "garner_intake_rejected_records_total"]
    assert [(sample.labels["reason"], sample.value) for sample in rejected if sample.value] == [("zero_span_id", 1)]


def test_promtool_finds_nothing_to_say_of_metrics(daemon):
    promtool = shutil.which("promtool", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if promtool is None:
        pytest.skip("promtool is not installed")
    daemon.post("traces", spans(span(1)))
    metrics = http(f"{daemon.console}/metrics").body
    done = subprocess.run([promtool, "check", "metrics"], input=metrics, capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_endpoints_are_written_for_other_programs(daemon):
    daemon.until((daemon.data / "endpoints.json").exists)
    text = (daemon.data / "endpoints.json").read_text()
    json.loads(text)
    for door in daemon.doors.values():
        assert door in text


def test_healthcheck_command_follows_the_daemon(daemon):
    daemon.until((daemon.data / "endpoints.json").exists)
    assert run("healthcheck", data=daemon.data, check=False).returncode == 0
    daemon.stop()
    assert run("healthcheck", data=daemon.data, check=False).returncode == 69


def test_sigterm_drains_and_exits_0(daemon):
    for number in range(1, 20):
        assert daemon.post("traces", spans(span(number))).status == 200
    assert daemon.stop() == 0
    with daemon.restart() as after:
        assert after.rows("SELECT count(*) AS n FROM telemetry_events") == [{"n": 19}]
        assert after.post("traces", spans(span(20))).status == 200
        ids = [row["id"] for row in after.query("SELECT id FROM telemetry_events ORDER BY id")]
        assert len(ids) == 20 and len(set(ids)) == 20


def test_sigterm_under_load_loses_nothing_that_was_answered(daemon):
    answered, under_way = [], threading.Event()

    def send(first):
        for number in range(first, first + 2000):
            try:
                answer = daemon.post("traces", spans(span(number)))
            except OSError:
                return
            if answer.status == 200:
                answered.append(number)
                under_way.set()

    clients = [threading.Thread(target=send, args=(1 + 10_000 * client,)) for client in range(4)]
    for client in clients:
        client.start()
    assert under_way.wait(PATIENCE)
    assert daemon.stop() == 0
    for client in clients:
        client.join()
    stored = {int(row["correlation"], 16) for row in daemon.rows("SELECT correlation FROM telemetry_events")}
    assert stored >= set(answered)


def test_kill_keeps_every_answered_record_once(daemon):
    for number in range(1, 40):
        assert daemon.post("traces", spans(span(number))).status == 200
    daemon.stop(signal.SIGKILL)
    with daemon.restart() as after:
        found = [int(row["correlation"], 16) for row in after.query("SELECT correlation FROM telemetry_events")]
        assert sorted(found) == list(range(1, 40))
        assert run("balance", data=after.data).returncode == 0


def test_a_foreign_reader_sees_rows_while_the_daemon_writes(daemon):
    daemon.post("traces", spans(span(1)))
    file, = data_files(daemon.data)
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    count = "SELECT count(*) FROM telemetry_events"
    assert reader.execute(count).fetchone() == (1,)
    assert daemon.post("traces", spans(span(2))).status == 200
    assert reader.execute(count).fetchone() == (1,)
    reader.execute("COMMIT")
    assert reader.execute(count).fetchone() == (2,)
    reader.close()


def test_a_second_daemon_on_the_same_data_is_refused(daemon):
    try:
        with Daemon(daemon.data):
            raise RuntimeError("two daemons on one data directory")
    except AssertionError as refusal:
        assert "exited 0" not in str(refusal)
    assert daemon.post("traces", spans(span())).status == 200


def test_a_file_of_noise_does_not_block_the_start(daemon):
    daemon.post("traces", spans(span(1)))
    daemon.stop()
    broken = daemon.data / "shards" / "landing" / "999.db"
    broken.write_bytes(bytes(range(256)) * 64)
    with daemon.restart() as after:
        assert after.post("traces", spans(span(2))).status == 200
        assert after.query("SELECT count(*) AS n FROM telemetry_events") == [{"n": 2}]
        after.until(lambda: list((after.data / "quarantine").rglob("*999*")))


def test_a_grpc_client_at_the_http_port_is_told_the_right_one(daemon):
    def text(said):
        return bytes([len(said)]) + said

    def frame(kind, flags, stream, payload):
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    # HPACK: 0x83 is `:method: POST`, 0x86 `:scheme: http`, 0x04 a literal `:path`, 0 a literal of both.
    fields = b"\x83\x86\x04" + text(b"/opentelemetry.proto.collector.trace.v1.TraceService/Export") + b"\x00" + text(
        b"content-type") + text(b"application/grpc")
    host, port = daemon.doors["otlp_http"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + frame(1, 4, 1, fields)
            + frame(0, 1, 1, bytes(5)))
        said = b""
        while b"http/protobuf" not in said:
            part = connection.recv(4096)
            assert part, said
            said += part
    assert b"415" in said and b"grpc-status" + text(b"12") in said and b"4317" in said


def test_what_is_not_http_gets_one_plain_line(daemon):
    host, port = daemon.doors["otlp_http"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64)
        said = b""
        while part := connection.recv(4096):
            said += part
    assert said.startswith(b"HTTP/1.1 400")


def test_the_program_lists_its_commands():
    said = run("--help").stdout
    for command in ("serve", "status", "query", "export", "balance", "healthcheck"):
        assert command in said
    assert BINARY.exists()


def head(url):
    return http(url, method="HEAD")


@pytest.mark.parametrize("page", ["/readyz", "/healthz", "/"])
def test_head_tells_the_length_that_get_has(daemon, page):
    body = http(daemon.console + page).body
    answer = head(daemon.console + page)
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(body)


@pytest.mark.parametrize("how", ["removed", "moved"])
def test_a_daemon_whose_folder_was_taken_leaves_the_new_one_alone(tmp_path, how):
    data, aside = tmp_path / "data", tmp_path / "aside"
    with Daemon(data) as old:
        assert old.post("traces", spans(span(1))).status == 200
        if how == "removed":
            shutil.rmtree(data)
        else:
            data.rename(aside)
        with Daemon(data) as new:
            for number in range(2, 5):
                assert new.post("traces", spans(span(number))).status == 200
                new.settle()
            assert old.process.wait(timeout=PATIENCE) == 74
            said = [line for line in old.errors().splitlines() if "exchanged" in line and '"error"' in line]
            assert len(said) == 1, old.errors()
            new.until((data / "endpoints.json").exists)
            assert new.post("traces", spans(span(5))).status == 200
            new.settle()
            assert new.query("SELECT count(*) AS n FROM telemetry_events") == [{"n": 4}]
            assert run("balance", data=data).returncode == 0
            assert new.stop() == 0
    if how == "moved":
        with Daemon(aside) as again:
            assert again.query("SELECT count(*) AS n FROM telemetry_events") == [{"n": 1}]
            assert run("balance", data=aside).returncode == 0


def test_intake_says_that_the_folder_is_gone(tmp_path):
    with Daemon(tmp_path / "data") as daemon:
        (tmp_path / "data").rename(tmp_path / "aside")
        try:
            refusal = daemon.post("traces", spans(span(1)))
        except OSError:
            pass  # it was quicker to end
        else:
            assert refusal.status == 503 and "directory_gone" in refusal.json()["message"]
        assert daemon.process.wait(timeout=PATIENCE) == 74


def test_ready_says_what_a_small_cap_is_kept_for(tmp_path):
    with Daemon(tmp_path / "data", env={"GARNER_RETENTION_MAX_BYTES": "2MiB"}) as daemon:
        junk = tmp_path / "data" / "quarantine" / "old.db"
        junk.write_bytes(bytes(1 << 20))
        daemon.until(lambda: daemon.control("POST", "/maintain").status == 200
                     and http(f"{daemon.console}/readyz").status == 503)
        detail = http(f"{daemon.console}/readyz").json()["checks"]["disk"]["detail"]
        assert "quarantine/ holds" in detail and "nothing may go" in detail
        assert "quarantine/ takes a large part" in daemon.errors()


def test_everybody_names_the_same_reserve(tmp_path):
    data, config = tmp_path / "data", tmp_path / "garner.yaml"
    config.write_text("retention:\n  max_bytes: 16MiB\n")
    place = ("--config", str(config))

    def status(*arguments):
        return run("status", *place, *arguments, data=data).stdout

    with Daemon(data, *place) as daemon:
        assert json.loads(status("--format", "json"))["reserve_bytes"] == 12 << 20
        assert ["ready", "true"] in [line.split() for line in status().splitlines()]
        assert "ready,true" in status("--format", "csv").splitlines()
        daemon.stop()
    assert json.loads(status("--format", "json"))["reserve_bytes"] == 12 << 20
    shown = run("config", "show", *place, "--format", "json", data=data).stdout
    reserve, = (row for row in json.loads(shown) if row["key"] == "retention.reserve_bytes")
    assert reserve["value"] == "12MiB"
