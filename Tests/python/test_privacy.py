"""The default policy, as a stranger with the disk would see it."""

import json
import os
import subprocess

from garner import BINARY, PATIENCE, Daemon, environment, http, run

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


def suspicion(player, time="1767225600000000000"):
    return json.dumps({"resourceLogs": [{"resource": {"attributes": [text("service.name", "relay-1")]}, "scopeLogs": [
        {"logRecords": [{"timeUnixNano": time, "eventName": "relay.suspicion",
                         "attributes": [text("player.id", player)]}]}]}]}).encode()


def test_queries_show_one_player_and_the_restricted_only_when_asked(tmp_path):
    other = "76561198000000002"
    with Daemon(tmp_path / "data", env=default_policy()) as daemon:
        for player in (PLAYER, other):
            for signal, request in body(player).items():
                assert daemon.post(signal, json.dumps(request).encode()).status == 200
            assert daemon.post("logs", suspicion(player)).status == 200
        # Nothing but the resource knows whose this one is.
        beside = {"resourceLogs": [{"resource": {"attributes": [text("user.id", PLAYER)]}, "scopeLogs": [
            {"logRecords": [{"timeUnixNano": "1", "eventName": "client.crash"}]}]}]}
        assert daemon.post("logs", json.dumps(beside).encode()).status == 200

        def events(sql, *flags):
            return sorted(row["event"] for row in daemon.query(sql, *flags))

        every = "SELECT event FROM telemetry_events"
        assert events(every).count("relay.player.join") == 2
        own = events(every, "--player", PLAYER)
        assert own.count("relay.player.join") == 1 and "client.crash" in own and "relay.suspicion" not in own
        assert events(every, "--player", "STEAM_1:1:19867136") == own
        assert "relay.suspicion" in events(every, "--player", PLAYER, "--restricted")
        assert events(every, "--player", "nobody") == []
        joined = "WITH RECURSIVE a AS (SELECT event FROM telemetry_events WHERE category = 'relay') SELECT event FROM a"
        assert events("/* mine */ " + joined, "--player", PLAYER) == ["relay.player.join"]
        assert len(daemon.query("SELECT name FROM spans", "--player", PLAYER)) == 1
        assert len(daemon.query("SELECT name FROM metrics", "--player", PLAYER)) == 1
        wrong = run("query", "SELECT nothing FROM telemetry_events", "--player", PLAYER, data=daemon.data, check=False)
        assert wrong.returncode == 65 and "(line 1, column 8)" in wrong.stderr

        def inspected(*flags):
            return run("inspect", "relay", "--format", "csv", *flags, data=daemon.data).stdout

        assert inspected().count("relay.player.join") == 2 and "relay.suspicion" not in inspected()
        assert inspected("--player", PLAYER).count("relay.player.join") == 1
        assert inspected("--restricted").count("relay.suspicion") == 2
        assert inspected("--restricted", "--player", PLAYER).count("relay.suspicion") == 1
        exported = tmp_path / "player.db"
        run("export", "--restricted", "--output", str(exported), data=daemon.data)
        name = "SELECT data ->> '$.\"player.id\"' AS p FROM telemetry_events WHERE event = 'relay.player.join'"
        pseudonym = daemon.query(name, "--player", PLAYER)[0]["p"]
        rows = json.loads(
            run("query", every, "--player", pseudonym, "--db", str(exported), "--format", "json").stdout)
        assert sorted(row["event"] for row in rows).count("relay.suspicion") == 1


def applied(daemon, rule):
    page = http(f"{daemon.console}/metrics").body.decode()
    return int(page.split(f'garner_privacy_applied_total{{rule="{rule}"}} ')[1].split()[0])


