"""What is known of forwarded records afterwards: positions through every end of the process, balance, why, retention."""

import json
import signal
from collections import Counter

from forward_daemon import ForwardingDaemon
from forward_far_end import FarEnd, OTLPEnd, Reply
from garner import run


def otlp(far, **more):
    return {"type": "otlp", "endpoint": far.url, **more}


def balance(data, *arguments, check=True):
    return run("balance", "--format", "json", *arguments, data=data, check=check)


def config(folder):
    return "--config", str(folder / "garner.yaml")


def test_what_is_acknowledged_right_after_the_first_start_survives_a_kill(tmp_path):
    with OTLPEnd() as far:
        far.answer = lambda request: Reply(503)
        with ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
            daemon.send_spans(["relay.first"])
            daemon.stop(signal.SIGKILL)
        far.answer = lambda request: Reply()
        with ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
            daemon.until_sent("far")
        assert Counter(far.names()) == {"relay.first": 1}


def test_a_copy_takes_the_place_of_damaged_positions(tmp_path):
    with OTLPEnd() as far:
        with ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
            daemon.send_spans(["relay.sent"])
            daemon.until_sent("far")
            far.answer = lambda request: Reply(503)
            daemon.send_spans(["relay.waits"], trace=2)
            daemon.until(lambda: daemon.status("far")["state"] == "retrying")
            daemon.stop()
        forward = tmp_path / "data" / "forward"
        (forward / "positions.db").write_bytes(b"noise" * 1_000)
        far.answer = lambda request: Reply()
        with ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
            daemon.until_sent("far")
            assert "set aside" in daemon.errors()
        assert Counter(far.names()) == {"relay.sent": 1, "relay.waits": 1}


def test_without_positions_and_copy_a_destination_waits_for_a_person(tmp_path):
    with OTLPEnd() as far:
        with ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
            daemon.send_spans(["relay.sent"])
            daemon.until_sent("far")
            daemon.stop()
        for file in (tmp_path / "data" / "forward").glob("positions*"):
            file.write_bytes(b"noise" * 1_000)
        with ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
            assert daemon.status("far")["state"] == "paused"
            daemon.send_spans(["relay.later"], trace=2)
            daemon.forward("resume", "far")
            daemon.until_sent("far")
        assert Counter(far.names()) == {"relay.sent": 1, "relay.later": 1}


def test_balance_and_why_know_what_was_forwarded(tmp_path):
    def answer(request):
        return Reply(400) if b"relay.bad" in request.body else Reply()

    with OTLPEnd(answer) as far, FarEnd(lambda request: Reply(503)) as away:
        with ForwardingDaemon(tmp_path, {}) as daemon:
            daemon.send_spans(["relay.early"], trace=1)
            daemon.stop()
        destinations = {"far": otlp(far), "away": otlp(away), "logs": otlp(far, signals=["logs"])}
        with ForwardingDaemon(tmp_path, destinations) as daemon:
            daemon.send_spans(["relay.good", "relay.bad", "relay.fine"], trace=2)
            daemon.until_sent("far")
            # Positions are written a moment after the answers.
            daemon.until(lambda: told(tmp_path, 2) == [
                ("away/live", 3, "still to be sent"), ("far/live", 1, "refused"), ("far/live", 2, "sent")])
            assert {detail for _, _, detail in told(tmp_path, 1)} == {"not sent"}
            balance(daemon.data, *config(tmp_path))
            assert daemon.metric("garner_forward_refused_records_total", destination="far", signal="traces") == 1
            assert daemon.metric("garner_forward_sent_records_total", destination="far", signal="traces") == 2
            assert daemon.metric("garner_forward_sent_records_total", destination="far", signal="logs") == 0
            assert daemon.metric("garner_forward_lag_seconds", destination="away") > 0
            assert daemon.metric("garner_forward_request_duration_seconds_count", destination="far") >= 1


