import Telemetry
import TestSupport
import Testing
import Wire

@testable import Forward

/// Records that are summed up and go out when their slot is over: until then they wait, and the books say so.
@Suite(.timeLimit(.minutes(5))) struct SummedTests {
  private static let second: Int64 = 1_000_000_000
  private static let key = "d/live"

  /// Deltas of players, a tenth of a second apart.
  private static func rows(_ count: Int, from seconds: Int64) -> [TestRow] {
    (0..<count).map { place in
      let time = TestRow.base + seconds * second + Int64(place) * second / 10
      return TestRow(
        kind: .number, time: time, received: time, metric: "c", type: .sum, temporality: 1,
        attributes: #"{"player.id":"p"}"#, length: second / 10)
    }
  }

  private static func destination(_ lab: ForwardLab) -> Destination {
    var options = ForwardLab.options("d", .prometheus)
    options.filter = RecordFilter(signals: [.metrics])
    let url = lab.server.url + "/d"
    return Destination(options) { _ in
      try TableCourier(url: url, .remoteWrite1, ForwardLab.transport())
    } builder: {
      RemoteWriteBuilder()
    }
  }

  private static func values(_ lab: ForwardLab) -> [Double] {
    lab.server.requests.compactMap { RemoteWriteMessage($0.body, form: 1) }.flatMap(\.series)
      .filter { $0.text.hasPrefix("c_total") }.flatMap { $0.samples.map(\.value) }
  }

  private static func isBalanced(_ state: RunState) -> Bool {
    state.books.matched == state.books.settled + (state.summed ?? -1)
  }

  /// As it is when the process is killed at this moment.
  private static func killed(_ lab: ForwardLab) -> ForwardLab {
    var next = lab
    next.storage = MemoryStorage(lab.storage.contents)
    return next
  }

  @Test func waitAndAreNotIdleUntilTheirSlotIsOver() async throws {
    let lab = try await ForwardLab()
    lab.records.setNow(TestRow.base + 6 * Self.second)
    lab.records.append(Self.rows(8, from: 1))
    let forwarder = lab.forwarder()
    try forwarder.start([Self.destination(lab)])
    await lab.storage.until(Self.key) { $0.summed == 8 }
    #expect(Self.isBalanced(try lab.state()))
    let status = try #require(await forwarder.status().first)
    #expect(status.summed == 8 && status.state == "sending" && status.books.sent == 0)
    #expect(forwarder.vitals().first?.vitals.summed == 8)
    lab.records.setNow(TestRow.base + 60 * Self.second)
    await lab.storage.until(Self.key) { $0.books.sent == 8 }
    #expect(try lab.state().summed == 0)
    await eventually { await forwarder.status().first?.state == "idle" }
    await forwarder.stop()
    #expect(Self.values(lab) == [8])
    await lab.stop()
  }

  @Test func goOutOnceThoughTheProcessIsKilledBeforeAndAfter() async throws {
    let lab = try await ForwardLab()
    lab.records.setNow(TestRow.base + 6 * Self.second)
    lab.records.append(Self.rows(8, from: 1))
    let first = lab.forwarder()
    try first.start([Self.destination(lab)])
    await lab.storage.until(Self.key) { $0.summed == 8 }
    let second = Self.killed(lab)
    await first.stop()
    #expect(Self.values(lab).isEmpty)

    let again = second.forwarder()
    try again.start([Self.destination(lab)])
    lab.records.setNow(TestRow.base + 60 * Self.second)
    await second.storage.until(Self.key) { $0.books.sent == 8 }
    #expect(Self.isBalanced(try second.state()))
    let third = Self.killed(second)
    await again.stop()
    #expect(Self.values(lab) == [8])

    // What the clock sent is not sent again, and counts on.
    lab.records.append(Self.rows(2, from: 50))
    let last = third.forwarder()
    try last.start([Self.destination(lab)])
    await third.storage.until(Self.key) { $0.books.matched == 10 }
    lab.records.setNow(TestRow.base + 120 * Self.second)
    await third.storage.until(Self.key) { $0.books.sent == 10 }
    #expect(Self.isBalanced(try third.state()))
    await last.stop()
    #expect(Self.values(lab) == [8, 10])
    await lab.stop()
  }

  @Test func areMissedWhenTheyAreLost() async throws {
    let lab = try await ForwardLab()
    lab.records.setNow(TestRow.base + 6 * Self.second)
    lab.records.append(Self.rows(8, from: 1))
    let destination = Self.destination(lab)
    try await lab.run([destination]) { $0.summed == 8 }
    func unexplained() throws -> Int64? {
      let bytes = try #require(lab.storage.contents.states[Self.key])
      return KeptRun(Self.key, bytes, destination.options)?.unexplained
    }
    #expect(try unexplained() == 0)
    try lab.storage.removeCheckpoints(Self.key)
    try await lab.run([destination]) { $0.summed == 0 }
    #expect(try unexplained() == 8)
    await lab.stop()
  }

  /// Rows behind them must not settle first: a fold that is made anew could not tell that they are still to be sent.
  @Test func areNotLostWhenTheClockSendsThemIntoAnOutage() async throws {
    let lab = try await ForwardLab { _, _ in .answer(503) }
    lab.records.setNow(TestRow.base + 6 * Self.second)
    lab.records.append(Self.rows(8, from: 1))
    let first = lab.forwarder()
    try first.start([Self.destination(lab)])
    await lab.storage.until(Self.key) { $0.summed == 8 }
    lab.records.setNow(TestRow.base + 60 * Self.second)
    await eventually { !lab.server.requests.isEmpty }
    lab.records.append(Self.rows(2, from: 58))
    await eventually { lab.server.requests.count > 60 }
    let second = Self.killed(lab)
    await first.stop()
    lab.server.script { _, _ in .ok }
    let before = lab.server.requests.count

    let again = second.forwarder()
    try again.start([Self.destination(lab)])
    lab.records.setNow(TestRow.base + 120 * Self.second)
    await second.storage.until(Self.key) { $0.books.sent == 10 }
    #expect(Self.isBalanced(try second.state()))
    await again.stop()
    let accepted = lab.server.requests[before...].compactMap { RemoteWriteMessage($0.body, form: 1) }.flatMap(\.series)
    let sums = accepted.filter { $0.text.hasPrefix("c_total") }.flatMap { $0.samples.map(\.value) }
    #expect(sums == [8, 10])
    await lab.stop()
  }

  /// The clock of a fold is that of its rows: by the clock of the wall all of them are older than what is forgotten.
  @Test func addUpBehindALongDelay() async throws {
    let lab = try await ForwardLab()
    let deltas = (0..<4).map { place in
      let time = TestRow.base + Int64(place + 1) * 10 * Self.second
      return TestRow(
        kind: .number, time: time, received: time, metric: "c", type: .sum, temporality: 1, length: 10 * Self.second)
    }
    lab.records.setNow(TestRow.base + 50 * Self.second)
    lab.records.append(deltas)
    var destination = Self.destination(lab)
    let pattern = try #require(RecordPattern("category:relay"))
    destination.options.delay = DestinationDelay(wait: .seconds(400), match: [pattern])
    let forwarder = lab.forwarder()
    try forwarder.start([destination])
    for count in 1...4 {
      lab.records.setNow(TestRow.base + Int64(401 + 10 * count) * Self.second)
      await lab.storage.until("d/delayed") { $0.books.sent == count }
    }
    await forwarder.stop()
    #expect(Self.values(lab) == [1, 2, 3, 4])
    await lab.stop()
  }

  @Test func areCountedBehindAListOfWhatMayNotLeave() {
    let builder = DenyingBuilder(RemoteWriteBuilder(), deny: ["email"])
    for row in Self.rows(3, from: 1) { row.with { _ = builder.add($0) } }
    #expect(builder.heldRecords == 3)
  }

  @Test func ofAReplayGoOutAtItsEnd() async throws {
    let lab = try await ForwardLab()
    lab.records.setNow(TestRow.base + 6 * Self.second)
    let last = lab.records.append(Self.rows(8, from: 1))
    var destination = Self.destination(lab)
    destination.options.start = .now
    let forwarder = lab.forwarder()
    try forwarder.start([destination])
    var request = ReplayRequest(id: 0, destination: "d", lastID: last)
    request.rate = 0
    let id = try forwarder.replay(request)
    await lab.storage.until("d/replay-\(id)") { $0.replay?.isDone ?? false }
    await forwarder.stop()
    let state = try lab.state("d/replay-\(id)")
    #expect(state.books.sent == 8 && Self.isBalanced(state))
    #expect(Self.values(lab) == [8])
    await lab.stop()
  }

  @Test func goOutThoughRowsBehindThemArePassedOver() async throws {
    let lab = try await ForwardLab()
    lab.records.setNow(TestRow.base + 6 * Self.second)
    lab.records.append(Self.rows(8, from: 1))
    let forwarder = lab.forwarder()
    try forwarder.start([Self.destination(lab)])
    await lab.storage.until(Self.key) { $0.summed == 8 }
    try await forwarder.setPaused("d", true)
    let last = lab.records.append(Self.rows(5, from: 4))
    let skipped = try await forwarder.skip("d", to: last)
    try await forwarder.setPaused("d", false)
    // They may have been read while it was told to pause.
    #expect(skipped == 5 || skipped == 0)
    let next = Self.killed(lab)
    await forwarder.stop()
    lab.records.setNow(TestRow.base + 60 * Self.second)
    let again = next.forwarder()
    try again.start([Self.destination(lab)])
    await next.storage.until(Self.key) { $0.books.settled == 13 && $0.summed == 0 }
    #expect(try next.state().books.skipped == skipped)
    #expect(Self.isBalanced(try next.state()))
    await again.stop()
    #expect(Self.values(lab) == [Double(13 - skipped)])
    await lab.stop()
  }

  @Test func countWhatIsSaidTwiceAsDuplicates() async throws {
    let lab = try await ForwardLab()
    lab.records.setNow(TestRow.base + 6 * Self.second)
    let time = TestRow.base + Self.second
    let last = lab.records.append(
      (0..<3).map { TestRow(kind: .number, time: time, received: time, metric: "g", number: $0) })
    try await lab.run([Self.destination(lab)]) { $0.position.low == last }
    let books = try lab.state().books
    #expect(books.sent == 1 && books.duplicate == 2 && books.refusedCount == 0 && books.matched == 3)
    await lab.stop()
  }
}
