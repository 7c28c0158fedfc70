"""Far ends that tests play themselves: what arrived, and whatever answer a test wants to give."""

import gzip
import socket
import struct
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from otlp_canonical import records
from otlp_json import Reader

REQUESTS = {
    "traces": trace_service_pb2.ExportTraceServiceRequest,
    "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
    "logs": logs_service_pb2.ExportLogsServiceRequest,
}
RESPONSES = {
    "traces": trace_service_pb2.ExportTraceServiceResponse,
    "metrics": metrics_service_pb2.ExportMetricsServiceResponse,
    "logs": logs_service_pb2.ExportLogsServiceResponse,
}


@dataclass
class Request:
    """One request, its body without compression."""

    path: str
    query: dict
    headers: object
    body: bytes
    # As it came.
    raw: bytes = b""


@dataclass
class Reply:
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    # Sent as it is instead of an answer; then the connection ends.
    raw: bytes | None = None
    # Says nothing, or nothing behind `raw`, until the far end is closed.
    hangs: bool = False


class FarEnd:
    """An HTTP server on a port that the system picks and that it keeps when it is started again.

    `answer` takes a `Request` and gives a `Reply`; what it answered with a 2xx is in `taken`, everything in `requests`.
    """

    def __init__(self, answer=None, starts=True):
        self.answer = answer or (lambda request: Reply())
        self.requests = []
        self.taken = []
        self.port = 0
        self.lock = threading.Lock()
        self._server = None
        self._connections = set()
        self._closing = threading.Event()
        self.start()
        if not starts:
            self.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self._closing = threading.Event()
        self._server = _Server(self, ("127.0.0.1", self.port))
        self.port = self._server.server_address[1]
        self._server.socket = self.secured(self._server.socket)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def kill(self):
        """Ends as a process does that is killed: every connection is reset."""
        server, self._server = self._server, None
        if server is None:
            return
        self._closing.set()
        server.shutdown()
        server.server_close()
        with self.lock:
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has gone by itself

    def secured(self, listener):
        """For TLS."""
        return listener

    def take(self, request):
        """What is kept of a request that is answered with success."""
        return request


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Threads of killed connections end by themselves.
    block_on_close = False

    def __init__(self, far_end, address):
        self.far_end = far_end
        super().__init__(address, _Handler)

    def handle_error(self, request, client_address):
        pass  # the other side went away: its business


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        with self.server.far_end.lock:
            self.server.far_end._connections.add(self.connection)

    def finish(self):
        with self.server.far_end.lock:
            self.server.far_end._connections.discard(self.connection)
        super().finish()

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        far_end = self.server.far_end
        body = raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        elif self.headers.get("Content-Encoding") == "snappy":
            body = unsnappy(body)
        parts = urllib.parse.urlsplit(self.path)
        request = Request(parts.path, dict(urllib.parse.parse_qsl(parts.query)), self.headers, body, raw)
        with far_end.lock:
            far_end.requests.append(request)
        reply = far_end.answer(request)
        if reply.hangs:
            self.wfile.write(reply.raw or b"")
            far_end._closing.wait()
            self.close_connection = True
            return
        if reply.raw is not None:
            self.wfile.write(reply.raw)
            self.close_connection = True
            return
        if 200 <= reply.status < 300:
            with far_end.lock:
                far_end.taken.append(far_end.take(request))
        head = [f"HTTP/1.1 {reply.status} Scripted"]
        head += [f"{name}: {value}" for name, value in reply.headers.items()]
        head += [f"Content-Length: {len(reply.body)}", "", ""]
        self.wfile.write("\r\n".join(head).encode() + reply.body)


class OTLPEnd(FarEnd):
    """Takes OTLP/HTTP, protobuf or JSON."""

    def take(self, request):
        signal = request.path.rsplit("/", 1)[-1]
        if request.headers["Content-Type"] == "application/json":
            return signal, Reader(REQUESTS[signal], aside=[]).read(request.body.decode())
        assert request.headers["Content-Type"] == "application/x-protobuf", request.headers["Content-Type"]
        return signal, REQUESTS[signal].FromString(request.body)

    @property
    def messages(self):
        with self.lock:
            return list(self.taken)

    def records(self, signal=None):
        return [record for name, message in self.messages if signal in (None, name) for record in records(message)]

    def count(self):
        return len(self.records())

    def names(self):
        """Names of the spans that arrived, each as often as it did."""
        return span_names(self.messages)


def span_names(messages):
    return [
        span.name for signal, message in messages if signal == "traces"
        for resource in message.resource_spans for scope in resource.scope_spans for span in scope.spans]


class GRPCEnd:
    """Takes OTLP over gRPC. `refuse` may be set to `(code, details)`."""

    def __init__(self, credentials=None):
        self.taken = []
        self.metadata = []
        self.refuse = None
        self.lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", 4 << 20)])
        for signal, module in [
            ("traces", trace_service_pb2_grpc), ("metrics", metrics_service_pb2_grpc), ("logs", logs_service_pb2_grpc),
        ]:
            name = {"traces": "Trace", "metrics": "Metrics", "logs": "Logs"}[signal]
            add = getattr(module, f"add_{name}ServiceServicer_to_server")
            add(self._servicer(signal), self._server)
        self.port = (self._server.add_secure_port("127.0.0.1:0", credentials) if credentials
                     else self._server.add_insecure_port("127.0.0.1:0"))
        self._scheme = "https" if credentials else "http"
        self._server.start()

    def _servicer(self, signal):
        class Servicer:
            @staticmethod
            def Export(message, context):  # noqa: N802: the service's own name
                if self.refuse:
                    context.abort(*self.refuse)
                with self.lock:
                    self.taken.append((signal, message))
                    self.metadata.append(dict(context.invocation_metadata()))
                return RESPONSES[signal]()

        return Servicer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.stop(None)

    @property
    def url(self):
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def messages(self):
        with self.lock:
            return list(self.taken)

    def records(self, signal=None):
        return [record for name, message in self.messages if signal in (None, name) for record in records(message)]

    def count(self):
        return len(self.records())


# MARK: formats that no package here reads

def unsnappy(block):
    """The block format of Snappy."""
    length, at = varint(block, 0)
    out = bytearray()
    while at < len(block):
        tag = block[at]
        at += 1
        if tag & 3 == 0:
            count = (tag >> 2) + 1
            if count > 60:
                extra = count - 60
                count = int.from_bytes(block[at:at + extra], "little") + 1
                at += extra
            out += block[at:at + count]
            at += count
            continue
        if tag & 3 == 1:
            count, offset = (tag >> 2 & 7) + 4, tag >> 5 << 8 | block[at]
            at += 1
        else:
            width = 2 if tag & 3 == 2 else 4
            count, offset = (tag >> 2) + 1, int.from_bytes(block[at:at + width], "little")
            at += width
        for _ in range(count):
            out.append(out[-offset])
    assert len(out) == length
    return bytes(out)


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """``(number, value)`` of each field of a protobuf message: an integer, or bytes."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            width = {1: 8, 5: 4}[kind]
            value, at = data[at:at + width], at + width
        yield tag >> 3, value
