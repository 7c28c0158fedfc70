"""Metrics in the real Prometheus: written to it, and fetched by it."""

import gzip
import signal
import time

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from forward_daemon import ForwardingDaemon, attribute_list
from forward_far_end import FarEnd, Reply
from forward_prometheus import BINARY, Prometheus
from garner import http, run

pytestmark = pytest.mark.skipif(BINARY is None, reason="there is no prometheus: apt-get install prometheus")

RESOURCE = Resource.create({
    "service.name": "relay", "service.namespace": "games", "service.instance.id": "eu-1", "cloud.region": "eu"})


def metering(daemon, temporality=None, views=()):
    exporter = OTLPMetricExporter(f"{daemon.otlp}/v1/metrics", preferred_temporality=temporality or {})
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    return MeterProvider([reader], resource=RESOURCE, views=views)


def destination(prometheus, **more):
    return {"type": "prometheus", "endpoint": prometheus.url, **more}


def instruments(meter):
    meter.create_counter("relay.games.total", unit="1").add(3, {"map": "arena"})
    meter.create_counter("relay.bytes", unit="By").add(1_000)
    meter.create_up_down_counter("relay.players").add(-2)
    meter.create_gauge("relay.load", unit="1").set(0.25)
    meter.create_observable_counter("relay.seen", [lambda options: [Observation(7)]])
    histogram = meter.create_histogram("relay.player.rtt_ms", unit="ms", explicit_bucket_boundaries_advisory=[10, 100])
    for value in (5, 50, 500):
        histogram.record(value)


EXPECTED = {
    'relay_games_total{map="arena"}': 3, "relay_bytes_total": 1_000, "relay_players": -2, "relay_load_ratio": 0.25,
    "relay_seen_total": 7, "relay_player_rtt_ms_milliseconds_count": 3, "relay_player_rtt_ms_milliseconds_sum": 555,
    'relay_player_rtt_ms_milliseconds_bucket{le=~"10(.0)?"}': 1,
    'relay_player_rtt_ms_milliseconds_bucket{le=~"100(.0)?"}': 2,
    'relay_player_rtt_ms_milliseconds_bucket{le="+Inf"}': 3,
}


@pytest.mark.parametrize("version", ["auto", "1"])
def test_every_instrument_arrives_under_its_name(version, tmp_path):
    with Prometheus(tmp_path / "prometheus") as prometheus, ForwardingDaemon(
            tmp_path, {"prom": destination(prometheus, version=version)}) as daemon:
        provider = metering(daemon)
        instruments(provider.get_meter("relay", "1.2.3"))
        assert provider.force_flush()
        daemon.until_sent("prom")
        for expression, value in EXPECTED.items():
            daemon.until(lambda: prometheus.query(expression))
            (labels, found), = prometheus.query(expression)
            assert found == value, expression
            assert (labels["job"], labels["instance"]) == ("games/relay", "eu-1")
            assert (labels["otel_scope_name"], labels["otel_scope_version"]) == ("relay", "1.2.3")
        daemon.until(lambda: prometheus.query("target_info"))
        (labels, value), = prometheus.query("target_info")
        assert (value, labels["cloud_region"], labels["job"]) == (1, "eu", "games/relay")
        line = daemon.status("prom")
        assert (line["refused"], line["lag_records"]) == (0, 0)
        provider.shutdown()


def test_version_two_is_tried_once_and_given_up(tmp_path):
    """2.42 answers 204 to the second version and stores nothing."""
    seen = []
    with Prometheus(tmp_path / "prometheus") as prometheus, FarEnd() as front:
        def pass_on(request):
            names = ("Content-Type", "Content-Encoding", "X-Prometheus-Remote-Write-Version", "User-Agent")
            seen.append(request.headers["X-Prometheus-Remote-Write-Version"])
            headers = {name: request.headers[name] for name in names if request.headers[name]}
            answer = http(f"{prometheus.url}{request.path}", request.raw, headers)
            return Reply(answer.status, body=answer.body)

        front.answer = pass_on
        with ForwardingDaemon(tmp_path, {"prom": {"type": "prometheus", "endpoint": front.url}}) as daemon:
            provider = metering(daemon)
            provider.get_meter("relay").create_counter("relay.games").add(3)
            assert provider.force_flush()
            daemon.until_sent("prom")
            daemon.until(lambda: prometheus.value("relay_games_total") == 3)
            # Requests that are under way at once may all be of the second version, and each of them comes again.
            assert seen[0].startswith("2.0") and seen[-1] == "0.1.0"
            assert seen.count("0.1.0") >= seen.count("2.0.0")
            assert daemon.status("prom")["refused"] == 0
            provider.shutdown()


