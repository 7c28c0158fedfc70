import Telemetry
import Testing
import Wire

@testable import Forward

@Suite(.timeLimit(.minutes(5))) struct DelayTests {
  private static let second: Int64 = 1_000_000_000
  private static let delay = DestinationDelay(
    wait: .seconds(180), match: ["relay.tick.*"].compactMap(RecordPattern.init))

  /// A row a second, every other one of a live match.
  private func rows(_ count: Int) -> [TestRow] {
    (0..<count).map {
      TestRow(
        received: TestRow.base + Int64($0) * Self.second, event: $0 % 2 == 0 ? "relay.tick.end" : "relay.note")
    }
  }

  @Test func holdsBackWhatADelayMatchesAndNothingElse() async throws {
    let lab = try await ForwardLab()
    lab.records.setNow(TestRow.base + 100 * Self.second)
    let last = lab.records.append(rows(100))
    let destination = lab.lines { $0.delay = Self.delay }
    let forwarder = lab.forwarder()
    try forwarder.start([destination])
    await lab.storage.until("d/live") { $0.position.low == last }
    #expect(lab.server.ids.sorted() == (1...100).filter { $0 % 2 == 0 })
    // Ten seconds more than the wait of the first: 0, 2, 4, 6, 8, 10.
    lab.records.setNow(TestRow.base + 190 * Self.second)
    await lab.storage.until("d/delayed") { $0.books.sent == 6 }
    #expect(await forwarder.status().map(\.kind) == ["delayed", "live"])
    await forwarder.stop()
    // In the middle of it.
    let next = lab.forwarder()
    try next.start([destination])
    lab.records.setNow(TestRow.base + 200 * Self.second)
    await lab.storage.until("d/delayed") { $0.books.sent == 11 }
    #expect(lab.server.ids.filter { $0 % 2 == 1 }.max() == 21)
    lab.records.setNow(TestRow.base + 400 * Self.second)
    await lab.storage.until("d/delayed") { $0.books.sent == 50 }
    await next.stop()
    #expect(lab.server.ids.sorted() == lab.records.allIDs)
    await lab.stop()
  }

  @Test func takesUpANewDelayWhereItIs() async throws {
    let lab = try await ForwardLab()
    lab.records.setNow(TestRow.base + 100 * Self.second)
    let last = lab.records.append(rows(50))
    try await lab.run([lab.lines()]) { $0.position.low == last }
    lab.records.append(rows(50))
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines { $0.delay = Self.delay }])
    await lab.storage.until("d/live") { $0.position.low == 100 }
    #expect(lab.server.ids.sorted() == (1...100).filter { $0 <= 50 || $0 % 2 == 0 })
    lab.records.setNow(TestRow.base + 1_000 * Self.second)
    await lab.storage.until("d/delayed") { $0.books.sent == 25 }
    await forwarder.stop()
    #expect(lab.server.ids.sorted() == lab.records.allIDs)
    await lab.stop()
  }
}

