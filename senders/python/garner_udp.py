"""Sends events to a Garner daemon over UDP, signed (form B). One file, no dependencies, Python 3.8 or newer.

    from garner_udp import Sender
    with Sender("7:000102…1f", game_id="g00294") as garner:
        garner.event("relay.tick.process", tick=18000, order_count=3, process_us=812, stall_detected=False)

The key comes from `garner token create --udp --source NAME`. Nothing here blocks or raises because of the network: events
wait in a bounded queue, and one that finds it full is counted and gone. A thread sends every 250 ms, and a heartbeat
after 5 s of quiet; `close` (or the end of `with`) sends what is left and says farewell.
"""

import hashlib
import hmac
import json
import os
import socket
import struct
import threading
import time

SEVERITIES = {"trace": 0, "debug": 1, "info": 2, "warn": 3, "error": 4}

WORDS = (
    "game_id player slot tick ticks map player_count duration_s outcome reason value rtt_ms jitter_ms loss_pct "
    "order_count process_us stall_detected order_type sub_tick_us size_bytes gap_ms orders_during_gap "
    "diverged_players hash_expected hash_actual settings_hash balance_preset game_module mod_profile_fingerprint "
    "match_time_s score counts relay.tick.process relay.order.forward relay.game.start relay.game.end "
    "relay.player.join relay.player.leave relay.player.rtt_ms relay.desync relay.lag_switch relay.suspicion "
    "relay.qos.adjust relay.orders.dropped match.pace match.end game.manifest session.start session.end perf.frame "
    "perf.sim p50_us p95_us p99_us max_us entity_count mode faction rating result old_deadline_us new_deadline_us "
    "error text"
).split()
NUMBERS = {word: number for number, word in enumerate(WORDS)}


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def zigzag(number):
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def piece(data):
    return varint(len(data)) + data


def name(text):
    if text in NUMBERS:
        return varint(NUMBERS[text] << 1 | 1)
    data = text.encode()
    return varint(len(data) << 1) + data


def kind(value):
    """The type letter of a Python value."""
    if value is None:
        return b"N"
    if isinstance(value, bool):
        return b"T" if value else b"F"
    if isinstance(value, int):
        if 0 <= value < 1 << 64:
            return b"u"
        return b"i" if -(1 << 63) <= value < 0 else b"j"
    if isinstance(value, float):
        return b"d"
    if isinstance(value, str):
        return b"s"
    if isinstance(value, (bytes, bytearray)):
        return b"x"
    if isinstance(value, (list, tuple)):
        if all(isinstance(v, int) and not isinstance(v, bool) and 0 <= v < 1 << 64 for v in value):
            return b"U"
        if all(isinstance(v, str) for v in value):
            return b"S"
    return b"j"


class Packet:
    """One datagram being filled."""

    def __init__(self, first_event, sent, context):
        self.first_event = first_event
        self.sent = sent
        self.body = b"\x01" + piece(context) if context else b""
        self.count = 0
        self.shapes = {}
        self.texts = {}
        self.time = sent
        self.tick = 0

    def text(self, value):
        if value in self.texts:
            return varint(self.texts[value] << 1 | 1)
        self.texts[value] = len(self.texts)
        data = value.encode()
        return varint(len(data) << 1) + data

    def value(self, letter, value):
        if letter in b"NTF":
            return b""
        if letter == b"u":
            return varint(value)
        if letter == b"i":
            return zigzag(value)
        if letter == b"d":
            return struct.pack(">d", value)
        if letter == b"s":
            return self.text(value)
        if letter == b"x":
            return piece(bytes(value))
        if letter == b"U":
            return varint(len(value)) + b"".join(varint(v) for v in value)
        if letter == b"S":
            return varint(len(value)) + b"".join(self.text(v) for v in value)
        return piece(json.dumps(value, separators=(",", ":")).encode())

    def add(self, event, room):
        """False when the event does not fit; the packet is as it was then."""
        title, at, severity, tick, fields = event
        shape = name(title) + bytes([severity | (8 if tick is not None else 0)])
        for key, value in fields:
            shape += name(key) + kind(value)
        shapes, texts, out = dict(self.shapes), dict(self.texts), b""
        if shape not in self.shapes:
            if len(self.shapes) == 64:
                return False
            self.shapes[shape] = len(self.shapes)
            out = b"\x03" + piece(shape)
        out += bytes([0x40 + self.shapes[shape]]) + zigzag(at - self.time)
        if tick is not None:
            out += zigzag(tick - self.tick)
        for _, value in fields:
            out += self.value(kind(value), value)
        if 48 + len(self.body) + len(out) + 16 > room:
            self.shapes, self.texts = shapes, texts
            return False
        self.body += out
        self.time = at
        self.tick = tick if tick is not None else self.tick
        self.count += 1
        return True


