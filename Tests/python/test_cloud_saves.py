"""The save service over OTLP/HTTP protobuf, read back as a support team would: who lost what, and when."""

import pytest

from cloud_saves import CloudSaves
from telemetry import metering, tracing


@pytest.fixture
def played(daemon):
    """Two devices write the same save, then a login finds itself ahead of the cloud."""
    with tracing(daemon, "cloud-save-service") as tracer, metering(daemon, "cloud-save-service") as meter:
        saves = CloudSaves(tracer, meter)
        saves.sync_on_login("p-1", "pc", None)
        saves.save("p-1", "pc", "1.4.0", 10.5, ["sword", "map"], at=1000.0)
        saves.save("p-1", "console", "1.4.0", 9.0, ["sword", "lamp"], at=1090.25)
        saves.sync_on_login("p-1", "pc", 1)
        saves.sync_on_login("p-1", "console", 2)
        saves.sync_on_login("p-1", "pc", 7)
    return daemon


def test_every_span_is_a_row(played):
    counts = played.rows("SELECT event, count(*) AS n FROM telemetry_events WHERE event LIKE 'cloud_save.%' "
                         "AND category = 'cloud_save' AND correlation IS NOT NULL GROUP BY event ORDER BY event")
    assert {row["event"]: row["n"] for row in counts} == {
        "cloud_save.backup_previous": 2, "cloud_save.conflict_check": 2, "cloud_save.load_current": 2,
        "cloud_save.resolve_conflict": 1, "cloud_save.save": 2, "cloud_save.sync_on_login": 4, "cloud_save.write": 2,
    }


def test_common_columns_come_from_the_resource(played):
    rows = played.rows("SELECT DISTINCT component, session_id, severity FROM telemetry_events")
    assert rows == [{"component": "cloud-save-service", "session_id": "s-1", "severity": "info"}]


def test_attributes_keep_their_types(played):
    first, second = played.query(
        """SELECT json_extract(data, '$."save.new_version"') AS version,
                  json_extract(data, '$."save.outcome"') AS outcome,
                  json_type(data, '$."save.had_conflict"') AS had_conflict,
                  json_type(data, '$."save.size_bytes"') AS size_type
           FROM telemetry_events WHERE event = 'cloud_save.save' ORDER BY id""")
    assert first == {"version": 1, "outcome": "success", "had_conflict": "false", "size_type": "integer"}
    assert second == {"version": 2, "outcome": "success", "had_conflict": "true", "size_type": "integer"}
    merged = played.query(
        """SELECT json_extract(data, '$."conflict.local_playtime_hours"') AS hours,
                  json_type(data, '$."conflict.local_playtime_hours"') AS type,
                  json_extract(data, '$."merge.items_cloud_only"') AS cloud_only
           FROM telemetry_events WHERE event = 'cloud_save.resolve_conflict'""")
    assert merged == [{"hours": 9.0, "type": "real", "cloud_only": 1}]


def test_sync_actions_can_be_counted(played):
    rows = played.query(
        """SELECT json_extract(data, '$."sync.action"') AS action, count(*) AS n FROM telemetry_events
           WHERE event = 'cloud_save.sync_on_login' GROUP BY action ORDER BY action""")
    assert rows == [{"action": action, "n": 1} for action in (
        "already_synced", "download_cloud", "local_ahead_of_cloud", "no_cloud_data")]


def test_a_span_event_is_a_row_and_a_child_of_its_span(played):
    row, = played.rows(
        "SELECT correlation, json_extract(data, '$.detail') AS detail, json_extract(data, '$.span_id') AS span "
        "FROM telemetry_events WHERE event = 'unexpected_state'")
    assert row["detail"] == "Local version is ahead of cloud version"
    span, = played.rows("SELECT trace_id, span_id, json_array_length(events) AS n, "
                        "json_extract(events, '$[0].name') AS name FROM spans WHERE events <> '[]'")
    assert span == {"trace_id": row["correlation"], "span_id": row["span"], "n": 1, "name": "unexpected_state"}


def test_parents_and_children_share_a_trace(played):
    rows = played.rows(
        "SELECT count(*) AS n, count(DISTINCT c.trace_id) AS traces FROM spans c JOIN spans p "
        "ON p.trace_id = c.trace_id AND p.span_id = c.parent_span_id WHERE p.name = 'cloud_save.save'")
    assert rows == [{"n": 9, "traces": 2}]


def test_metrics_are_rows_of_the_same_table(played):
    counter, = played.query(
        """SELECT json_extract(data, '$.value') AS value, json_extract(data, '$.kind') AS kind,
                  json_extract(data, '$.metric.type') AS type, json_extract(data, '$.metric.monotonic') AS monotonic
           FROM telemetry_events WHERE event = 'cloud_save.conflicts'""")
    assert counter == {"value": 1, "kind": "other_device", "type": "sum", "monotonic": 1}
    latency, = played.query(
        """SELECT json_extract(data, '$.count') AS count, json_extract(data, '$.sum') AS sum,
                  json_extract(data, '$.max') AS max, json_extract(data, '$.operation') AS operation
           FROM telemetry_events WHERE event = 'cloud_save.operation.latency_ms'""")
    assert latency == {"count": 2, "sum": 25.0, "max": 12.5, "operation": "save"}
    point, = played.rows("SELECT type, unit, description, temporality, count, sum, "
                         "json_array_length(bucket_counts) - json_array_length(explicit_bounds) AS extra_bucket "
                         "FROM metrics WHERE name = 'cloud_save.operation.latency_ms'")
    assert point == {"type": "histogram", "unit": "ms", "description": "Latency of save/load operations",
                     "temporality": "cumulative", "count": 2, "sum": 25.0, "extra_bucket": 1}