/// What a delay held is not lost when the delay changes.
@Suite(.timeLimit(.minutes(5))) struct DelayChangeTests {
  private static let second: Int64 = 1_000_000_000

  private static func delay(_ patterns: String...) -> DestinationDelay {
    DestinationDelay(wait: .seconds(180), match: patterns.compactMap(RecordPattern.init))
  }

  /// 90 rows in turn of a tick, an order and a note; the first two are held by the first delay.
  private func lab() async throws -> ForwardLab {
    let lab = try await ForwardLab()
    lab.records.setNow(TestRow.base + 100 * Self.second)
    let events = ["relay.tick.end", "relay.order.queued", "relay.note"]
    let last = lab.records.append(90) {
      TestRow(received: TestRow.base + Int64($0) * Self.second, event: events[$0 % 3])
    }
    try await lab.run([lab.lines { $0.delay = Self.delay("relay.tick.*", "relay.order.*") }]) {
      $0.position.low == last
    }
    #expect(lab.server.ids.sorted() == (1...90).filter { $0 % 3 == 0 })
    return lab
  }

  @Test func sendsWhatARemovedDelayHeld() async throws {
    let lab = try await lab()
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines()])
    await lab.storage.until("d/drain-90") { $0.isDrained }
    await forwarder.stop()
    #expect(lab.server.ids.sorted() == lab.records.allIDs)
    await lab.stop()
  }

  @Test func sendsWhatAChangedDelayHoldsNoLongerAndStillHoldsTheRest() async throws {
    let lab = try await lab()
    let destination = lab.lines { $0.delay = Self.delay("relay.tick.*") }
    // The first tick is due long before the last order: an order behind a tick waits with it.
    lab.records.setNow(TestRow.base + 1_000 * Self.second)
    lab.records.append(3) { _ in
      TestRow(received: TestRow.base + 990 * Self.second, event: "relay.tick.end")
    }
    let forwarder = lab.forwarder()
    try forwarder.start([destination])
    await lab.storage.until("d/drain-90") { $0.isDrained }
    await lab.storage.until("d/live") { $0.position.low == 93 }
    #expect(lab.server.ids.sorted() == Array(1...90))
    lab.records.setNow(TestRow.base + 2_000 * Self.second)
    await lab.storage.until("d/delayed") { $0.books.sent == 3 }
    await forwarder.stop()
    #expect(lab.server.ids.sorted() == lab.records.allIDs)
    await lab.stop()
  }

  @Test func goesOnWithItAfterARestart() async throws {
    let lab = try await lab()
    // Nothing is due.
    let first = lab.forwarder()
    let destination = lab.lines { $0.delay = Self.delay("relay.tick.*", "relay.none") }
    try first.start([destination])
    #expect(lab.storage.state("d/drain-90") != nil)
    await first.stop()
    lab.records.setNow(TestRow.base + 1_000 * Self.second)
    let next = lab.forwarder()
    try next.start([destination])
    await lab.storage.until("d/drain-90") { $0.isDrained }
    await next.stop()
    #expect(lab.server.ids.sorted() == lab.records.allIDs)
    await lab.stop()
  }

  @Test func aReplayWaitsForWhatTheDelayHolds() async throws {
    let lab = try await ForwardLab()
    lab.records.setNow(TestRow.base + 100 * Self.second)
    lab.records.append(20) {
      TestRow(
        received: TestRow.base + Int64($0) * Self.second, event: $0 < 10 ? "relay.note" : "relay.tick.end")
    }
    let forwarder = lab.forwarder()
    try forwarder.start([
      lab.lines {
        $0.delay = Self.delay("relay.tick.*")
        $0.start = .now
      }
    ])
    var request = ReplayRequest(id: 0, destination: "d", lastID: lab.records.lastID)
    request.rate = 0
    let id = try forwarder.replay(request)
    await lab.storage.until("d/replay-\(id)") { $0.books.sent == 10 }
    lab.records.setNow(TestRow.base + 195 * Self.second)
    await lab.storage.until("d/replay-\(id)") { $0.books.sent == 16 }
    #expect(lab.server.ids.sorted() == Array(1...16))
    lab.records.setNow(TestRow.base + 300 * Self.second)
    await lab.storage.until("d/replay-\(id)") { $0.replay?.isDone == true }
    await forwarder.stop()
    #expect(lab.server.ids.sorted() == lab.records.allIDs)
    await lab.stop()
  }
}