def test_deltas_become_a_running_sum(tmp_path):
    delta = {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}
    with Prometheus(tmp_path / "prometheus") as prometheus, ForwardingDaemon(
            tmp_path, {"prom": destination(prometheus)}) as daemon:
        provider = metering(daemon, delta)
        meter = provider.get_meter("relay")
        counter, histogram = meter.create_counter("relay.games"), meter.create_histogram("relay.rtt")
        for value in (1, 2, 3):
            counter.add(value)
            histogram.record(value)
            assert provider.force_flush()
        daemon.until_sent("prom")
        daemon.until(lambda: prometheus.value("relay_games_total") == 6)
        daemon.until(lambda: prometheus.value("relay_rtt_sum") == 6)
        assert prometheus.value("relay_rtt_count") == 3
        assert daemon.stop() == 0
        # The sum goes on where it was.
        with ForwardingDaemon(tmp_path, {"prom": destination(prometheus)}) as again:
            provider.shutdown()
            other = metering(again, delta)
            other.get_meter("relay").create_counter("relay.games").add(10)
            assert other.force_flush()
            again.until_sent("prom")
            again.until(lambda: prometheus.value("relay_games_total") == 16)
            other.shutdown()


def test_exponential_histograms_are_native(tmp_path):
    views = [View(instrument_name="relay.rtt", aggregation=ExponentialBucketHistogramAggregation(max_size=20))]
    with Prometheus(tmp_path / "prometheus") as prometheus, ForwardingDaemon(
            tmp_path, {"prom": destination(prometheus)}) as daemon:
        provider = metering(daemon, views=views)
        histogram = provider.get_meter("relay").create_histogram("relay.rtt", unit="s")
        for value in (1, 2, 3, 400):
            histogram.record(value)
        assert provider.force_flush()
        daemon.until_sent("prom")
        daemon.until(lambda: prometheus.histograms("relay_rtt_seconds"))
        (_, found), = prometheus.histograms("relay_rtt_seconds")
        assert (float(found["count"]), float(found["sum"])) == (4, 406)
        assert daemon.status("prom")["refused"] == 0
        provider.shutdown()


def test_who_plays_is_no_label(tmp_path):
    """Counters are summed over what is denied; gauges of single players are refused and counted."""
    with Prometheus(tmp_path / "prometheus") as prometheus, ForwardingDaemon(
            tmp_path, {"prom": destination(prometheus)}) as daemon:
        provider = metering(daemon)
        meter = provider.get_meter("relay")
        orders, lag = meter.create_counter("relay.orders"), meter.create_gauge("relay.lag")
        for player in range(5):
            orders.add(player + 1, {"player.id": f"p-{player}", "map": "arena"})
            lag.set(player, {"player.id": f"p-{player}"})
        lag.set(9, {"map": "arena"})
        assert provider.force_flush()
        daemon.until_sent("prom")
        daemon.until(lambda: prometheus.query("relay_lag"))
        assert prometheus.value("relay_lag") == 9
        refused = {entry["reason"]: entry["count"] for entry in daemon.status("prom")["refused_by"]}
        assert refused == {"high_cardinality": 5}
        names = http(f"{prometheus.url}/api/v1/labels").json()["data"]
        assert not [name for name in names if "player" in name]
        provider.shutdown()


def test_an_outage_of_prometheus_loses_no_sample(tmp_path):
    with Prometheus(tmp_path / "prometheus") as prometheus:
        with FarEnd(lambda request: Reply(503)) as front:
            def pass_on(request):
                names = ("Content-Type", "Content-Encoding", "X-Prometheus-Remote-Write-Version")
                answer = http(f"{prometheus.url}{request.path}", request.raw,
                              {name: request.headers[name] for name in names if request.headers[name]})
                return Reply(answer.status, body=answer.body)

            with ForwardingDaemon(tmp_path, {"prom": {"type": "prometheus", "endpoint": front.url}}) as daemon:
                provider = metering(daemon)
                counter = provider.get_meter("relay").create_counter("relay.games")
                for _ in range(10):
                    counter.add(1)
                    assert provider.force_flush()
                daemon.until(lambda: daemon.status("prom")["state"] == "retrying")
                front.answer = pass_on
                daemon.until_sent("prom")
                daemon.until(lambda: prometheus.value("count_over_time(relay_games_total[1h])") == 10)
                assert prometheus.value("relay_games_total") == 10
                assert daemon.status("prom")["refused"] == 0
                provider.shutdown()


