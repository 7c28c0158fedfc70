"""The acceptance cases of the protocol rules, sent to the real daemon; each names the rules that it tries."""

import json
from pathlib import Path

import pytest

from garner import ROOT, Daemon, http
from otlp_canonical import compare, records
from otlp_json import Reader
from test_round_trip import REQUESTS, exported, rejected

FOLDERS = [ROOT / "Tests" / "WireTests" / "Fixtures" / "otlp", ROOT / "Tests" / "IntakeTests" / "Fixtures"]
COUNTED = {"traces": "spans", "logs": "records", "metrics": "points"}


def body(case):
    """Bytes of a case; None: they are made elsewhere."""
    name = case.get("file")
    places = [FOLDERS[0] / name, FOLDERS[1] / Path(name).name] if name else []
    return next((place.read_bytes() for place in places if place.is_file()), None)


def cases():
    for case in json.loads((FOLDERS[0] / "cases.json").read_text())["cases"]:
        signal = case["request"].get("path", "").removeprefix("/v1/")
        if signal in COUNTED and body(case) is not None:
            yield pytest.param(case, signal, id=f"{case['id']} {' '.join(case['rules'])}")


CASES = list(cases())


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """One daemon for all cases; some send the same body, which is not to be taken for a retry."""
    with Daemon(tmp_path_factory.mktemp("vectors") / "data", env={"GARNER_DEDUP_WINDOW": "0"}) as running:
        yield running


def count(daemon, signal):
    view = {"traces": "spans", "logs": "logs", "metrics": "metrics"}[signal]
    return sum(row["n"] for row in daemon.rows(f"SELECT count(*) AS n FROM {view}"))


@pytest.mark.parametrize(("case", "signal"), CASES)
def test_a_case_ends_as_its_rules_allow(patient, case, signal):
    before = count(patient, signal)
    answer = http(f"{patient.otlp}/v1/{signal}", body(case), case["request"].get("headers", {}))
    said = {"status": answer.status, COUNTED[signal]: count(patient, signal) - before}
    said["rejected"] = rejected(signal, answer) if answer.status == 200 else 0
    allowed = case["expect"].get("any_of", [case["expect"]])
    assert any(fits(expected, said) for expected in allowed), (said, answer.body)


def fits(expected, said):
    return (said["status"] in expected.get("status", [said["status"]])
            and all(expected[name] == said[name] for name in said.keys() & expected.keys() - {"status"}))


def test_what_was_accepted_is_written_by_the_letter_and_reads_back_equal(patient, tmp_path):
    """CONFORMANCE JSON-13: what `export` writes of every case is strict OTLP/JSON; it reads back equal."""
    for case, signal in (parameters.values for parameters in CASES):
        http(f"{patient.otlp}/v1/{signal}", body(case), case["request"].get("headers", {}))
    first = exported(patient.data, tmp_path / "first.jsonl")
    assert len(first) > 40
    with Daemon(tmp_path / "second") as second:
        for line in (tmp_path / "first.jsonl").read_bytes().splitlines():
            request = json.loads(line)
            del request["garner"]
            signal, = [signal for signal, (member, _) in REQUESTS.items() if member in request]
            answer = second.post(signal, request)
            assert (answer.status, answer.json()) == (200, {})
        difference = compare(first, exported(second.data, tmp_path / "second.jsonl"))
    assert not difference, difference


GOLDEN = {file.stem: file for file in (FOLDERS[0] / "golden-collector").glob("*.json")}
# Where we do by choice what a Collector does not.
OURS = {
    "t04-zero-ids": "spans with invalid ids are refused alone (CONFORMANCE TR-01)",
    "t05-empty-string-ids": "the same",
    "t11-snake-case": "snake_case is no OTLP (CONFORMANCE JSON-07)",
    "t11b-snake-case-inner": "the same",
    "p21-bad-then-good-metrics": "points against the rules are refused alone (CONFORMANCE MET-04)",
    "t14-doubles": "it writes -0.0 as 0 (CONFORMANCE JSON-09)",
    "m07-no-recorded-value": "it writes empty buckets where there are none",
}


@pytest.mark.parametrize(("case", "signal"), [
    parameters for parameters in CASES if parameters.values[0]["id"] in GOLDEN.keys() - OURS.keys()])
def test_what_comes_out_is_what_a_collector_wrote(daemon, case, signal, tmp_path):
    http(f"{daemon.otlp}/v1/{signal}", body(case), case["request"].get("headers", {}))
    reader = Reader(REQUESTS[signal][1], strict=False)
    expected = [record for request in json.loads(GOLDEN[case["id"]].read_text())
                for record in records(reader.read(json.dumps(request)))]
    found = exported(daemon.data, tmp_path / "out.jsonl")
    # Its log records always have a body: an absent one comes out as an empty one.
    difference = compare(*[[(*around, {"body": None} | item if signal == "logs" else item) for *around, item in side]
                           for side in (expected, found)])
    assert not difference, difference
