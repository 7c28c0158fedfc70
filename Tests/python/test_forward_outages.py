"""Far ends that are away, that misbehave, that die under load; a daemon that dies. Nothing acknowledged is lost."""

import gzip
import signal
import threading
from collections import Counter
from http.client import HTTPException

import pytest

from forward_daemon import ForwardingDaemon, spans
from forward_far_end import REQUESTS, RESPONSES, FarEnd, OTLPEnd, Reply, span_names
from otlp_json import Reader


def otlp(far, **more):
    return {"type": "otlp", "endpoint": far.url, "timeout": "2s", **more}


def partial(signal, rejected, words):
    response = RESPONSES[signal]()
    member = {"traces": "rejected_spans", "metrics": "rejected_data_points", "logs": "rejected_log_records"}[signal]
    setattr(response.partial_success, member, rejected)
    response.partial_success.error_message = words
    return Reply(body=response.SerializeToString(), headers={"Content-Type": "application/x-protobuf"})


def several(prefix, count):
    return [f"{prefix}.{number}" for number in range(count)]


def test_what_came_while_the_far_end_was_away_arrives_once(tmp_path):
    with OTLPEnd(starts=False) as far, ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
        for number in range(20):
            daemon.send_spans(several(f"relay.{number}", 50), trace=number + 1)
        daemon.until(lambda: daemon.status("far")["state"] == "retrying")
        line = daemon.status("far")
        assert (line["lag_records"], line["sent"], line["lag_exact"]) == (1_000, 0, True)
        assert line["lag_seconds"] > 0 and line["oldest_unsent"] and line["last_error"]
        assert daemon.metric("garner_forward_lag_records", destination="far") == 1_000
        far.start()
        daemon.until_sent("far")
        assert Counter(far.names()) == Counter(
            name for number in range(20) for name in several(f"relay.{number}", 50))
        assert daemon.status("far")["sent"] == 1_000