def test_prometheus_that_is_killed_gets_what_it_missed(tmp_path):
    with Prometheus(tmp_path / "prometheus") as prometheus, ForwardingDaemon(
            tmp_path, {"prom": destination(prometheus)}) as daemon:
        provider = metering(daemon)
        counter = provider.get_meter("relay").create_counter("relay.games")
        for turn in range(2):
            for _ in range(5):
                counter.add(1)
                assert provider.force_flush()
            if turn == 0:
                daemon.until_sent("prom")
                prometheus.kill()
        daemon.until(lambda: daemon.status("prom")["state"] == "retrying")
        prometheus.start()
        daemon.until_sent("prom")
        daemon.until(lambda: prometheus.value("count_over_time(relay_games_total[1h])") == 10)
        assert prometheus.value("relay_games_total") == 10
        assert daemon.status("prom")["refused"] == 0
        provider.shutdown()


def test_it_can_fetch_what_was_received(tmp_path):
    with ForwardingDaemon(tmp_path, {"pull": {"type": "scrape", "path": "/metrics/received"}}) as daemon:
        address = daemon.doors["console"]
        with Prometheus(tmp_path / "prometheus", [(address, "/metrics/received")]) as prometheus:
            provider = metering(daemon)
            instruments(provider.get_meter("relay", "1.2.3"))
            assert provider.force_flush()
            for expression, value in EXPECTED.items():
                daemon.until(lambda: prometheus.query(expression))
                (labels, found), = prometheus.query(expression)
                assert found == value, expression
                # Its own, not those of the job that fetches.
                assert (labels["job"], labels["instance"]) == ("games/relay", "eu-1")
            daemon.until(lambda: prometheus.query("target_info"))
            assert prometheus.value('up{job="pull-0"}') == 1
            provider.shutdown()
        page = http(f"{daemon.console}/metrics/received")
        assert page.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert http(f"{daemon.console}/metrics/received", headers={
            "Accept": "application/openmetrics-text; version=1.0.0"}).body.endswith(b"# EOF\n")
        assert http(f"{daemon.console}/metrics/other").status == 404


def test_the_page_is_what_its_reader_asks_for(tmp_path):
    with ForwardingDaemon(tmp_path, {"pull": {"type": "scrape", "path": "/metrics/received"}}) as daemon:
        provider = metering(daemon)
        instruments(provider.get_meter("relay"))
        assert provider.force_flush()
        page = f"{daemon.console}/metrics/received"
        daemon.until(lambda: b"relay_games_total" in http(page).body)
        rather_text = http(page, headers={
            "Accept": "application/openmetrics-text;version=1.0.0;q=0.2,text/plain;version=0.0.4;q=0.5"})
        assert rather_text.headers["Content-Type"].startswith("text/plain")
        packed = http(page, headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.body) == http(page).body
        provider.shutdown()


