"""Far ends over TLS, for HTTP and gRPC: whom a destination trusts, and as whom it comes."""

import base64
import contextlib
import shutil
import ssl
import subprocess

import grpc
import pytest

from forward_daemon import ForwardingDaemon
from forward_far_end import GRPCEnd, OTLPEnd

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")


class Authority:
    """A certificate authority of the tests, and what it has signed."""

    def __init__(self, folder):
        self.folder = folder
        self._make("ca", "-x509", "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE")
        self.sign("numbers", "IP:127.0.0.1")
        self.sign("hub", "DNS:hub.example.org")
        self.sign("client", "DNS:garner")

    def _make(self, name, *arguments):
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                  "-keyout", self.key(name), "-out", self.certificate(name), *arguments)

    def sign(self, name, names):
        self._make(name)
        extensions = self.folder / f"{name}.extensions"
        extensions.write_text(f"subjectAltName={names}\n")
        self._run("x509", "-req", "-in", self.certificate(name), "-CA", self.certificate("ca"), "-CAkey",
                  self.key("ca"), "-CAcreateserial", "-days", "2", "-extfile", str(extensions),
                  "-out", self.certificate(name))

    @staticmethod
    def _run(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    def certificate(self, name):
        return str(self.folder / f"{name}.pem")

    def key(self, name):
        return str(self.folder / f"{name}.key")


class SecureOTLPEnd(OTLPEnd):
    def __init__(self, authority, name, asks=False):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(authority.certificate(name), authority.key(name))
        if asks:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(authority.certificate("ca"))
        super().__init__()

    def secured(self, listener):
        # The handshake is the business of the connection's own thread.
        return self._context.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self):
        return super().url.replace("http:", "https:")


def far_end(protocol, authority, name, asks=False):
    if protocol != "grpc":
        return SecureOTLPEnd(authority, name, asks)
    with open(authority.key(name), "rb") as key, open(authority.certificate(name), "rb") as certificate, \
            open(authority.certificate("ca"), "rb") as trusted:
        return GRPCEnd(grpc.ssl_server_credentials(
            [(key.read(), certificate.read())], trusted.read() if asks else None, asks))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_only_those_are_spoken_to_that_are_who_they_should_be(protocol, authority, tmp_path):
    trusted = {"ca_file": authority.certificate("ca")}
    client = {"cert_file": authority.certificate("client"), "key_file": authority.key("client")}
    with contextlib.ExitStack() as stack:
        numbers, hub, asking = (
            stack.enter_context(far_end(protocol, authority, *arguments))
            for arguments in [("numbers",), ("hub",), ("numbers", True)])
        # One that says what it misses, which gRPC's own server does not.
        strict = stack.enter_context(SecureOTLPEnd(authority, "numbers", asks=True))

        def to(end, url=None, **tls):
            return {"type": "otlp", "protocol": protocol, "endpoint": url or end.url, "signals": ["traces"], "tls": tls}

        right = {
            "by-number": to(numbers, **trusted), "by-name": to(hub, **trusted, server_name="hub.example.org"),
            "unchecked": to(hub, insecure_skip_verify=True), "certified": to(asking, **trusted, **client),
        }
        wrong = {
            "unknown": to(numbers), "other-number": to(hub, **trusted),
            "other-name": to(hub, **trusted, server_name="relay.example.org"),
            "local-name": to(hub, hub.url.replace("127.0.0.1", "localhost"), **trusted),
            "uncertified": to(strict, **trusted),
        }
        daemon = stack.enter_context(ForwardingDaemon(tmp_path, {**right, **wrong}))
        daemon.send_spans(["one", "two"])
        for name in right:
            daemon.until(lambda: daemon.status(name)["sent"] == 2)
        for name in wrong:
            daemon.until(lambda: daemon.status(name)["state"] == "stopped")
            line = daemon.status(name)
            assert (line["sent"], line["refused"]) == (0, 0), name
            assert line["last_error"].startswith("tls: "), line
        assert (numbers.count(), hub.count(), asking.count()) == (2, 4, 2)
        if protocol != "grpc":
            # The name is for TLS alone.
            assert {request.headers["Host"] for request in hub.requests} == {hub.url.removeprefix("https://")}


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_it_says_who_it_is(protocol, authority, tmp_path):
    password = tmp_path / "password"
    password.write_text("open: sesame\n")
    with far_end(protocol, authority, "numbers") as end, ForwardingDaemon(tmp_path, {"far": {
            "type": "otlp", "protocol": protocol, "endpoint": end.url, "tls": {"ca_file": authority.certificate("ca")},
            "auth": {"username": "relay", "password_file": str(password)}, "headers": {"X-Tenant": "eu"}}}) as daemon:
        daemon.send_spans(["one"])
        daemon.until_sent("far")
        said = end.metadata[0] if protocol == "grpc" else {
            name.lower(): value for name, value in end.requests[0].headers.items()}
    assert base64.b64decode(said["authorization"].removeprefix("Basic ")) == b"relay:open: sesame"
    assert said["x-tenant"] == "eu"
    assert said["user-agent"].startswith("garner/")
    assert said["garner-via"]