def told(folder, trace):
    """What `garner why` says of the forwarding of a trace: run, records, how."""
    found = run("why", f"trace:{trace:032x}", "--format", "json", *config(folder), data=folder / "data")
    return sorted(
        (line["where"], line["count"], line["detail"].split(":")[0])
        for line in json.loads(found.stdout) if line["step"] == "forwarded")


def test_retention_holds_the_newest_unsent_files_and_counts_the_rest(tmp_path):
    """Six files of 40 spans, all too old; there is room for about half of them."""
    with FarEnd(lambda request: Reply(503)) as away:
        destinations = {"away": otlp(away, hold_unsent="150KB", batch={"records": 1, "interval": "20ms"})}
        forward = {"inflight_bytes": "4MiB"}
        retention = {"interval": "100ms", "min_age": "1s", "classes": {"standard": {"age": "3s"}}}
        store = {"compact_below": "1KiB"}
        with ForwardingDaemon(
            tmp_path, destinations, forward=forward, retention=retention, store=store
        ) as daemon:
            for number in range(6):
                daemon.send_spans([f"custom.file{number}"] * 40, trace=number + 1)
                daemon.settle()
            daemon.until(lambda: 0 < daemon.status("away")["held_bytes"] <= 150_000 and len(left(daemon)) < 6)
            kept = left(daemon)
            assert kept == [f"custom.file{number}" for number in range(6 - len(kept), 6)]
            daemon.until(lambda: daemon.status("away")["pruned_unsent"] + daemon.status("away")["lag_records"] > 0)
            balance(daemon.data, *config(tmp_path))


def left(daemon):
    rows = json.loads(run(
        "query", "--format", "json", "SELECT DISTINCT event FROM telemetry_events WHERE event LIKE 'custom.%' ORDER BY 1",
        data=daemon.data).stdout)
    return [row["event"] for row in rows]


def test_rows_from_before_a_privacy_policy_are_protected_when_they_leave(tmp_path):
    """They came in raw; a destination that is added later is sent history under the rules of its day."""
    player = {"player": "76561198012345678", "note": "mail bob@example.org from 10.1.2.3"}
    with OTLPEnd() as far, FarEnd() as hook:
        with ForwardingDaemon(tmp_path, {}, env={"GARNER_PRIVACY_POLICY": "none"}) as daemon:
            daemon.send_spans(["relay.old"], attributes=player, resource=player)
            daemon.stop()
        destinations = {"far": otlp(far, start="oldest"),
                        "hook": {"type": "webhook", "endpoint": hook.url, "start": "oldest"}}
        with ForwardingDaemon(tmp_path, destinations, env={"GARNER_PRIVACY_POLICY": "default"}) as daemon:
            daemon.send_spans(["relay.new"], trace=2, attributes=player)
            daemon.until_sent("far")
            daemon.until_sent("hook")
        values = {value for _, message in far.taken for resource in message.resource_spans
                  for scope in resource.scope_spans for span in scope.spans
                  for value in (attribute.value.string_value for attribute in span.attributes
                                if attribute.key == "player")}
        assert Counter(far.names()) == {"relay.old": 1, "relay.new": 1}
        # One player has one pseudonym, whenever it was made.
        assert len(values) == 1
        everything = b"".join(request.body for request in far.requests + hook.requests)
        assert everything
        for secret in (b"76561198012345678", b"bob@example.org", b"10.1.2.3"):
            assert secret not in everything


def test_a_rate_holds_for_the_first_records_too(tmp_path):
    with OTLPEnd() as far:
        with ForwardingDaemon(tmp_path, {"far": otlp(far, rate_limit=100)}) as daemon:
            daemon.send_spans([f"relay.{number}" for number in range(150)])
            daemon.until_sent("far")
        assert max(count for _, count in spans_a_request(far)) <= 100


def spans_a_request(far):
    return [(signal_name, sum(len(scope.spans) for resource in message.resource_spans for scope in resource.scope_spans))
            for signal_name, message in far.taken]
