"""A daemon with destinations, and what is said about them."""

import json

from garner import Daemon, http, run

# What lets tests wait milliseconds where people wait seconds.
QUICK = {"batch": {"interval": "20ms"}, "retry": {"initial": "20ms", "max": "200ms"}}
NOON = 1_767_268_800_000_000_000


def written(folder, destinations, **more):
    """A configuration with these destinations, each with quick waits."""
    # JSON is YAML.
    file = folder / "garner.yaml"
    quick = {name: {**({} if entry["type"] in ("scrape",) else QUICK), **entry} for name, entry in destinations.items()}
    file.write_text(json.dumps({"destinations": quick, **more}))
    return file


class ForwardingDaemon(Daemon):
    def __init__(self, folder, destinations, *arguments, env=None, **more):
        self.folder = folder
        super().__init__(folder / "data", "--config", str(written(folder, destinations, **more)), *arguments, env=env)
        # A name that is new begins with what comes after it has begun.
        self.until(lambda: all(self.metric("garner_forward_lag_records", destination=name) is not None
                               for name in destinations))

    def forward(self, *arguments, check=True):
        return run("forward", *arguments, data=self.data, check=check)

    def status(self, name=None):
        """Lines of `garner forward status`; of the live position with its name."""
        lines = json.loads(self.forward("status", "--format", "json", check=False).stdout)
        if name is None:
            return lines
        line, = [line for line in lines
                 if line["destination"] == name and line["kind"] == "live" and not line["delayed"]]
        return line

    def until_sent(self, name):
        """Returns when all that is committed has left for a destination."""
        self.until(lambda: self._is_done(self.status(name)))

    @staticmethod
    def _is_done(line):
        return line["lag_records"] == 0 and line["state"] == "idle"

    def metric(self, name, **labels):
        """One figure of `/metrics`; None: there is none."""
        for line in http(f"{self.console}/metrics").body.decode().splitlines():
            if line.startswith(f"{name}{{") and all(f'{key}="{value}"' in line for key, value in labels.items()):
                return float(line.rsplit(" ", 1)[1])
        return None

    def send_spans(self, names, trace=1, attributes=(), resource=()):
        """One request with a span for each name."""
        answer = self.post("traces", spans(names, trace, attributes, resource))
        assert answer.status == 200, answer.body
        assert "partialSuccess" not in answer.json() or not answer.json()["partialSuccess"], answer.body


def attribute_list(pairs):
    return [{"key": key, "value": {"stringValue": value}} for key, value in dict(pairs).items()]


def spans(names, trace=1, attributes=(), resource=()):
    return {"resourceSpans": [{
        "resource": {"attributes": attribute_list({"service.name": "relay", **dict(resource)})},
        "scopeSpans": [{"spans": [
            {"traceId": f"{trace:032x}", "spanId": f"{number:016x}", "name": name,
             "startTimeUnixNano": str(NOON + number), "endTimeUnixNano": str(NOON + number + 5),
             "attributes": attribute_list(attributes)}
            for number, name in enumerate(names, 1)]}]}]}
