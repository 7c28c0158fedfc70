"""The default policy, as a stranger with the disk would see it."""

import json

from garner import Daemon, run

PLAYER = "76561198000000001"
CANARIES = ["203.0.113.77", "canary@example.org", "hunter2-canary", "Canary Smith", PLAYER]


def text(key, value):
    return {"key": key, "value": {"stringValue": value}}


def body(player):
    """One of each signal; a canary in every kind of place a string can be."""
    address, mail, secret, name, _ = CANARIES
    attributes = [
        text("player.id", player), text("client.address", address), text("note", f"from {address}:27005 by {mail}"),
        text("path", f"C:\\Users\\{name}\\x"), text("body", json.dumps({"password": secret})),
        {"key": "nested", "value": {"kvlistValue": {"values": [text("player_id", player), text("deep", mail)]}}},
    ]
    resource = {"attributes": [text("service.name", "relay-1"), text("host.ip", address)]}
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": f"join {address}",
        "startTimeUnixNano": "1767225600000000000", "endTimeUnixNano": "1767225600012345000",
        "attributes": attributes, "status": {"code": 2, "message": f"no route to {address}"},
        "events": [{"timeUnixNano": "1767225600000000001", "name": f"say {mail}", "attributes": attributes}],
        "links": [{"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b175", "attributes": attributes}],
    }
    bad = {**span, "traceId": "00000000000000000000000000000000"}
    log = {"timeUnixNano": "1767225600000000000", "eventName": "relay.player.join", "attributes": attributes,
           "body": {"stringValue": f"mail {mail} password={secret}"}}
    point = {"timeUnixNano": "1767225600000000000", "asInt": "1", "attributes": attributes,
             "exemplars": [{"timeUnixNano": "1767225600000000000", "asInt": "1", "filteredAttributes": attributes}]}
    return {
        "traces": {"resourceSpans": [{"resource": resource, "scopeSpans": [
            {"scope": {"name": f"scope {address}", "attributes": attributes}, "spans": [span, bad]}]}]},
        "logs": {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [log]}]}]},
        "metrics": {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [
            {"name": "m", "description": f"by {mail}", "gauge": {"dataPoints": [point]}}]}]}]},
    }


def default_policy():
    return {"GARNER_PRIVACY_POLICY": "default"}


def test_what_was_scrubbed_is_nowhere_on_disk(tmp_path):
    with Daemon(tmp_path / "data", env=default_policy()) as daemon:
        for signal, request in body(PLAYER).items():
            assert daemon.post(signal, json.dumps(request).encode()).status == 200
        daemon.stop()
        files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()] + [daemon._errors]
        assert any("rejected" in str(path) for path in files)
        for path in files:
            content = path.read_bytes()
            for canary in CANARIES:
                assert canary.encode() not in content, f"{canary} in {path}"


def test_a_player_is_found_by_the_id_that_the_game_has(tmp_path):
    with Daemon(tmp_path / "data", env=default_policy()) as daemon:
        for player in (PLAYER, "76561198000000002"):
            assert daemon.post("logs", json.dumps(body(player)["logs"]).encode()).status == 200
        found = tmp_path / "player.ndjson"
        run("export", "--player", "STEAM_1:1:19867136", "--format", "ndjson", "--output", str(found), data=daemon.data)
        rows = [json.loads(line) for line in found.read_text().splitlines()]
        assert len(rows) == 1 and rows[0]["event"] == "relay.player.join"
        assert PLAYER not in found.read_text()