def test_sessions_without_an_instance_are_added_up(tmp_path):
    begun = time.time_ns() - 100_000_000_000

    def kills(session, value, at):
        point = {"startTimeUnixNano": str(begun), "timeUnixNano": str(begun + at * 1_000_000_000), "asInt": value}
        return {
            "resource": {"attributes": attribute_list({"service.name": "game", "session.id": session})},
            "scopeMetrics": [{"metrics": [{"name": "kills", "sum": {
                "aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [point]}}]}]}

    with Prometheus(tmp_path / "prometheus") as prometheus, ForwardingDaemon(
            tmp_path, {"prom": destination(prometheus)}) as daemon:
        for step in range(4):
            assert daemon.post("metrics", {"resourceMetrics": [
                kills("A", 100 + step, 1 + 10 * step), kills("B", 5 + step, 1 + 10 * step)]}).status == 200
        daemon.until_sent("prom")
        daemon.until(lambda: daemon.status("prom")["waiting"] == 0)
        # The three of A, and all of B: 100 were sent already when they turned out to be two.
        daemon.until(lambda: prometheus.value("kills_total") == 11)
        assert prometheus.value("increase(kills_total[5m])") < 20
        assert daemon.status("prom")["refused"] == 0


def delta(name, at, player=None):
    attributes = {"player.id": player} if player else {}
    return {"name": name, "sum": {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": [{
        "startTimeUnixNano": str(at - 1_000), "timeUnixNano": str(at), "asInt": 3,
        "attributes": attribute_list(attributes)}]}}


def increase(prometheus, name):
    """What all samples of a counter say that it grew by, from nothing."""
    (_, values), = prometheus.samples(f"{name}[1h]")
    return values[0] + sum(after - before if after >= before else after for before, after in zip(values, values[1:]))


def test_a_kill_in_the_first_minute_changes_no_sum(tmp_path):
    """Deltas that are converted, and some that are summed up over players when the process ends."""
    points = 0
    with Prometheus(tmp_path / "prometheus") as prometheus:
        for turn in range(4):
            with ForwardingDaemon(tmp_path, {"prom": destination(prometheus)}) as daemon:
                for _ in range(5):
                    points += 1
                    at = time.time_ns()
                    answer = daemon.post("metrics", {"resourceMetrics": [{
                        "resource": {"attributes": attribute_list({"service.name": "relay"})},
                        "scopeMetrics": [{"metrics": [delta("kept", at), delta("summed", at, "p")]}]}]})
                    assert answer.status == 200, answer.body
                if turn < 3:
                    daemon.until(lambda: daemon.status("prom")["sent"] > 5 * turn)
                    daemon.stop(signal.SIGKILL)
                    continue
                daemon.until(lambda: daemon.status("prom")["lag_records"] == 0)
                waiting = daemon.status("prom")
                assert waiting["waiting"] > 0 and waiting["state"] == "sending"
                assert daemon.metric("garner_forward_waiting_records", destination="prom") > 0
                daemon.until_sent("prom")
                line = daemon.status("prom")
                assert (line["waiting"], line["refused"]) == (0, 0)
                assert line["sent"] + line["duplicate"] == 2 * points
        run("balance", "--config", str(tmp_path / "garner.yaml"), data=tmp_path / "data")
        for name in ("kept_total", "summed_total"):
            assert increase(prometheus, name) == 3 * points, name


def test_a_name_has_one_type(tmp_path):
    begun = time.time_ns() - 60_000_000_000
    with Prometheus(tmp_path / "prometheus") as prometheus, ForwardingDaemon(
            tmp_path, {"prom": destination(prometheus), "pull": {"type": "scrape"}}) as daemon:
        for step in range(3):
            at = str(begun + step * 10_000_000_000)
            assert daemon.post("metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [
                {"name": "x", "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [
                    {"startTimeUnixNano": str(begun - 1), "timeUnixNano": at, "asInt": 7 + step}]}},
                {"name": "x.total", "gauge": {"dataPoints": [{"timeUnixNano": at, "asDouble": 1.0}]}},
            ]}]}]}).status == 200
        for name in ("prom", "pull"):
            daemon.until_sent(name)
            line = daemon.status(name)
            assert (line["sent"], line["refused"]) == (3, 3)
            assert [(entry["reason"], entry["count"]) for entry in line["refused_by"]] == [("unsupported", 3)]
        daemon.until(lambda: prometheus.query("x_total"))
        assert increase(prometheus, "x_total") == 9


@pytest.mark.parametrize("name", ["prometheus", "webhook"])
def test_what_may_not_leave_is_no_label_and_no_column(name, tmp_path):
    with FarEnd() as far, ForwardingDaemon(tmp_path, {"far": {
            "type": name, "endpoint": f"{far.url}/in?key=hush", "signals": ["metrics"],
            "attributes": {"deny": ["service.instance.id", "host.*"]}}}) as daemon:
        resource = {"attributes": attribute_list(
            {"service.name": "relay", "service.instance.id": "secret", "host.name": "secret"})}
        assert daemon.post("metrics", {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [
            {"name": "load", "gauge": {"dataPoints": [
                {"timeUnixNano": str(time.time_ns()), "asDouble": 1.5}]}}]}]}]}).status == 200
        daemon.until(lambda: daemon.status("far")["sent"] == 1)
        assert far.requests and any(b"relay" in request.body for request in far.requests)
        assert not [request.body for request in far.requests if b"secret" in request.body]
        # Nor is a key in an address for everybody who reads what is said of it.
        assert far.requests[0].query == {"key": "hush"}
        assert daemon.status("far")["endpoint"] == f"{far.url}/in?…"
        assert "hush" not in daemon.errors()


def test_points_far_ahead_are_refused_before_they_are_sent(tmp_path):
    ahead = time.time_ns() + 3_600_000_000_000
    with Prometheus(tmp_path / "prometheus") as prometheus, ForwardingDaemon(
            tmp_path, {"prom": destination(prometheus)}) as daemon:
        def gauge(name, at):
            return {"name": name, "gauge": {"dataPoints": [{"timeUnixNano": str(at), "asDouble": 1.5}]}}

        answer = daemon.post("metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [
            gauge("relay.ahead", ahead), gauge("relay.present", time.time_ns())]}]}]})
        assert answer.status == 200, answer.body
        daemon.until_sent("prom")
        daemon.until(lambda: prometheus.value("relay_present") == 1.5)
        refused, = daemon.status("prom")["refused_by"]
        assert (refused["reason"], refused["count"]) == ("future", 1)
        assert not prometheus.query("relay_ahead")
