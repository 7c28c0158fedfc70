import Synchronization
import Telemetry
import Testing
import Wire

@testable import Forward

@Suite(.timeLimit(.minutes(5))) struct RestartTests {
  @Test func endsAtOnceDuringAnOutageAndGoesOnAtTheNextStart() async throws {
    let lab = try await ForwardLab { _, count in count < 3 ? .ok : .answer(503) }
    let last = lab.records.append(100)
    let forwarder = lab.forwarder()
    try forwarder.start([
      lab.lines {
        $0.pace.retryInitial = .seconds(3_600)
        $0.pace.retryMax = .seconds(3_600)
      }
    ])
    await eventually { await forwarder.status()[0].state == "retrying" }
    await forwarder.stop()
    #expect(try lab.state().books.sent == 30)
    lab.server.script { _, _ in .ok }
    try await lab.run([lab.lines()]) { $0.position.low == last }
    #expect(Set(lab.server.ids) == Set(lab.records.allIDs))
    #expect(try lab.state().books.sent == 100)
    await lab.stop()
  }

  @Test func givesUpWaitingForAnAnswerWhenItStops() async throws {
    let lab = try await ForwardLab { _, _ in .hang }
    let last = lab.records.append(10)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines()])
    await lab.server.until { $0.count == 1 }
    await forwarder.stop(patience: .zero)
    #expect(try lab.state().books == ForwardBooks())
    lab.server.script { _, _ in .ok }
    try await lab.run([lab.lines()]) { $0.position.low == last }
    #expect(try lab.state().books.sent == 10)
    await lab.stop()
  }

  @Test func stopsWhateverItWaitsFor() async throws {
    let lab = try await ForwardLab { _, _ in .answer(401) }
    lab.records.append(1_000)
    let forwarder = lab.forwarder()
    try forwarder.start([
      lab.lines("stopped"), lab.lines("refused", to: "http://127.0.0.1:1/"),
      lab.lines("slow") { $0.pace.rateLimit = 1 },
      lab.lines("late") { $0.delay = DestinationDelay(wait: .seconds(3_600), match: []) },
      lab.lines("full") { $0.pace.inflightBytes = 1 },
      lab.lines("waits") { $0.pace.interval = .seconds(3_600) },
    ])
    await eventually { await forwarder.status().filter { $0.state == "stopped" }.count >= 3 }
    try await forwarder.setPaused("late", true)
    await forwarder.stop()
    await forwarder.stop()
    await lab.stop()
  }

  /// Rows in a store as it was when the state was saved.
  private final class Copies: Sendable {
    private let held = Mutex<[MemoryStorage.Contents]>([])
    var all: [MemoryStorage.Contents] { held.withLock { $0 } }
    func add(_ contents: MemoryStorage.Contents) { held.withLock { $0.append(contents) } }
  }

  @Test func losesNothingWhereverItIsKilled() async throws {
    let copies = Copies()
    var lab = try await ForwardLab { request, count in
      count % 5 == 2 ? .answer(503) : request.ids.contains(77) ? .answer(400) : .ok
    }
    lab.storage = MemoryStorage(onSave: copies.add)
    let last = lab.records.append(200)
    var builder = LinesBuilder.Options()
    builder.lane = { UInt64($0 % 4) }
    let accepted = { (server: ScriptedServer) in Set(server.ids) }
    try await lab.run([lab.lines(builder: builder)]) { $0.position.low == last }
    let before = accepted(lab.server)
    #expect(before.isSuperset(of: lab.records.allIDs))
    for copy in copies.all {
      var next = lab
      next.storage = MemoryStorage(copy)
      let state = next.storage.state("d/live")
      let sent = next.server.requests.count
      try await next.run([next.lines(builder: builder)]) { $0.position.low == last }
      // What was not settled goes again, all of it.
      let open = lab.records.allIDs.filter { !(state?.position.isSettled($0) ?? false) }
      let again = Set(next.server.requests.dropFirst(sent).flatMap(\.ids))
      #expect(again.isSuperset(of: open))
      #expect(try next.state().books.settled == 200)
    }
    await lab.stop()
  }

  @Test func writesHowFarItWillSendBeforeItSends() async throws {
    var lab = try await ForwardLab()
    let seen = Mutex<Int64>(0)
    let high = Copies()
    lab.storage = MemoryStorage(onSave: high.add)
    let storage = lab.storage
    let isBehind = Mutex(false)
    lab.server.script { request, _ in
      let known = storage.state("d/live")?.position.sentHigh ?? 0
      if let most = request.ids.max() {
        seen.withLock { $0 = max($0, most) }
        if most > known { isBehind.withLock { $0 = true } }
      }
      return .ok
    }
    let last = lab.records.append(300)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines()])
    await lab.storage.until("d/live") { $0.position.low == last }
    let end = lab.records.append(30)
    await lab.storage.until("d/live") { $0.position.low == end }
    await forwarder.stop()
    #expect(!isBehind.withLock { $0 })
    #expect(seen.withLock { $0 } == end)
    await lab.stop()
  }

  @Test func keepsSendingWhenTheStateCannotBeWritten() async throws {
    let lab = try await ForwardLab()
    lab.storage.fail(3)
    let last = lab.records.append(100)
    try await lab.run([lab.lines()]) { $0.position.low == last }
    #expect(lab.reports.all.contains { $0.hasPrefix("the positions of destinations cannot be written") })
    #expect(try lab.state().books.sent == 100)
    await lab.stop()
  }

  @Test func countsARefusedRecordThatMayHaveBeenSentBeforeAsADuplicate() async throws {
    let lab = try await ForwardLab { request, _ in
      .answer(200, [("x-refused", "\(request.ids.count)"), ("x-reason", "out_of_order")])
    }
    let last = lab.records.append(40)
    var state = RunState(position: Position(after: 10))
    state.position.willSend(upTo: 20)
    try lab.storage.put("d/live", state)
    try await lab.run([lab.lines()]) { $0.position.low == last }
    let books = try lab.state().books
    #expect(books.duplicate == 10)
    #expect(books.refused["out_of_order"]?.count == 20)
    await lab.stop()
  }

  @Test func remembersAsIfItHadNeverStopped() async throws {
    let lab = try await ForwardLab { request, _ in request.ids.contains { $0 > 60 } ? .hang : .ok }
    let last = lab.records.append(100)
    var builder = LinesBuilder.Options()
    builder.counts = true
    builder.lane = { UInt64($0 / 10 % 4) }
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines(builder: builder) { $0.pace.records = 5 }])
    await lab.storage.until("d/live") { $0.position.low == 60 }
    await lab.server.until { $0.contains { $0.ids.contains { $0 > 60 } } }
    await forwarder.stop(patience: .zero)
    // The fold of a time before the position, and settled rows behind it.
    var state = try lab.state()
    state.position.settle(71, 75)
    try lab.storage.put("d/live", state)
    lab.server.script { _, _ in .ok }
    let before = lab.server.requests.count
    for fold in [40, 60] as [Int64] {
      var copy = lab.storage.contents
      copy.checkpoints["d/live"] = [
        Checkpoint(position: fold, state: Array(String(fold).utf8)), Checkpoint(position: 90, state: Array("1".utf8)),
      ]
      var next = lab
      next.storage = MemoryStorage(copy)
      let sent = next.server.requests.count
      try await next.run([next.lines(builder: builder) { $0.pace.records = 7 }]) { $0.position.low == last }
      let lines = next.server.requests.dropFirst(sent).flatMap { $0.text.split(separator: "\n").map(String.init) }
      let expected = (Int64(61)...100).filter { !(71...75).contains($0) }.map { "\($0) #\($0)" }
      #expect(lines.sorted() == expected.sorted())
    }
    #expect(lab.server.requests.count > before)
    await lab.stop()
  }

  @Test func sendsAgainWhatWasAcceptedRightBeforeTheFarEndWasLost() async throws {
    let lab = try await ForwardLab()
    let last = lab.records.append(50)
    let forwarder = lab.forwarder()
    try forwarder.start([
      lab.lines {
        $0.rewind = .seconds(60)
        $0.pace.concurrency = 1
      }
    ])
    await lab.storage.until("d/live") { $0.position.low == last }
    await lab.server.stop()
    let end = lab.records.append(10)
    await eventually { await forwarder.status()[0].retried > 0 }
    try await lab.server.start()
    await lab.storage.until("d/live") { $0.position.low == end }
    await lab.server.until { $0.flatMap(\.ids).count == 110 }
    await forwarder.stop()
    let ids = lab.server.ids
    #expect(ids.prefix(50).sorted() == Array(1...50))
    #expect(Set(ids.dropFirst(50)) == Set(1...60))
    #expect(try lab.state().books.sent == 60)
    await lab.stop()
  }

  @Test func forgetsANameThirtyDaysAfterItIsGone() async throws {
    let lab = try await ForwardLab()
    let last = lab.records.append(10)
    try await lab.run([lab.lines()]) { $0.position.low == last }
    let day: Int64 = 86_400_000_000_000
    func start(_ destinations: [Destination]) async throws {
      let forwarder = lab.forwarder()
      try forwarder.start(destinations)
      await forwarder.stop()
    }
    // It ran for a year, and is taken out.
    lab.records.setNow(lab.records.now() + 365 * day)
    try await start([])
    #expect(lab.storage.state("d/live") != nil)
    lab.records.setNow(lab.records.now() + 29 * day)
    try await start([])
    #expect(lab.storage.state("d/live")?.position.low == last)
    // Back in time: counted anew.
    try await start([lab.lines()])
    lab.records.setNow(lab.records.now() + 29 * day)
    try await start([])
    #expect(lab.storage.state("d/live")?.position.low == last)
    lab.records.setNow(lab.records.now() + 31 * day)
    try await start([])
    #expect(lab.storage.state("d/live") == nil)
    await lab.stop()
  }

  @Test func keepsThePositionOfANameWhoseEndpointIsNew() async throws {
    let lab = try await ForwardLab()
    let last = lab.records.append(10)
    try await lab.run([lab.lines()]) { $0.position.low == last }
    let end = lab.records.append(5)
    try await lab.run([lab.lines("d", .zipkin, to: lab.server.url + "/other")]) { $0.position.low == end }
    #expect(lab.server.requests.filter { $0.path == "/other" }.flatMap(\.ids) == [11, 12, 13, 14, 15])
    await lab.stop()
  }

  @Test func saysThatAStateCannotBeRead() async throws {
    let lab = try await ForwardLab()
    try lab.storage.save(["d/live": Array("{".utf8)])
    let last = lab.records.append(10)
    try await lab.run([lab.lines()]) { $0.position.low == last }
    #expect(lab.reports.all == ["what was known of the destination d/live cannot be read: it begins anew"])
    await lab.stop()
  }

  @Test func sendsABatchAgainWithinTheBordersItHad() async throws {
    let lab = try await ForwardLab()
    lab.records.append((0..<50).map { TestRow(id: Int64($0 * 2 + 1)) })
    var state = RunState(position: Position(after: 10))
    state.position.willSend(upTo: 60)
    state.position.settle(31, 40)
    state.borders = [.init(first: 11, last: 30), .init(first: 41, last: 60)]
    try lab.storage.put("d/live", state)
    try await lab.run([
      lab.lines("d", .clickhouse, table: .clickhouse) {
        $0.pace.concurrency = 1
        $0.pace.records = 4
      }
    ]) { $0.position.low == 99 }
    let batches = lab.server.requests.map(\.ids)
    #expect(batches.first == Array(stride(from: 11, through: 29, by: 2)))
    #expect(batches.dropFirst().first == Array(stride(from: 41, through: 59, by: 2)))
    #expect(batches.dropFirst(2).allSatisfy { $0.count <= 4 })
    #expect(lab.server.ids == (11...99).filter { $0 % 2 == 1 && !(31...40).contains($0) })
    #expect(try lab.state().borders.isEmpty)
    await lab.stop()
  }

  @Test func doesNotMixWhatIsSettledWithWhatGoesOut() async throws {
    let lab = try await ForwardLab()
    let last = lab.records.append(60)
    var state = RunState(position: Position(after: 0))
    state.position.settle(6, 10)
    state.position.settle(21, 24)
    try lab.storage.put("d/live", state)
    try await lab.run([lab.lines { $0.pace.records = 1_000 }]) { $0.position.low == last }
    #expect(lab.server.ids.sorted() == (1...60).filter { !(6...10).contains($0) && !(21...24).contains($0) })
    #expect(try lab.state().books.sent == 51)
    await lab.stop()
  }
}