@Suite(.timeLimit(.minutes(5))) struct ReplayTests {
  private func request(_ lab: ForwardLab) -> ReplayRequest {
    ReplayRequest(id: 0, destination: "d", lastID: lab.records.lastID)
  }

  private func replayed(_ lab: ForwardLab, _ change: (inout ReplayRequest) -> Void) async throws -> [Int64] {
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines { $0.start = .now }])
    var request = request(lab)
    change(&request)
    let before = lab.server.requests.count
    let id = try forwarder.replay(request)
    await lab.storage.until("d/replay-\(id)") { $0.replay?.isDone ?? false }
    let low = try await forwarder.low("d")
    await forwarder.stop()
    #expect(low == lab.records.lastID)
    return lab.server.requests.dropFirst(before).flatMap(\.ids).sorted()
  }

  @Test func sendsHistoryAgainWithoutMovingTheLivePosition() async throws {
    let lab = try await ForwardLab()
    lab.records.append(100) {
      TestRow(isImported: $0 == 3, event: $0 % 2 == 0 ? "relay.tick.end" : "relay.note")
    }
    let all = lab.records.allIDs
    func at(_ id: Int64) -> Int64 { TestRow.base + id * 1_000_000 }
    #expect(try await replayed(lab) { _ in } == all)
    #expect(try await replayed(lab) { $0.from = at(40) } == Array(40...100))
    #expect(try await replayed(lab) { $0.to = at(40) } == Array(1...39))
    #expect(
      try await replayed(lab) {
        $0.from = at(20)
        $0.to = at(30)
        $0.byTimestamp = false
      } == Array(20...29))
    #expect(try await replayed(lab) { $0.include = ["relay.tick.*"] } == all.filter { $0 % 2 == 1 })
    #expect(try await replayed(lab) { $0.ranges = [[5, 7], [50, 50]] } == [5, 6, 7, 50])
    #expect(try await replayed(lab) { $0.lastID = 12 } == Array(1...12))
    #expect(lab.storage.contents.states.keys.filter { $0.contains("replay") }.count == 7)
    await lab.stop()
  }

  @Test func endsThoughThereIsNothingToSend() async throws {
    let lab = try await ForwardLab()
    #expect(try await replayed(lab) { _ in }.isEmpty)
    await lab.stop()
    let other = try await ForwardLab()
    other.records.append(10)
    #expect(try await replayed(other) { $0.include = ["no.such"] }.isEmpty)
    await other.stop()
  }

  @Test func goesOnAfterARestart() async throws {
    let lab = try await ForwardLab { request, count in count < 3 ? .ok : .answer(503) }
    lab.records.append(100)
    let destination = lab.lines { $0.start = .now }
    let forwarder = lab.forwarder()
    try forwarder.start([destination])
    let id = try forwarder.replay(request(lab))
    await eventually { await forwarder.status().contains { $0.kind == "replay" && $0.state == "retrying" } }
    await forwarder.stop()
    lab.server.script { _, _ in .ok }
    let next = lab.forwarder()
    try next.start([destination])
    await lab.storage.until("d/replay-\(id)") { $0.replay?.isDone ?? false }
    await next.stop()
    #expect(Set(lab.server.ids) == Set(lab.records.allIDs))
    #expect(try lab.state("d/replay-\(id)").books.sent == 100)
    let third = lab.forwarder()
    try third.start([destination])
    #expect(await third.status().count == 1)
    await third.stop()
    await lab.stop()
  }

  @Test func canBeCancelled() async throws {
    let lab = try await ForwardLab { _, _ in .answer(503) }
    lab.records.append(100)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines { $0.start = .now }])
    let id = try forwarder.replay(request(lab))
    try await forwarder.cancelReplay(id)
    #expect(await forwarder.status().contains { $0.id == id && $0.isCancelled })
    await #expect(throws: Forwarder.CommandFailure.self) { try await forwarder.cancelReplay(99) }
    #expect(throws: Forwarder.CommandFailure.self) {
      try forwarder.replay(ReplayRequest(id: 0, destination: "nobody", lastID: 1))
    }
    await forwarder.stop()
    await lab.stop()
  }

  @Test func sendsAgainWhatWasRefused() async throws {
    let lab = try await ForwardLab { request, _ in
      request.ids.contains { $0 % 20 == 5 } ? .answer(400) : .ok
    }
    let last = lab.records.append(100)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines()])
    await lab.storage.until("d/live") { $0.position.low == last }
    let ranges = try await forwarder.refusedRanges("d", reason: "invalid")
    #expect(ranges == [[5, 5], [25, 25], [45, 45], [65, 65], [85, 85]])
    #expect(try await forwarder.refusedRanges("d", reason: "too_old").isEmpty)
    lab.server.script { _, _ in .ok }
    let before = lab.server.requests.count
    var request = request(lab)
    request.ranges = ranges
    let id = try forwarder.replay(request)
    await lab.storage.until("d/replay-\(id)") { $0.replay?.isDone ?? false }
    await forwarder.stop()
    #expect(lab.server.requests.dropFirst(before).flatMap(\.ids).sorted() == [5, 25, 45, 65, 85])
    await lab.stop()
  }

  @Test func standsStillWhenNearlyAllOfHistoryIsRefused() async throws {
    let lab = try await ForwardLab { _, _ in .answer(415) }
    lab.records.append(12_000)
    let forwarder = lab.forwarder()
    try forwarder.start([
      lab.lines {
        $0.start = .now
        $0.pace.records = 500
      }
    ])
    var request = request(lab)
    request.rate = 0
    let id = try forwarder.replay(request)
    await eventually { await forwarder.status().contains { $0.id == id && $0.state == "paused" } }
    lab.server.script { _, _ in .ok }
    try await forwarder.resumeReplay(id)
    await lab.storage.until("d/replay-\(id)") { $0.replay?.isDone ?? false }
    await forwarder.stop()
    #expect(try lab.state("d/replay-\(id)").books.settled == 12_000)
    await lab.stop()
  }
}