def test_a_player_who_was_erased_does_not_come_back(tmp_path):
    with Daemon(tmp_path / "data", env=default_policy()) as daemon:
        request = json.dumps(body(PLAYER)["logs"]).encode()
        assert daemon.post("logs", request).status == 200
        pseudonym = daemon.query("SELECT data ->> '$.\"player.id\"' AS p FROM telemetry_events")[0]["p"]
        stones = daemon.data / "keys" / "tombstones.jsonl"
        stones.write_text(json.dumps({"pseudonym": pseudonym, "at": "2026-02-01T00:00:00Z"}) + "\n")
        stones.chmod(0o600)
        assert daemon.control("POST", "/-/reload").status == 200
        late = json.loads(request)
        late["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["body"] = {"stringValue": "again"}
        assert daemon.post("logs", json.dumps(late).encode()).status == 200
        assert daemon.query("SELECT count(*) AS n FROM telemetry_events")[0]["n"] == 1
        books = json.loads(run("balance", "--format", "json", data=daemon.data).stdout)[-1]
        assert (books["received"], books["stored"], books["filtered"], books["ok"]) == (2, 1, 1, True)
        assert applied(daemon, "erased") == 1
        # A list of players names others too: it stays, without him.
        desync = {"resourceLogs": [{"scopeLogs": [{"logRecords": [
            {"timeUnixNano": "1767225600000000000", "eventName": "relay.desync", "attributes": [
                {"key": "diverged_players", "value": {"arrayValue": {"values": [
                    {"stringValue": PLAYER}, {"stringValue": "76561198000000002"}]}}}]}]}]}]}
        assert daemon.post("logs", json.dumps(desync).encode()).status == 200
        kept = daemon.query("SELECT data FROM telemetry_events WHERE event = 'relay.desync'")[0]["data"]
        assert "[erased]" in kept and pseudonym not in kept
        # What is wrong with the file changes nothing, and is said.
        stones.write_text("no tombstone\n")
        refused = daemon.control("POST", "/-/reload")
        assert refused.status == 400 and b"tombstones.jsonl: line 1" in refused.body
        assert daemon.stop() == 0
    # A start would forget somebody: it is refused.
    assert run("serve", data=tmp_path / "data", check=False).returncode == 78


def test_the_policy_changes_with_a_reload(tmp_path):
    config = tmp_path / "garner.yaml"
    config.write_text("privacy:\n  policy: default\n")
    with Daemon(tmp_path / "data", "--config", str(config), env=default_policy()) as daemon:
        def sent(number):
            record = {"timeUnixNano": str(number), "eventName": "demo.hit", "attributes": [text("weapon", "axe")]}
            request = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
            assert daemon.post("logs", json.dumps(request).encode()).status == 200
            return daemon.query("SELECT data FROM telemetry_events ORDER BY id DESC LIMIT 1")[0]["data"]

        assert "axe" in sent(1)
        config.write_text("privacy:\n  policy: default\n  drop: [weapon]\n")
        answer = daemon.control("POST", "/-/reload").json()
        assert answer == {"changed": ["privacy.drop"], "needs_restart": []}
        assert "axe" not in sent(2)
        config.write_text("privacy:\n  policy: default\nstore:\n  group_bytes: 8MiB\n")
        answer = daemon.control("POST", "/-/reload").json()
        assert answer == {"changed": ["privacy.drop"], "needs_restart": ["store.group_bytes"]}
        assert "axe" in sent(3)


def serve_once(data, *arguments, **settings):
    """`garner serve` that is expected not to start."""
    command = [str(BINARY), "serve", "--data-dir", str(data), "--otlp-http", "127.0.0.1:0", "--otlp-grpc", "none",
               "--udp", "none", "--console", "none", *arguments]
    return subprocess.run(command, env=environment(**settings), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE)


def key_line(name, active=True):
    return json.dumps({"id": name, "key": os.urandom(32).hex(), "active": active}) + "\n"


def test_a_lost_key_is_not_replaced_by_another(tmp_path):
    data = tmp_path / "data"
    with Daemon(data, env=default_policy()) as daemon:
        assert daemon.post("logs", body(PLAYER)["logs"]).status == 200
        daemon.stop()
    path = data / "keys" / "privacy.jsonl"
    kept = path.read_text()
    path.unlink()
    for way in ("policy.json", None):
        refused = serve_once(data, **default_policy())
        assert refused.returncode == 78 and "privacy.jsonl is gone" in refused.stderr, refused.stderr
        assert not path.exists()
        # Nor is it when all keys are gone: there are rows.
        if way:
            (data / "keys" / way).unlink()
    path.write_text(kept)
    path.chmod(0o600)
    with Daemon(data, env=default_policy()) as daemon:
        # Nor by a reload.
        path.unlink()
        refused = daemon.control("POST", "/-/reload")
        assert refused.status == 400 and b"privacy.jsonl is gone" in refused.body
        assert not path.exists()
        path.write_text(key_line("new"))
        path.chmod(0o600)
        daemon.stop()
    # On purpose it goes on.
    with Daemon(data, env=default_policy()) as daemon:
        daemon.stop()


def test_a_first_start_that_was_broken_off_is_no_lost_key(tmp_path):
    (tmp_path / "data" / "shards").mkdir(parents=True)
    for name in ("catalog.db", "state.db"):
        (tmp_path / "data" / name).touch()
    with Daemon(tmp_path / "data", env=default_policy()) as daemon:
        assert (daemon.data / "keys" / "privacy.jsonl").exists()


def test_a_store_without_a_policy_needs_no_key(tmp_path):
    data = tmp_path / "data"
    with Daemon(data) as daemon:
        assert daemon.post("logs", body(PLAYER)["logs"]).status == 200
        daemon.stop()
    (data / "keys" / "privacy.jsonl").unlink()
    with Daemon(data) as daemon:
        daemon.stop()


def test_one_key_is_active(tmp_path):
    data = tmp_path / "data"
    (data / "keys").mkdir(parents=True)
    path = data / "keys" / "privacy.jsonl"
    for lines, said in ((key_line("a") + key_line("b"), "privacy.jsonl: line 2: "), (key_line("a", False), "no line has")):
        path.write_text(lines)
        path.chmod(0o600)
        refused = serve_once(data, **default_policy())
        assert refused.returncode == 78 and said in refused.stderr, refused.stderr


def test_a_pseudonym_key_that_is_not_there_is_told(tmp_path):
    data = tmp_path / "data"
    create = ["token", "create", "--source", "cup", "--pseudonym-key", "spring-cup"]
    early = run(*create, data=data)
    assert "warning: there is no" in early.stderr
    with Daemon(data, env=default_policy()) as daemon:
        def told(count):
            lines = [json.loads(line) for line in daemon.errors().splitlines() if "privacy.unknown_key" in line]
            return len(lines) == count and all(line["pseudonym_key"] == "spring-cup" for line in lines)
        assert told(1)
        for more in ([], ["--udp"]):
            refused = run(*create, *more, data=data, check=False)
            assert refused.returncode == 2 and "no key of this id" in refused.stderr
        run("token", "create", "--source", "second", data=data)
        daemon.until(lambda: told(2))
        path = data / "keys" / "privacy.jsonl"
        path.write_text(path.read_text() + key_line("spring-cup", False))
        assert daemon.control("POST", "/-/reload").status == 200
        assert told(2)
        run(*create, data=data)


def test_patterns_that_say_nothing_are_told(tmp_path):
    def check(privacy):
        (tmp_path / "garner.yaml").write_text(f"privacy:\n  {privacy}\n")
        return run("config", "check", "--config", str(tmp_path / "garner.yaml"), data=tmp_path / "data", check=False)
    for entry in ("player:", "device:"):
        refused = check(f"pseudonymize: ['{entry}']")
        assert refused.returncode == 78 and "garner.yaml:2:" in refused.stderr
    idle = check("drop: ['!chat.txet', voice.*]")
    assert idle.returncode == 0 and 'privacy.drop`: "!chat.txet" takes nothing away' in idle.stderr
