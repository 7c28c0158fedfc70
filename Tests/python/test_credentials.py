"""Tokens and certificates, with the real SDK and the machine's own TLS."""

import json
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest

from garner import PATIENCE, Daemon, http, run
from telemetry import tracing

LOG = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "hello"}}]}]}]}).encode()


def token(data, *arguments):
    return run("token", "create", *arguments, data=data).stdout.strip()


def bearer(secret):
    return {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"}


def rows(data, sql):
    return json.loads(run("query", sql, "--format", "json", data=data).stdout)


def test_the_sdk_sends_with_a_token(tmp_path):
    data = tmp_path / "data"
    secret = token(data, "--source", "relay-eu-1", "--signals", "traces")
    with Daemon(data, "--otlp-http", "0.0.0.0:0") as daemon:
        with tracing(daemon, "shop", headers={"authorization": f"Bearer {secret}"}) as tracer:
            tracer.start_span("checkout").end()
        assert http(f"{daemon.otlp}/v1/logs", LOG, bearer(secret)).status == 403
        assert http(f"{daemon.otlp}/v1/logs", LOG, {"Content-Type": "application/json"}).status == 401
    assert rows(data, "SELECT name, source FROM spans") == [{"name": "checkout", "source": "relay-eu-1"}]


def test_rows_tell_the_audience_and_nobody_takes_the_name_of_another(tmp_path):
    data = tmp_path / "data"
    secret = token(data, "--source", "relay-eu-1", "--audience", "player")
    claim = LOG.replace(b'"scopeLogs"', b'"resource": {"attributes": [{"key": "service.name", "value": '
                        b'{"stringValue": "relay-eu-1"}}, {"key": "garner.audience", "value": {"stringValue": "server"}}]}, '
                        b'"scopeLogs"')
    with Daemon(data) as daemon:
        assert http(f"{daemon.otlp}/v1/logs", claim, bearer(secret)).status == 200
        assert http(f"{daemon.otlp}/v1/logs", claim, {"Content-Type": "application/json"}).status == 200
    sql = "SELECT source, json_extract(resource, '$.\"garner.audience\"') AS audience FROM logs ORDER BY id"
    assert rows(data, sql) == [
        {"source": "relay-eu-1", "audience": "player"}, {"source": "local", "audience": None}]


def test_the_console_asks_readers_for_a_token_off_loopback(tmp_path):
    data = tmp_path / "data"
    reader = token(data, "--scope", "read", "--source", "ops")
    with Daemon(data, "--console", "0.0.0.0:0") as daemon:
        assert http(f"{daemon.console}/metrics").status == 401
        assert http(f"{daemon.console}/healthz").status == 200
        page = http(f"{daemon.console}/metrics", headers={"Authorization": f"Bearer {reader}"})
        assert page.status == 200 and b"garner_intake_refused_requests_total" in page.body


def test_an_expired_token_is_refused(tmp_path):
    data = tmp_path / "data"
    secret = token(data, "--source", "a", "--expires", "30d")
    file = data / "keys" / "tokens.jsonl"
    line = json.loads(file.read_text())
    line["expires"] = "2020-01-01T00:00:00Z"
    file.write_text(json.dumps(line) + "\n")
    with Daemon(data) as daemon:
        answer = http(f"{daemon.otlp}/v1/logs", LOG, bearer(secret))
        assert answer.status == 401 and "expired" in answer.json()["message"]


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=PATIENCE)


def certificate(folder, name, extensions, issuer=None):
    """`name`.pem and `name`.key; signed by `issuer`, else by itself."""
    (folder / f"{name}.ext").write_text(extensions)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]
    openssl(folder, "req", *key, "-new", "-subj", f"/CN={name}", "-out", f"{name}.csr")
    signer = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial"] if issuer else [
        "-signkey", f"{name}.key"
    ]
    openssl(
        folder, "x509", "-req", "-in", f"{name}.csr", *signer, "-days", "2", "-extfile", f"{name}.ext", "-out",
        f"{name}.pem",
    )


@pytest.fixture
def certificates(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command")
    folder = tmp_path / "tls"
    folder.mkdir()
    certificate(folder, "ca", "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n")
    certificate(folder, "server", "subjectAltName=DNS:localhost,IP:127.0.0.1\n", "ca")
    certificate(folder, "named", "subjectAltName=DNS:relay-eu-7,DNS:other-name\n", "ca")
    certificate(folder, "relay-eu-8", "keyUsage=digitalSignature\n", "ca")
    certificate(folder, "stranger", "subjectAltName=DNS:relay-eu-7\n")
    return folder


def exchange(url, body, headers, folder, client=None):
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    if client:
        context.load_cert_chain(folder / f"{client}.pem", folder / f"{client}.key")
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=context) as response:
            return response.status
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code


def secured(folder, authorities=True):
    settings = {
        "GARNER_TLS_CERT_FILE": str(folder / "server.pem"), "GARNER_TLS_KEY_FILE": str(folder / "server.key"),
        "GARNER_AUTH_ALLOW_ANONYMOUS": "false",
    }
    if authorities:
        settings["GARNER_TLS_CLIENT_CA_FILE"] = str(folder / "ca.pem")
    return settings


