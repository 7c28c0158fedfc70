"""`garner forward`: what it tells and what it does."""

import json
from collections import Counter

import pytest

from forward_daemon import NOON, ForwardingDaemon, attribute_list
from forward_far_end import FarEnd, OTLPEnd, Reply
from garner import run

SHOWN = [
    "destination", "kind", "id", "state", "lag_records", "lag_seconds", "oldest_unsent", "waiting", "sent", "retried",
    "refused", "last_error",
]
MORE = [
    "type", "delayed", "endpoint", "lag_exact", "skipped", "pruned_unsent", "duplicate", "held_bytes", "position", "restricted",
    "advice", "refused_by",
]


def otlp(far, **more):
    return {"type": "otlp", "endpoint": far.url, "timeout": "2s", **more}


def several(prefix, count):
    return [f"{prefix}.{number}" for number in range(count)]


def send_logs(daemon, names, at=NOON):
    answer = daemon.post("logs", {"resourceLogs": [{
        "resource": {"attributes": attribute_list({"service.name": "relay"})},
        "scopeLogs": [{"logRecords": [
            {"timeUnixNano": str(at + number), "eventName": name, "body": {"stringValue": name}}
            for number, name in enumerate(names)]}]}]})
    assert answer.status == 200, answer.body


def log_names(far):
    return Counter(item["event_name"] for _, _, item in far.records("logs"))


def test_status_has_the_columns_that_are_documented(tmp_path):
    with OTLPEnd() as far, ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
        daemon.send_spans(several("relay", 3))
        daemon.until_sent("far")
        text = daemon.forward("status")
        line, = json.loads(daemon.forward("status", "--format", "json").stdout)
        assert set(line) == set(SHOWN + MORE)
        assert (line["id"], line["oldest_unsent"], line["delayed"]) == (None, None, False)
        assert (line["destination"], line["kind"], line["type"], line["endpoint"]) == ("far", "live", "otlp", far.url)
        assert (line["state"], line["sent"], line["restricted"], line["lag_exact"]) == ("idle", 3, False, True)
        # No slash is escaped.
        assert f'"{far.url}"' in daemon.forward("status", "--format", "json").stdout
        csv = daemon.forward("status", "--format", "csv").stdout.splitlines()
        assert csv[0].split(",") == SHOWN
        assert "far" in text.stdout
        # The command alone is `status`.
        assert json.loads(daemon.forward("--format", "json").stdout)[0]["destination"] == "far"


def test_without_a_daemon_there_is_nobody_to_ask(tmp_path):
    with OTLPEnd() as far, ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
        assert daemon.stop() == 0
        for command in (["status"], ["pause", "far"], ["replay", "--destination", "far"]):
            done = daemon.forward(*command, check=False)
            assert done.returncode == 69, done
            assert "garner serve" in done.stderr


def test_a_name_that_is_wrong_is_told_with_those_there_are(tmp_path):
    with OTLPEnd() as far, ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
        for command in (["pause", "fra"], ["skip", "--destination", "fra", "--now"], ["test", "fra"],
                        ["replay", "--destination", "fra"]):
            done = daemon.forward(*command, check=False)
            assert done.returncode == 2, done
            assert "`fra`" in done.stderr and "far" in done.stderr


@pytest.mark.parametrize("reply, code", [(Reply(), 0), (Reply(401, body=b"who are you"), 1), (None, 1)],
                         ids=["there", "401", "away"])
def test_a_destination_can_be_tried(reply, code, tmp_path):
    with FarEnd(lambda request: reply or Reply(), starts=reply is not None) as far, ForwardingDaemon(
            tmp_path, {"far": otlp(far)}) as daemon:
        done = daemon.forward("test", "far", check=False)
        assert done.returncode == code, done
        assert done.stdout.startswith("far: reached" if code == 0 else "far: not reached")
        if reply and reply.status == 401:
            assert "who are you" in done.stdout


def test_no_destination_that_is_away_counts_as_reached(tmp_path):
    with FarEnd(starts=False) as far:
        types = ["otlp", "jaeger", "zipkin", "prometheus", "loki", "webhook", "clickhouse", "garner"]
        with ForwardingDaemon(tmp_path, {name: {"type": name, "endpoint": far.url} for name in types}) as daemon:
            for name in types:
                done = daemon.forward("test", name, check=False)
                assert (done.returncode, done.stdout.split(",")[0]) == (1, f"{name}: not reached"), done