@pytest.mark.parametrize("reply, word", [
    (Reply(503), "503"),
    (Reply(502), "502"),
    (Reply(429, {"Retry-After": "1"}), "429"),
    (Reply(503, {"Retry-After": "1"}), "503"),
    (Reply(429), "429"),
    (Reply(hangs=True), "timeout"),
    (Reply(raw=b""), "no answer"),
    (Reply(raw=b"\0\xff garbage \r\n\r\n"), "no answer"),
    (Reply(raw=b"HTTP/1.1 20"), "no answer"),
    (Reply(raw=b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n"), "no answer"),
    (Reply(raw=b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n\0\1"), "no answer"),
], ids=["503", "502", "429-rest", "503-rest", "429", "hangs", "closes", "garbage", "half-a-head", "099", "101"])
def test_an_answer_that_is_none_for_good_is_tried_again(reply, word, tmp_path):
    """The first three requests are answered so."""
    with OTLPEnd() as far, ForwardingDaemon(
            tmp_path, {"far": otlp(far, timeout="300ms" if reply.hangs else "5s")}) as daemon:
        far.answer = lambda request: reply if len(far.requests) <= 3 else Reply()
        daemon.send_spans(several("relay", 10))
        daemon.until_sent("far")
        assert sorted(far.names()) == sorted(several("relay", 10))
        line = daemon.status("far")
        assert (line["sent"], line["refused"]) == (10, 0)
        # On a connection that was used before, the end of it is tried again at once and not counted.
        assert line["retried"] >= (1 if reply.raw == b"" else 3)
        assert daemon.metric("garner_forward_requests_total", destination="far", code=word) >= 1, word


@pytest.mark.parametrize("kind", ["otlp", "zipkin", "prometheus", "loki", "webhook", "clickhouse"])
def test_a_status_that_is_none_ends_no_process(kind, tmp_path):
    raw = b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n"
    with FarEnd(lambda request: Reply(raw=raw)) as far, ForwardingDaemon(
            tmp_path, {"far": {"type": kind, "endpoint": far.url}}) as daemon:
        done = daemon.forward("test", "far", check=False)
        assert (done.returncode, done.stdout.split(",")[0]) == (1, "far: not reached"), done
        assert "status 0" in done.stdout


@pytest.mark.parametrize("reply", [
    Reply(200), Reply(204), Reply(200, body=b"\xff\xffgarbage"), Reply(200, body=b"x" * (5 << 20)),
    Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
    partial("traces", 0, "all is well"),
], ids=["200", "204", "garbage", "long", "half", "empty-partial-success"])
def test_a_success_is_one_however_its_body_looks(reply, tmp_path):
    with OTLPEnd(lambda request: reply) as far, ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
        daemon.send_spans(several("relay", 10))
        daemon.until_sent("far")
        daemon.send_spans(several("relay.later", 10), trace=2)
        daemon.until(lambda: daemon.status("far")["sent"] == 20)
        line = daemon.status("far")
        assert (line["refused"], line["retried"]) == (0, 0)
        assert len(far.requests) == 2


def test_what_a_far_end_rejects_is_counted_and_not_sent_again(tmp_path):
    with OTLPEnd(lambda request: partial("traces", 3, "three are bad")) as far, ForwardingDaemon(
            tmp_path, {"far": otlp(far)}) as daemon:
        daemon.send_spans(several("relay", 10))
        daemon.until_sent("far")
        line = daemon.status("far")
        assert (line["sent"], line["refused"], len(far.requests)) == (7, 3, 1)
        refused, = line["refused_by"]
        assert (refused["reason"], refused["count"]) == ("partial", 3)
        assert "three are bad" in refused["message"]
        assert refused["first"] and refused["last"] and refused["sample"]


def test_one_bad_record_does_not_hold_up_the_others(tmp_path):
    """A far end that answers 400 to every request with a poisonous span in it."""
    def answer(request):
        return Reply(400, body=b"poison is not wanted") if b"poison" in request.body else Reply()

    with OTLPEnd(answer) as far, ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
        good = several("relay", 100)
        daemon.send_spans([*good[:37], "relay.poison", *good[37:]])
        daemon.until_sent("far")
        assert sorted(far.names()) == sorted(good)
        line = daemon.status("far")
        assert (line["sent"], line["refused"]) == (100, 1)
        refused, = line["refused_by"]
        assert (refused["reason"], refused["count"]) == ("invalid", 1)
        assert "poison is not wanted" in refused["message"]
        assert daemon.forward("status", check=False).returncode == 1
        assert daemon.metric("garner_forward_refused_records_total", destination="far", reason="invalid") == 1


@pytest.mark.parametrize("status", [401, 403, 404, 405, 407, 301, 302])
def test_a_destination_at_fault_stops_and_goes_on_after_a_reload(status, tmp_path):
    with OTLPEnd(lambda request: Reply(status, {"Location": "http://127.0.0.1:9/other"})) as far, ForwardingDaemon(
            tmp_path, {"far": otlp(far)}) as daemon:
        daemon.send_spans(several("relay", 10))
        daemon.until(lambda: daemon.status("far")["state"] == "stopped")
        line = daemon.status("far")
        assert (line["lag_records"], line["refused"]) == (10, 0)
        assert str(status) in line["last_error"]
        assert daemon.forward("status", check=False).returncode == 1
        far.answer = lambda request: Reply()
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until_sent("far")
        assert sorted(far.names()) == sorted(several("relay", 10))


def test_a_request_that_is_too_long_is_halved(tmp_path):
    with OTLPEnd(lambda request: Reply(413 if len(request.body) > 20_000 else 200)) as far, ForwardingDaemon(
            tmp_path, {"far": otlp(far)}) as daemon:
        daemon.send_spans(several("relay", 500), attributes={"text": "x" * 100})
        daemon.until_sent("far")
        assert Counter(far.names()) == Counter(several("relay", 500))
        line = daemon.status("far")
        assert (line["sent"], line["refused"]) == (500, 0)


class Load:
    """Sends requests of twenty spans, names that never come twice, until it is ended; retries what was not answered."""

    def __init__(self, box):
        self.box = box
        self.acknowledged = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join()

    def _run(self):
        number = 0
        while not self._ends.is_set():
            number += 1
            names = several(f"relay.{number}", 20)
            while True:
                try:
                    if self.box[0].post("traces", spans(names, number)).status == 200:
                        break
                except (OSError, HTTPException):
                    # The daemon is away for the moment.
                    if self._ends.wait(0.02):
                        return
            self.acknowledged += names


def file_names(folder):
    """Names of the spans in the files of a destination."""
    found = []
    for file in sorted(folder.glob("traces*")):
        data = file.read_bytes()
        data = gzip.decompress(data) if file.suffix == ".gz" else data
        found += span_names(
            [("traces", Reader(REQUESTS["traces"], aside=[]).read(line)) for line in data.decode().split("\n")[:-1]])
    return found


def test_kills_of_both_sides_under_load_lose_nothing(tmp_path):
    """The far end four times, the daemon twice by the signal that nobody can handle. The files have all just once."""
    files = tmp_path / "files"
    with OTLPEnd() as far:
        destinations = {
            "far": otlp(far, timeout="500ms"),
            "files": {"type": "file", "path": str(files), "rotate_bytes": "64KiB", "keep": 1_000},
        }
        box = [ForwardingDaemon(tmp_path, destinations)]
        try:
            with Load(box) as load:
                for turn in range(4):
                    before = len(load.acknowledged)
                    box[0].until(lambda: len(load.acknowledged) >= before + 400)
                    far.kill()
                    box[0].until(lambda: len(load.acknowledged) >= before + 800)
                    if turn % 2:
                        box[0].stop(signal.SIGKILL)
                        box[0].__exit__()
                        box[0] = ForwardingDaemon(tmp_path, destinations)
                    far.start()
                    arrived = far.count()
                    box[0].until(lambda: far.count() > arrived)
            daemon = box[0]
            daemon.until_sent("far")
            daemon.until_sent("files")
            stored = Counter(row["event"] for row in daemon.rows("SELECT event FROM telemetry_events"))
            acknowledged = set(load.acknowledged)
            assert acknowledged <= stored.keys()
            assert stored.keys() == set(far.names())
            assert Counter(file_names(files)) == stored
            for name in destinations:
                line = daemon.status(name)
                assert (line["refused"], line["lag_records"]) == (0, 0)
            # What was sent again is known as such or counted once.
            assert daemon.status("files")["sent"] == sum(stored.values())
            assert daemon.status("far")["sent"] == sum(stored.values())
        finally:
            box[0].__exit__()


def test_a_dead_destination_is_no_matter_to_the_others(tmp_path):
    with OTLPEnd() as first, OTLPEnd() as second, FarEnd(lambda request: Reply(hangs=True)) as silent, \
            FarEnd(starts=False) as dead:
        destinations = {"first": otlp(first), "second": otlp(second), "silent": otlp(silent), "dead": otlp(dead)}
        with ForwardingDaemon(tmp_path, destinations) as daemon:
            for number in range(100):
                daemon.send_spans(several(f"relay.{number}", 100), trace=number + 1)
            for name in ("first", "second"):
                daemon.until_sent(name)
            expected = Counter(name for number in range(100) for name in several(f"relay.{number}", 100))
            assert Counter(first.names()) == expected
            assert Counter(second.names()) == expected
            for name in ("silent", "dead"):
                line = daemon.status(name)
                assert (line["sent"], line["refused"], line["lag_records"]) == (0, 0, 10_000)
            assert daemon.stop() == 0


def test_a_stop_in_the_middle_of_an_outage_goes_on_at_the_next_start(tmp_path):
    with OTLPEnd(starts=False) as far:
        with ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
            daemon.send_spans(several("relay", 100))
            daemon.until(lambda: daemon.status("far")["retried"] > 0)
            assert daemon.stop() == 0
        far.start()
        with ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
            daemon.until_sent("far")
            assert Counter(far.names()) == Counter(several("relay", 100))
            assert daemon.status("far")["sent"] == 100


def test_what_was_settled_is_not_sent_again_after_a_restart(tmp_path):
    with OTLPEnd() as far:
        for number in range(3):
            with ForwardingDaemon(tmp_path, {"far": otlp(far)}) as daemon:
                daemon.send_spans(several(f"relay.{number}", 10), trace=number + 1)
                daemon.until_sent("far")
                assert daemon.stop() == 0
        assert Counter(far.names()) == Counter(name for number in range(3) for name in several(f"relay.{number}", 10))


def test_an_answer_that_never_ends_holds_nothing_up(tmp_path):
    stalled = Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc", hangs=True)
    with OTLPEnd(lambda request: stalled if len(far.requests) == 1 else Reply()) as far, ForwardingDaemon(
            tmp_path, {"far": otlp(far, concurrency=1)}) as daemon:
        daemon.send_spans(several("relay", 10))
        daemon.until(lambda: daemon.status("far")["sent"] == 10)
        daemon.send_spans(several("relay", 5))
        daemon.until_sent("far")
        # The status was the answer: nothing went again.
        assert daemon.status("far")["sent"] == 15
        assert (len(far.requests), far.count()) == (2, 5)


def test_a_new_address_keeps_the_position(tmp_path):
    with OTLPEnd(starts=False) as old, OTLPEnd() as new:
        with ForwardingDaemon(tmp_path, {"far": otlp(old)}) as daemon:
            daemon.send_spans(several("relay", 10))
            daemon.until(lambda: daemon.status("far")["retried"] > 0)
        with ForwardingDaemon(tmp_path, {"far": otlp(new)}) as daemon:
            daemon.until_sent("far")
            assert sorted(new.names()) == sorted(several("relay", 10))


def test_order_of_a_far_end_that_takes_files(tmp_path):
    """One line after the other, in the order of arrival; closed files keep their names in order too."""
    files = tmp_path / "files"
    entry = {"type": "file", "path": str(files), "rotate_bytes": "16KiB", "keep": 1_000, "batch": {"records": 40}}
    with ForwardingDaemon(tmp_path, {"files": entry}) as daemon:
        for number in range(300):
            daemon.send_spans(several(f"relay.{number}", 2), trace=number + 1)
        daemon.until_sent("files")
        closed = sorted(file.name for file in files.glob("traces-*"))
        # They are compressed when it is sure that they will not be opened again.
        assert len(closed) > 3 and all(name.endswith((".jsonl", ".jsonl.gz")) for name in closed)
        assert [int(name.split(".")[0].rsplit("-", 1)[1]) for name in closed] == list(range(1, len(closed) + 1))
        expected = [name for number in range(300) for name in several(f"relay.{number}", 2)]
        found = file_names(files)
        assert Counter(found) == Counter(expected)
        assert found == expected
