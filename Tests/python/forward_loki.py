"""A Loki that tests play: it reads pushes and keeps streams."""

from forward_far_end import FarEnd, fields, unsnappy


class LokiEnd(FarEnd):
    """`pushes`: of each request that was taken `(labels, [(time, line, metadata)])`, a pair a stream."""

    def take(self, request):
        assert request.path == "/loki/api/v1/push"
        assert request.headers["Content-Type"] == "application/x-protobuf"
        # That it is compressed goes without saying.
        return [stream(value) for number, value in fields(unsnappy(request.raw)) if number == 1]

    def entries(self, **labels):
        """Of all streams with these labels, in the order in which they came."""
        with self.lock:
            taken = list(self.taken)
        return [entry for streams in taken for found, entries in streams for entry in entries
                if labels.items() <= found.items()]

    def labels(self):
        with self.lock:
            return [labels for streams in self.taken for labels, _ in streams]

    def count(self):
        return len(self.entries())


def stream(message):
    labels, entries = {}, []
    for number, value in fields(message):
        if number == 1:
            labels = label_set(value.decode())
        elif number == 2:
            entries.append(entry(value))
    return labels, entries


def label_set(text):
    """``{a="b", c="d"}``."""
    assert text[0] == "{" and text[-1] == "}", text
    found, at = {}, 1
    while at < len(text) - 1:
        name, at = text[at:text.index("=", at)].strip(" ,"), text.index("=", at) + 2
        value = ""
        while text[at] != '"':
            if text[at] == "\\":
                at += 1
                value += {"n": "\n", "t": "\t"}.get(text[at], text[at])
            else:
                value += text[at]
            at += 1
        found[name], at = value, at + 1
    return found


def entry(message):
    time, line, metadata = 0, "", {}
    for number, value in fields(message):
        if number == 1:
            parts = dict(fields(value))
            time = parts.get(1, 0) * 1_000_000_000 + parts.get(2, 0)
        elif number == 2:
            line = value.decode()
        elif number == 3:
            pair = dict(fields(value))
            assert pair[1].decode() not in metadata
            metadata[pair[1].decode()] = pair.get(2, b"").decode()
    return time, line, metadata