class Sender:
    def __init__(self, key, host="127.0.0.1", port=4319, game_id="", component="", session="", game_module="",
                 trace=b"", queue=10_000, packet_bytes=1_200, interval=0.25, clock=time.time):
        identity, secret = key.split(":", 1)
        self.key_id, self.key = int(identity), bytes.fromhex(secret)
        if len(self.key) != 32:
            raise ValueError("the key is KEY_ID:64 hexadecimal digits")
        self.boot = int.from_bytes(os.urandom(8), "big")
        self.sequence = self.next_event = self.dropped = 0
        self.queue, self.limit, self.room, self.clock = [], queue, packet_bytes, clock
        self.context = b"".join(
            bytes([tag]) + piece(value)
            for tag, value in (
                (1, game_id.encode()), (2, trace), (3, game_module.encode()), (5, session.encode()),
                (6, component.encode()))
            if value)
        family, _, _, _, self.address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.lock = threading.Lock()
        self.last_sent = time.monotonic()
        self.stopping = threading.Event()
        self.thread = None
        if interval:
            self.thread = threading.Thread(target=self._run, args=(interval,), daemon=True)
            self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def event(self, title, tick=None, severity="info", at=None, fields=None, **more):
        """Queues one event; `at` in seconds since 1970. Gives its uid, or None when the queue is full."""
        every = list({**(fields or {}), **more}.items())
        event = (title, int((self.clock() if at is None else at) * 1e6), SEVERITIES[severity], tick, every)
        with self.lock:
            alone = Packet(0, event[1], self.context)
            if len(self.queue) >= self.limit or len(every) > 32 or not alone.add(event, self.room):
                self.dropped += 1
                return None
            self.queue.append(event)
            number = self.next_event + len(self.queue) - 1
            return f"{self.boot:016x}:{number}"

    def flush(self):
        """Sends what is queued."""
        with self.lock:
            while self.queue:
                packet = Packet(self.next_event, int(self.clock() * 1e6), self.context)
                taken = 0
                # An odd delta may cost an event its place; it is the first of the next packet then.
                while taken < len(self.queue) and packet.add(self.queue[taken], self.room if taken else 2_048):
                    taken += 1
                del self.queue[:max(taken, 1)]
                self._send(packet, 0)

    def heartbeat(self, end=False):
        with self.lock:
            self._send(Packet(self.next_event, int(self.clock() * 1e6), b""), 1 if end else 0)

    def close(self):
        """Sends what is left and says that nothing more will come."""
        self.stopping.set()
        if self.thread:
            self.thread.join()
        self.flush()
        self.heartbeat(end=True)
        self.socket.close()

    def _run(self, interval):
        while not self.stopping.wait(interval):
            self.flush()
            if time.monotonic() - self.last_sent >= 5:
                self.heartbeat()

    def _send(self, packet, flags):
        header = struct.pack(
            ">4sBBHIQQQqI", b"GUB1", 1, flags, packet.count, self.key_id, self.boot, self.sequence,
            packet.first_event, packet.sent, min(self.dropped, 0xFFFFFFFF))
        data = header + packet.body
        data += hmac.new(self.key, data, hashlib.sha256).digest()[:16]
        self.sequence += 1
        self.next_event += packet.count
        self.last_sent = time.monotonic()
        try:
            self.socket.sendto(data, self.address)
        except OSError:
            # Lost like any datagram; the numbers tell the daemon.
            pass
