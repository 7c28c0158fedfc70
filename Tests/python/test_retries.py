"""A request that is sent again is stored once."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor

from test_json import span, spans


def stored(daemon):
    return daemon.rows("SELECT count(*) AS n FROM telemetry_events")


def test_a_retry_gets_the_first_answer_again(daemon):
    body = json.dumps(spans(span(1), span(2, traceId="0" * 32))).encode()
    first = daemon.post("traces", body)
    again = daemon.post("traces", body)
    assert (again.status, again.body) == (first.status, first.body)
    assert (first.headers["Garner-Duplicate"], again.headers["Garner-Duplicate"]) == (None, "1")
    assert stored(daemon) == [{"n": 1}]


def test_the_same_request_eight_times_at_once_is_stored_once(daemon):
    body = json.dumps(spans(*(span(number) for number in range(1, 65)))).encode()
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: daemon.post("traces", body), range(8)))
    assert {answer.status for answer in answers} == {200}
    assert sorted(answer.headers["Garner-Duplicate"] or "" for answer in answers) == [""] + ["1"] * 7
    assert stored(daemon) == [{"n": 64}]


def test_a_retry_is_known_across_kill_and_restart(daemon):
    body = json.dumps(spans(span(1))).encode()
    assert daemon.post("traces", body).status == 200
    assert daemon.stop(signal.SIGKILL) == -signal.SIGKILL
    with daemon.restart() as after:
        again = after.post("traces", body)
        assert (again.status, again.headers["Garner-Duplicate"]) == (200, "1")
        assert stored(after) == [{"n": 1}]
