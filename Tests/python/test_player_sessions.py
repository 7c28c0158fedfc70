"""A player's session over OTLP/HTTP protobuf, with and without gzip."""

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression

from player_sessions import PlayerSession
from telemetry import tracing


def play(tracer, player, reason):
    session = PlayerSession(tracer, player, "password", "2.0.1", "linux")
    session.enter_matchmaking("ranked")
    session.matched("lobby-9", 14.5)
    session.load("map", 312, 48.25)
    session.enter_game("eu-3", "island_4p")
    session.leave_game("win", 4200)
    session.enter_game("eu-3", "desert_2p")
    session.end(reason)


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_a_session_is_stored_whole(daemon, compression):
    with tracing(daemon, "player-session", compression=compression) as tracer:
        play(tracer, "p-1", "crash")
    rows = daemon.rows("SELECT event, count(*) AS n FROM telemetry_events WHERE category = 'session' "
                       "GROUP BY event ORDER BY event")
    assert {row["event"]: row["n"] for row in rows} == {
        "session.lifecycle": 1, "session.phase.in_game": 2, "session.phase.loading": 1, "session.phase.login": 1,
        "session.phase.matchmaking": 1,
    }


def test_the_summary_of_a_session_answers_why_it_ended(daemon):
    with tracing(daemon, "player-session") as tracer:
        for player, reason in [("p-1", "crash"), ("p-2", "logout"), ("p-3", "connection_lost"), ("p-4", "logout")]:
            play(tracer, player, reason)
    rows = daemon.query(
        """SELECT json_extract(data, '$."session.end_type"') AS end_type, count(*) AS n,
                  sum(json_extract(data, '$."session.matches_played"')) AS matches
           FROM telemetry_events WHERE event = 'session.lifecycle' GROUP BY end_type ORDER BY end_type""")
    assert rows == [{"end_type": "connection_failure", "n": 1, "matches": 2},
                    {"end_type": "crash", "n": 1, "matches": 2}, {"end_type": "graceful", "n": 2, "matches": 4}]


def test_a_trace_is_found_by_its_id(daemon):
    with tracing(daemon, "player-session") as tracer:
        play(tracer, "p-1", "logout")
        play(tracer, "p-2", "logout")
    traces = daemon.query("SELECT correlation, count(*) AS n FROM telemetry_events GROUP BY correlation")
    assert [row["n"] for row in traces] == [6, 6]
    found = daemon.query(f"SELECT event FROM telemetry_events WHERE correlation = '{traces[0]['correlation']}'")
    assert len(found) == 6


def test_durations_are_microseconds_of_the_span(daemon):
    with tracing(daemon, "player-session") as tracer:
        tracer.start_span("session.lifecycle", start_time=1_767_225_600_000_000_000).end(1_767_225_600_012_345_678)
    row, = daemon.rows("SELECT timestamp, duration_us FROM telemetry_events")
    assert row == {"timestamp": "2026-01-01T00:00:00.000000Z", "duration_us": 12345}