def test_the_page_of_metrics_and_the_command_tell_one_state(tmp_path):
    with OTLPEnd() as far, ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
        def shown(state):
            return daemon.metric("garner_forward_state", destination="far", state=state)

        daemon.send_spans(several("relay", 10))
        daemon.until_sent("far")
        assert (shown("idle"), shown("sending")) == (1, None)
        daemon.forward("pause", "far")
        assert (shown("paused"), shown("idle")) == (1, None)
        daemon.forward("resume", "far")
        assert (shown("paused"), shown("idle")) == (None, 1)


def test_the_words_of_a_far_end_are_shown_without_what_is_around_them(tmp_path):
    body = json.dumps({"code": 3, "message": "json \x1b[31mwords"}).encode()
    with FarEnd(lambda request: Reply(400, {"Content-Type": "application/json"}, body)) as far, ForwardingDaemon(
            tmp_path, {"far": otlp(far)}) as daemon:
        daemon.send_spans(["relay.bad"])
        daemon.until(lambda: daemon.status("far")["refused"] == 1)
        refusal, = daemon.status("far")["refused_by"]
        assert refusal["message"] == "json  [31mwords"
        assert "json  [31mwords" in daemon.forward("test", "far", check=False).stdout


def test_pause_holds_and_resume_goes_on_after_a_restart_too(tmp_path):
    with OTLPEnd() as far:
        with ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
            daemon.forward("pause", "far")
            daemon.send_spans(several("relay", 10))
            daemon.until(lambda: daemon.status("far")["lag_records"] == 10)
            assert daemon.status("far")["state"] == "paused"
            assert daemon.stop() == 0
        with ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
            assert daemon.status("far")["state"] == "paused"
            assert not far.requests
            daemon.forward("resume", "far")
            daemon.until_sent("far")
            assert Counter(far.names()) == Counter(several("relay", 10))


def test_skip_passes_over_what_is_unsent_and_counts_it(tmp_path):
    with OTLPEnd(starts=False) as far, ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
        daemon.send_spans(several("relay.old", 10))
        daemon.until(lambda: daemon.status("far")["retried"] > 0)
        assert daemon.forward("skip", "--destination", "far", "--now").stdout.split()[1] == "10"
        line = daemon.status("far")
        assert (line["lag_records"], line["skipped"], line["sent"]) == (0, 10, 0)
        far.start()
        daemon.send_spans(several("relay.new", 10), trace=2)
        daemon.until(lambda: daemon.status("far")["sent"] == 10)
        # What was on its way may have arrived; it is not waited for.
        assert Counter(several("relay.new", 10)) <= Counter(far.names())
        assert daemon.forward("skip", "--destination", "far", check=False).returncode == 2


def test_a_destination_of_today_gets_the_history_by_replay_only(tmp_path):
    with OTLPEnd() as old, OTLPEnd() as new:
        with ForwardingDaemon(tmp_path, {"old": otlp(old)}) as daemon:
            send_logs(daemon, several("relay.first", 30))
            send_logs(daemon, several("relay.second", 30), at=NOON + 3_600_000_000_000)
            daemon.settle()
            daemon.until_sent("old")
            assert daemon.stop() == 0
        with ForwardingDaemon(tmp_path, {"old": otlp(old), "new": otlp(new)}) as daemon:
            send_logs(daemon, several("relay.live", 5))
            daemon.until_sent("new")
            assert log_names(new) == Counter(several("relay.live", 5))
            # The first hour, by the records' own clock.
            done = daemon.forward(
                "replay", "--destination", "new", "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T12:30:00Z",
                "--include", "relay.first.*")
            assert "30 sent, 0 refused" in done.stdout
            assert log_names(new) == Counter(several("relay.live", 5) + several("relay.first", 30))
            done = daemon.forward("replay", "--destination", "new", "--include", "relay.second.*", "--rate", "0")
            assert "30 sent" in done.stdout
            assert log_names(new) == Counter(
                several("relay.live", 5) + several("relay.first", 30) + several("relay.second", 30))
            # Positions of their own: the live one counts its own records alone.
            assert daemon.status("new")["sent"] == 5
            replays = [line for line in daemon.status() if line["kind"] == "replay"]
            assert [line["state"] for line in replays] == ["done", "done"]
            assert log_names(old) == Counter(
                several("relay.live", 5) + several("relay.first", 30) + several("relay.second", 30))


