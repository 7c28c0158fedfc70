import Door
import Glibc
import Logging
import Telemetry
import TestSupport
import Testing

@testable import Intake

/// The door with real sockets, and a way to it that loses, doubles and reorders.
@Suite(.serialized) struct UDPDoorTests {
  private struct NoRejects: RejectSink {
    func write(_ rejections: [Rejection], rest: [Rejection.Rest], door: String, signal: Signal, at: Int64) {}
    func write(_ body: UndecodableBody, door: String, signal: Signal, at: Int64) {}
  }

  /// A socket that sends to the door.
  private final class Sender {
    private let socket: Int32
    private var address: sockaddr_in

    init(port: Int) {
      socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
      address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(UInt16(port)).bigEndian
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    }

    deinit { close(socket) }

    func send(_ packet: [UInt8]) {
      let length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let sent = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          sendto(socket, packet, packet.count, 0, $0, length)
        }
      }
      #expect(sent == packet.count)
    }
  }

  private static func withDoor(
    _ sink: ArraySink, _ body: (UDPDoor<ArraySink, NoRejects>, Sender) async throws -> Void
  ) async throws {
    let door = try UDPDoor(
      host: "127.0.0.1", port: 0, sink: sink, rejects: NoRejects(), credentials: try UDPPackets.credentials(),
      key: UDPPackets.key, marks: [], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let run = Task { await door.run() }
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(door, Sender(port: door.port)))
    } catch {
      result = .failure(error)
    }
    door.stop()
    await run.value
    try result.get()
  }

  /// Waits until as many packets have been seen.
  private static func seen(_ count: Int, by vitals: UDPVitals) async {
    while UDPResult.allCases.reduce(0, { $0 + vitals.packets($1) }) < count { await Task.yield() }
  }

  @Test func countsALossyWayExactly() async throws {
    let sink = ArraySink()
    var random = SampleRandom(seed: 42)
    let now = UDPClock.now()
    var boots = (1...3).map { UDPPackets(boot: UInt64($0)) }
    var wire: [[UInt8]] = []
    var sent = 0
    var lost = 0
    var duplicates = 0
    for index in 0..<600 {
      let boot = index / 200
      let events = random.upTo(5)
      let isBinary = index % 2 == 0
      let packet =
        isBinary ? boots[boot].next(events: events, at: now) : boots[boot].nextText(events: events, at: now)
      sent += events
      // The last of a boot arrives, or nobody could know of it.
      if index % 200 < 190, random.one(in: 8) {
        lost += events
        continue
      }
      wire.append(packet)
      if random.one(in: 10) {
        wire.append(packet)
        duplicates += 1
      }
    }
    for index in wire.indices.dropFirst(3) where random.one(in: 6) { wire.swapAt(index, index - 1 - random.upTo(2)) }
    var flips = 0
    try await Self.withDoor(sink) { door, sender in
      for (index, packet) in wire.enumerated() {
        sender.send(packet)
        if random.one(in: 20) {
          var flipped = packet
          flipped[packet.count / 2] ^= 0x10
          sender.send(flipped)
          flips += 1
        }
        // Never more on the way than the smallest buffer holds.
        if index % 20 == 0 { await Self.seen(index + 1 + flips, by: door.vitals) }
      }
      await Self.seen(wire.count + flips, by: door.vitals)
      let figures = try #require(door.figures().first { $0.source == "relay-eu-1" })
      #expect(Int(figures.received) == sent - lost && Int(figures.sent) == sent)
      #expect(Int(figures.lost + figures.pending) == lost && figures.refused == 0 && figures.before == 0)
      #expect(Int(figures.duplicatePackets) == duplicates && figures.boots == 3)
      #expect(door.vitals.packets(.badMAC) == flips && door.vitals.kernelDrops.value == 0)
    }
    #expect(sink.recordCount == sent - lost)
    let uids = sink.batches.flatMap { batch in batch.rows.map { batch.text($0.uid) } }
    #expect(Set(uids).count == uids.count)
  }

  @Test func storesEverythingItReceivedBeforeItStops() async throws {
    let sink = ArraySink()
    var sender = UDPPackets(boot: 1)
    try await Self.withDoor(sink) { door, socket in
      for _ in 0..<50 { socket.send(sender.next(at: UDPClock.now())) }
      await Self.seen(50, by: door.vitals)
    }
    #expect(sink.recordCount == 150)
  }

  @Test func neverWaitsForTheDisk() async throws {
    let sink = ArraySink()
    sink.hold()
    var sender = UDPPackets(boot: 1)
    try await Self.withDoor(sink) { door, socket in
      for _ in 0..<100 {
        socket.send(sender.next(at: UDPClock.now()))
      }
      // All are read and decided about, though nothing can be stored.
      await Self.seen(100, by: door.vitals)
      #expect(door.figures()[0].received == 300 && sink.recordCount == 0)
      sink.letGo()
    }
    #expect(sink.recordCount == 300)
  }

  @Test func listensOnBothLoopbackAddresses() async throws {
    let sink = ArraySink()
    try await Self.withDoor(sink) { door, _ in
      let socket = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
      defer { close(socket) }
      // A machine without IPv6 has one loopback address.
      guard socket >= 0 else { return }
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = in_port_t(UInt16(door.port)).bigEndian
      address.sin6_addr = in6addr_loopback
      let hello = Array("{\"e\":\"test.hello\"}\n".utf8)
      let length = socklen_t(MemoryLayout<sockaddr_in6>.size)
      let sent = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          sendto(socket, hello, hello.count, 0, $0, length)
        }
      }
      guard sent == hello.count else { return }
      await Self.seen(1, by: door.vitals)
      #expect(door.vitals.packets(.accepted) == 1)
    }
  }
}
