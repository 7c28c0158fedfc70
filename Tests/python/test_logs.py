"""Events and log records of the SDK."""

import json

from opentelemetry._logs import SeverityNumber

from telemetry import logging_to

NOON = 1_767_268_800_123_456_789


def test_an_event_keeps_name_severity_and_fields(daemon):
    with logging_to(daemon, "relay") as logger:
        logger.emit(
            timestamp=NOON, event_name="relay.desync", severity_number=SeverityNumber.ERROR, severity_text="ERROR",
            body="hashes differ",
            attributes={"game_id": "g-7", "tick": 9001, "hash_expected": "00ff", "diverged_players": ["a", "b"]})
    row, = daemon.rows("SELECT * FROM telemetry_events")
    data = json.loads(row.pop("data"))
    assert data == {"body": "hashes differ", "game_id": "g-7", "tick": 9001, "hash_expected": "00ff",
                    "diverged_players": ["a", "b"]}
    assert row.pop("id") > 0
    assert row == {
        "timestamp": "2026-01-01T12:00:00.123456Z", "session_id": "s-1", "component": "relay", "game_module": None,
        "mod_fingerprint": None, "category": "relay", "event": "relay.desync", "severity": "error",
        "duration_us": None, "tick": 9001, "correlation": None,
    }
    log, = daemon.rows("SELECT time_unix_nano, severity_number, severity_text, event_name, body FROM logs")
    assert log == {"time_unix_nano": NOON, "severity_number": 17, "severity_text": "ERROR",
                   "event_name": "relay.desync", "body": '"hashes differ"'}


def test_a_log_without_a_name_is_an_event_named_log(daemon):
    with logging_to(daemon, "relay") as logger:
        logger.emit(timestamp=NOON, severity_number=SeverityNumber.WARN2, body={"map": {"players": 4}})
    row, = daemon.rows("SELECT category, event, severity, json_extract(data, '$.body.map.players') AS players "
                       "FROM telemetry_events")
    assert row == {"category": "log", "event": "log", "severity": "warn", "players": 4}


def test_context_of_a_game_is_inherited(daemon):
    """What `relay.game.start` says of mods holds for all rows of the game."""
    with logging_to(daemon, "relay") as logger:
        logger.emit(timestamp=NOON, event_name="relay.game.start",
                    attributes={"game_id": "g-1", "game_module": "ra1", "mod_profile_fingerprint": "f1"})
        logger.emit(timestamp=NOON + 1, event_name="relay.player.join", attributes={"game_id": "g-1", "slot": 2})
        logger.emit(timestamp=NOON + 2, event_name="relay.player.join", attributes={"game_id": "g-2", "slot": 1})
    rows = daemon.rows("SELECT game_module, mod_fingerprint FROM telemetry_events "
                       "WHERE event = 'relay.player.join' ORDER BY timestamp")
    assert rows == [{"game_module": "ra1", "mod_fingerprint": "f1"}, {"game_module": None, "mod_fingerprint": None}]


def test_the_queries_of_the_schema_page_run_verbatim(daemon):
    with logging_to(daemon, "client") as logger:
        for name, attributes in [
            ("input.select", {"game_module": "ra1", "category": "input"}),
            ("input.select", {"game_module": "ra1", "category": "input"}),
            ("input.hotkey", {"game_module": "ra1", "category": "input"}),
            ("input.select", {"game_module": "td", "category": "input"}),
            ("match.pace", {"mod_fingerprint": "aa", "apm": 100}),
            ("match.pace", {"mod_fingerprint": "aa", "apm": 140}),
            ("match.pace", {"mod_fingerprint": "bb", "apm": 90.5}),
        ]:
            logger.emit(timestamp=NOON, event_name=name, attributes=attributes)
    assert daemon.query(
        """SELECT event, COUNT(*) FROM telemetry_events
           WHERE game_module = 'ra1' AND category = 'input'
           GROUP BY event ORDER BY COUNT(*) DESC""") == [
        {"event": "input.select", "COUNT(*)": 2}, {"event": "input.hotkey", "COUNT(*)": 1}]
    assert daemon.query(
        """SELECT mod_fingerprint, AVG(json_extract(data, '$.apm')) AS avg_apm
           FROM telemetry_events WHERE event = 'match.pace'
           GROUP BY mod_fingerprint""") == [
        {"mod_fingerprint": "aa", "avg_apm": 120.0}, {"mod_fingerprint": "bb", "avg_apm": 90.5}]