def test_imported_rows_leave_by_replay_only(tmp_path):
    events = tmp_path / "events.ndjson"
    events.write_text("".join(
        json.dumps({"timestamp": f"2026-01-01T12:00:0{number}Z", "session_id": "s", "category": "match",
                    "event": f"match.{number}", "severity": "info", "data": {}}) + "\n" for number in range(5)))
    with OTLPEnd() as far, OTLPEnd() as taker:
        destinations = {"far": otlp(far), "taker": otlp(taker, forward_imports=True)}
        with ForwardingDaemon(tmp_path, destinations) as daemon:
            run("import", str(events), data=daemon.data)
            send_logs(daemon, ["relay.live"])
            daemon.until(lambda: taker.count() >= 6)
            daemon.until_sent("far")
            assert log_names(far) == Counter(["relay.live"])
            done = daemon.forward("replay", "--destination", "far", "--include", "match.*")
            assert "5 sent" in done.stdout
            assert far.count() == 6


def test_what_was_refused_can_be_sent_again(tmp_path):
    def answer(request):
        return Reply(400, body=b"no") if b"poison" in request.body and not mended else Reply()

    mended = []
    with OTLPEnd(answer) as far, ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
        send_logs(daemon, [*several("relay", 10), "relay.poison", *several("relay.more", 10)])
        daemon.until_sent("far")
        assert daemon.status("far")["refused"] == 1
        refusal, = daemon.status("far")["refused_by"]
        assert (refusal["reason"], refusal["count"]) == ("invalid", 1)
        sample, = refusal["sample"]
        assert set(sample) == {"id", "time", "signal", "event", "data"}
        assert (sample["signal"], sample["event"]) == ("logs", "relay.poison")
        assert sample["time"].startswith("2026-01-01T12:00:00") and json.loads(sample["data"])["body"] == "relay.poison"
        mended.append(True)
        assert daemon.forward(
            "replay", "--destination", "far", "--refused", "--reason", "too_large", check=False).returncode == 2
        done = daemon.forward("replay", "--destination", "far", "--refused", "--reason", "invalid")
        assert "1 sent, 0 refused" in done.stdout
        assert log_names(far)["relay.poison"] == 1
        assert far.count() == 21


def test_what_was_refused_is_shown_by_twenty_and_all_of_it_can_be_sent_again(tmp_path):
    def answer(request):
        return Reply(422, body=b"odd") if b"odd" in request.body and not mended else Reply()

    mended = []
    names = [f"relay.{'odd' if number % 2 else 'even'}.{number}" for number in range(2_400)]
    with OTLPEnd(answer) as far, ForwardingDaemon(tmp_path, {"far": otlp(
            far, batch={"records": 1, "interval": "1ms"}, concurrency=16)}) as daemon:
        send_logs(daemon, names)
        daemon.until_sent("far")
        refusal, = daemon.status("far")["refused_by"]
        assert refusal["count"] == 1_200
        shown = [sample["event"] for sample in refusal["sample"]]
        assert len(set(shown)) == 20 and all(".odd." in name for name in shown)
        assert len(json.dumps(refusal["sample"])) < 8 << 10
        mended.append(True)
        done = daemon.forward("replay", "--destination", "far", "--refused", "--rate", "0")
        assert "1200 sent, 0 refused" in done.stdout
        assert log_names(far) == Counter(names)