def test_a_client_certificate_is_a_credential_and_a_token_wins(tmp_path, certificates):
    data = tmp_path / "data"
    secret = token(data, "--source", "by-token")
    with Daemon(data, env=secured(certificates)) as daemon:
        url = f"https://{daemon.doors['otlp_http']}/v1/logs"
        plain = {"Content-Type": "application/json"}
        assert exchange(url, LOG, plain, certificates) == 401
        assert exchange(url, LOG, plain, certificates, "named") == 200
        assert exchange(url, LOG, plain, certificates, "relay-eu-8") == 200
        assert exchange(url, LOG, bearer(secret), certificates, "named") == 200
        with pytest.raises((ssl.SSLError, urllib.error.URLError, ConnectionError)):
            exchange(url, LOG, plain, certificates, "stranger")
    assert [row["source"] for row in rows(data, "SELECT source FROM logs ORDER BY 1")] == [
        "by-token", "relay-eu-7", "relay-eu-8",
    ]


def test_a_renewed_certificate_is_taken_without_a_restart(tmp_path, certificates):
    data = tmp_path / "data"
    secret = token(data, "--source", "a")
    with Daemon(data, env=secured(certificates, authorities=False)) as daemon:
        host, port = daemon.doors["otlp_http"].rsplit(":", 1)
        first = ssl.get_server_certificate((host, int(port)))
        certificate(certificates, "server", "subjectAltName=DNS:localhost,IP:127.0.0.1\n", "ca")
        renewed = first
        while renewed == first:
            renewed = ssl.get_server_certificate((host, int(port)))
        assert exchange(f"https://{host}:{port}/v1/logs", LOG, bearer(secret), certificates) == 200


def test_plain_text_at_a_door_with_tls_gets_nothing(tmp_path, certificates):
    with Daemon(tmp_path / "data", env=secured(certificates)) as daemon:
        with pytest.raises((urllib.error.URLError, ConnectionError, OSError)):
            http(f"http://{daemon.doors['otlp_http']}/v1/logs", LOG, {"Content-Type": "application/json"})


def test_what_a_rule_refused_comes_back_as_what_it_was(tmp_path):
    trace, span, parent = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", "eee19b7ec3c1b173"
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "arena"}},
                               {"key": "session.id", "value": {"stringValue": "s-77"}},
                               {"key": "user.email", "value": {"stringValue": "bob@example.org"}}]}
    attributes = [{"key": "map", "value": {"stringValue": "ore"}}, {"key": "player", "value": {"stringValue": "Al"}}]
    spans = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "lib", "version": "2"}, "spans": [{
        "traceId": trace, "spanId": span, "parentSpanId": parent, "name": "step", "kind": 3, "attributes": attributes,
        "startTimeUnixNano": "1700000000000000001", "endTimeUnixNano": "1700000000000005001",
        "status": {"code": 2, "message": "no"}}]}]}]}
    logs = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [{
        "traceId": trace, "eventName": "demo.said", "timeUnixNano": "1700000000000000002", "severityNumber": 17,
        "severityText": "Fatal-ish", "body": {"stringValue": "hello"}, "attributes": attributes}]}]}]}
    points = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{
        "name": "m", "gauge": {"dataPoints": [{"timeUnixNano": "1", "asInt": "1"}]}}]}]}]}
    with Daemon(tmp_path / "data", env={"GARNER_PRIVACY_POLICY": "default"}) as daemon:
        token = run("token", "create", "--scope", "ingest", "--source", "arena-1", "--require", "build.id",
                    data=daemon.data).stdout.strip()
        head = {"Authorization": f"Bearer {token}"}
        daemon.until(lambda: daemon.post("traces", spans, **head).status == 200)
        for name, body in (("logs", logs), ("metrics", points)):
            assert daemon.post(name, body, **head).status == 200
        assert daemon.query("SELECT 1 FROM telemetry_events") == []
        for item in (f"trace:{trace}", "session:s-77"):
            life = json.loads(run("why", item, "--format", "json", data=daemon.data).stdout)
            assert [row["step"] for row in life] == ["rejected", "rejected"], item
        log, = (daemon.data / "rejected").glob("*.ndjson")
        assert "bob@example.org" not in log.read_text()
        done = run("import", str(log), data=daemon.data, check=False)
        # Of the data point too little is kept.
        assert done.returncode == 65 and "keeps too little" in done.stderr
        row, = daemon.query("SELECT * FROM spans")
        assert (row["trace_id"], row["span_id"], row["parent_span_id"]) == (trace, span, parent)
        assert (row["name"], row["source"], row["session_id"]) == ("step", "arena-1", "s-77")
        event, = daemon.query("SELECT * FROM telemetry_events WHERE event = 'step'")
        assert (event["duration_us"], event["component"], event["severity"]) == (5, "arena", "error")
        assert json.loads(event["data"])["map"] == "ore" and json.loads(event["data"])["player"].startswith("p_")
        event, = daemon.query("SELECT * FROM telemetry_events WHERE event = 'demo.said'")
        assert (event["correlation"], event["session_id"], event["severity"]) == (trace, "s-77", "error")
        assert json.loads(event["data"])["body"] == "hello"
        again = run("import", str(log), data=daemon.data, check=False)
        assert "2 " in again.stdout and len(daemon.query("SELECT * FROM telemetry_events")) == 2
