import Synchronization
import Telemetry
import TestSupport
import Testing
import Wire

@testable import Forward

/// What a destination remembers survives the end of the process, whenever that is.
@Suite(.timeLimit(.minutes(5))) struct FoldTests {
  private static let second: Int64 = 1_000_000_000

  private final class Copies: Sendable {
    private let held = Mutex<[MemoryStorage.Contents]>([])
    var all: [MemoryStorage.Contents] { held.withLock { $0 } }
    func add(_ contents: MemoryStorage.Contents) { held.withLock { $0.append(contents) } }
  }

  private static var counting: LinesBuilder.Options {
    var builder = LinesBuilder.Options()
    builder.counts = true
    builder.lane = { UInt64($0 % 3) }
    return builder
  }

  private static func lines(_ requests: ArraySlice<ScriptedServer.Request>) -> [String] {
    requests.flatMap { $0.text.split(separator: "\n").map(String.init) }
  }

  @Test func isMadeAnewFromItsBeginningBeforeItWasEverWritten() async throws {
    let copies = Copies()
    var lab = try await ForwardLab()
    lab.storage = MemoryStorage(onSave: copies.add)
    let last = lab.records.append(100)
    try await lab.run([lab.lines(builder: Self.counting)]) { $0.position.low == last }
    for copy in copies.all {
      var next = lab
      next.storage = MemoryStorage(copy)
      let sent = next.server.requests.count
      try await next.run([next.lines(builder: Self.counting)]) { $0.position.low == last }
      for line in Self.lines(next.server.requests.dropFirst(sent)) {
        let id = line.prefix { $0 != " " }
        #expect(line == "\(id) #\(id)")
      }
    }
    await lab.stop()
  }

  @Test func ofAReplayIsMadeAnewToo() async throws {
    let copies = Copies()
    var lab = try await ForwardLab()
    lab.storage = MemoryStorage(onSave: copies.add)
    lab.records.append(100)
    let destination = lab.lines(builder: Self.counting) { $0.start = .now }
    let forwarder = lab.forwarder()
    try forwarder.start([destination])
    var request = ReplayRequest(id: 0, destination: "d", lastID: 90)
    request.rate = 0
    let id = try forwarder.replay(request)
    await lab.storage.until("d/replay-\(id)") { $0.replay?.isDone ?? false }
    await forwarder.stop()
    let begun = copies.all.filter { $0.states["d/replay-\(id)"] != nil }
    #expect(!begun.isEmpty)
    for copy in begun {
      var next = lab
      next.storage = MemoryStorage(copy)
      if next.storage.state("d/replay-\(id)")?.replay?.isDone ?? false { continue }
      let sent = next.server.requests.count
      try await next.run([destination], key: "d/replay-\(id)") { $0.replay?.isDone ?? false }
      for line in Self.lines(next.server.requests.dropFirst(sent)) {
        let id = line.prefix { $0 != " " }
        #expect(line == "\(id) #\(id)")
      }
    }
    await lab.stop()
  }

  @Test func beginsBehindWhatAnotherTypeWasSent() async throws {
    let lab = try await ForwardLab()
    let last = lab.records.append(20)
    try await lab.run([lab.lines()]) { $0.position.low == last }
    let end = lab.records.append(5)
    try await lab.run([lab.lines(builder: Self.counting)]) { $0.position.low == end }
    #expect(Self.lines(lab.server.requests[...]).suffix(5).sorted() == (1...5).map { "\($0 + 20) #\($0)" })
    await lab.stop()
  }

  /// What a delay held goes on as it was; a delay that comes back is another one.
  @Test func goesWithTheRowsThatADelayHeld() async throws {
    let lab = try await ForwardLab()
    func delayed(_ event: String) -> Destination {
      lab.lines(builder: Self.counting) {
        $0.delay = DestinationDelay(wait: .seconds(180), match: [event].compactMap(RecordPattern.init))
      }
    }
    lab.records.setNow(TestRow.base + 200 * Self.second)
    lab.records.append(40) {
      TestRow(received: TestRow.base + Int64($0) * Self.second, event: "relay.tick.end")
    }
    // Those of the first twenty seconds are due.
    try await lab.run([delayed("relay.tick.*")], key: "d/delayed") { $0.books.sent == 21 }
    lab.records.setNow(TestRow.base + 400 * Self.second)
    try await lab.run([delayed("relay.other.*")], key: "d/drain-40") { $0.isDrained }
    #expect(Self.lines(lab.server.requests[...]).sorted() == (1...40).map { "\($0) #\($0)" }.sorted())
    let last = lab.records.append(3) { _ in
      TestRow(received: TestRow.base + 300 * Self.second, event: "relay.tick.end")
    }
    lab.records.setNow(TestRow.base + 900 * Self.second)
    try await lab.run([delayed("relay.tick.*")], key: "d/delayed") { $0.position.low == last }
    #expect(Self.lines(lab.server.requests[...]).suffix(3).sorted() == ["41 #1", "42 #2", "43 #3"])
    await lab.stop()
  }

  @Test func isForgottenWithTheNameItBelongsTo() async throws {
    let lab = try await ForwardLab()
    let last = lab.records.append(10)
    try await lab.run([lab.lines(builder: Self.counting)]) { $0.position.low == last }
    #expect(!lab.storage.checkpoints("d/live").isEmpty)
    try lab.storage.save(["d/live": nil])
    let forwarder = lab.forwarder()
    let end = lab.records.append(2)
    try forwarder.start([lab.lines(builder: Self.counting) { $0.start = .time(TestRow.base + 11_000_000) }])
    await lab.storage.until("d/live") { $0.position.low == end }
    await forwarder.stop()
    #expect(Self.lines(lab.server.requests[...]).suffix(2).sorted() == ["11 #1", "12 #2"])
    await lab.stop()
  }
}