def test_a_replay_goes_on_after_a_restart(tmp_path):
    with OTLPEnd() as far:
        with ForwardingDaemon(tmp_path, {"far": otlp(far, start="now")}) as daemon:
            for number in range(10):
                send_logs(daemon, several(f"relay.{number}", 100))
            daemon.until_sent("far")
            sent = far.count()
            far.kill()
            done = daemon.forward("replay", "--destination", "far", "--detach")
            number = done.stdout.split()[1]
            daemon.until(lambda: any(
                line["kind"] == "replay" and line["state"] == "retrying" for line in daemon.status()))
            daemon.stop()
        far.start()
        with ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
            done = daemon.forward("replay", "--resume", number)
            assert "is done: 1000 sent" in done.stdout
            assert far.count() == sent + 1_000
            assert set(log_names(far).values()) == {2}


def test_a_replay_that_stops_ends_the_command_that_waits_for_it(tmp_path):
    refusals = []
    with OTLPEnd(lambda request: Reply(401, body=b"who are you") if refusals else Reply()) as far, ForwardingDaemon(
            tmp_path, {"far": otlp(far)}) as daemon:
        send_logs(daemon, several("relay", 10))
        daemon.until_sent("far")
        refusals.append(True)
        done = daemon.forward("replay", "--destination", "far", check=False)
        assert done.returncode == 1, done
        assert "has stopped" in done.stderr and "who are you" in done.stderr
        number = done.stderr.split("--resume ")[1].split("`")[0]
        # What was said before counts no more: it is tried at once.
        done = daemon.forward("replay", "--resume", number, check=False)
        assert done.returncode == 1 and "has stopped" in done.stderr, done
        refusals.clear()
        done = daemon.forward("replay", "--resume", number)
        assert "is done: 10 sent, 0 refused" in done.stdout
        assert far.count() == 20


def test_a_replay_that_pauses_ends_the_command_that_waits_for_it(tmp_path):
    refusals = []
    with OTLPEnd(lambda request: Reply(418, body=b"not this") if refusals else Reply()) as far, ForwardingDaemon(
            tmp_path, {"far": otlp(far)}) as daemon:
        for number in range(4):
            send_logs(daemon, several(f"relay.{number}", 4_000))
        daemon.until_sent("far")
        refusals.append(True)
        done = daemon.forward("replay", "--destination", "far", "--rate", "0", check=False)
        assert done.returncode == 1, done
        assert "is paused" in done.stderr and "not this" in done.stderr and "--resume 1" in done.stderr
        refusals.clear()
        done = daemon.forward("replay", "--resume", "1", check=False)
        # What was refused stays refused.
        assert done.returncode == 1 and "replay 1 is done" in done.stdout, done


def test_a_reason_chooses_among_what_was_refused_only(tmp_path):
    with OTLPEnd() as far, ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
        send_logs(daemon, several("relay", 10))
        daemon.until_sent("far")
        done = daemon.forward("replay", "--destination", "far", "--reason", "invalid", check=False)
        assert done.returncode == 2 and "--refused" in done.stderr
        assert daemon.control("POST", "/forward/replay?destination=far&reason=invalid").status == 400
        assert far.count() == 10


def test_a_replay_can_be_cancelled(tmp_path):
    with OTLPEnd(starts=False) as far, ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
        daemon.forward("pause", "far")
        send_logs(daemon, several("relay", 10))
        done = daemon.forward("skip", "--destination", "far", "--now")
        number = daemon.forward("replay", "--destination", "far", "--detach").stdout.split()[1]
        daemon.forward("replay", "--cancel", number)
        assert done.returncode == 0
        line, = [line for line in daemon.status() if line["kind"] == "replay"]
        assert line["state"] == "cancelled"
        assert daemon.forward("replay", "--cancel", "77", check=False).returncode == 2


def test_two_copies_of_the_store_agree_with_the_balance(tmp_path):
    """Every matched record is sent, refused or skipped: the sum is what is stored."""
    def answer(request):
        return Reply(400, body=b"no") if b"poison" in request.body else Reply()

    with OTLPEnd(answer) as far, ForwardingDaemon(tmp_path, {"far": otlp(far, exclude=["relay.quiet.*"])}) as daemon:
        send_logs(daemon, [*several("relay", 20), "relay.poison", *several("relay.quiet", 5)])
        daemon.until_sent("far")
        line = daemon.status("far")
        assert (line["sent"], line["refused"], line["lag_records"], line["waiting"]) == (20, 1, 0, 0)
        done = run("balance", data=daemon.data, check=False)
        assert done.returncode == 0, done
