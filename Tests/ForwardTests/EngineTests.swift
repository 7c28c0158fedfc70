import Synchronization
import Telemetry
import Testing
import Wire

@testable import Forward

@Suite(.timeLimit(.minutes(5))) struct EngineTests {
  @Test func deliversEveryRecordOnceInTheOrderOfItsLane() async throws {
    let lab = try await ForwardLab()
    lab.records.append([TestRow(id: 3), TestRow(id: 10), TestRow(id: 11)])
    let last = lab.records.append(500)
    var builder = LinesBuilder.Options()
    builder.lane = { UInt64($0 % 3) }
    try await lab.run([lab.lines(builder: builder)]) { $0.position.low == last }
    #expect(lab.server.ids.sorted() == lab.records.allIDs)
    for lane in 0..<3 {
      let ids = lab.server.ids.filter { $0 % 3 == Int64(lane) }
      #expect(ids == ids.sorted())
    }
    #expect(try lab.state().books.sent == Int64(lab.records.allIDs.count))
    #expect(try lab.state().books.settled == Int64(lab.records.allIDs.count))
    await lab.stop()
  }

  @Test func sendsWhatComesWhileItRuns() async throws {
    let lab = try await ForwardLab()
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines { $0.start = .now }])
    for _ in 0..<5 {
      let last = lab.records.append(7)
      await lab.storage.until("d/live") { $0.position.low == last }
    }
    await forwarder.stop()
    #expect(lab.server.ids == lab.records.allIDs)
    await lab.stop()
  }

  @Test func makesBatchesOfAtMostSoManyRecordsAndBytes() async throws {
    let lab = try await ForwardLab()
    let last = lab.records.append(95)
    try await lab.run([lab.lines { $0.pace.concurrency = 1 }]) { $0.position.low == last }
    #expect(lab.server.requests.map(\.ids.count) == Array(repeating: 10, count: 9) + [5])
    await lab.stop()

    let other = try await ForwardLab()
    let end = other.records.append(30)
    try await other.run([
      other.lines {
        $0.pace.concurrency = 1
        $0.pace.bytes = 40
      }
    ]) { $0.position.low == end }
    #expect(other.server.requests.allSatisfy { $0.ids.count <= 4 })
    #expect(other.server.ids.sorted() == other.records.allIDs)
    await other.stop()
  }

  @Test func keepsTheEventsOfASpanWithIt() async throws {
    let lab = try await ForwardLab()
    lab.records.chunk(3)
    var rows: [TestRow] = []
    for span in 1...40 {
      rows.append(TestRow(kind: .span, span: UInt8(span)))
      rows += (0..<(span % 4)).map { _ in TestRow(kind: .spanEvent, span: UInt8(span)) }
    }
    let last = lab.records.append(rows)
    try await lab.run([
      lab.lines {
        $0.pace.records = 3
        $0.pace.concurrency = 1
      }
    ]) { $0.position.low == last }
    let lines = lab.server.requests.flatMap { $0.text.split(separator: "\n") }
    #expect(lines.count == 40)
    var id = 1
    for (place, line) in lines.enumerated() {
      let ids = line.split(separator: " ").compactMap { Int($0.drop { $0 == "+" }) }
      #expect(ids == Array(id..<(id + 1 + (place + 1) % 4)))
      id += ids.count
    }
    #expect(try lab.state().books.sent == 40)
    await lab.stop()
  }

  @Test func movesItsPositionOverRowsThatItDoesNotWant() async throws {
    let lab = try await ForwardLab()
    let last = lab.records.append(50) { TestRow(kind: $0 == 20 ? .span : .log, span: 1) }
    try await lab.run([lab.lines { $0.filter.signals = [.traces] }]) { $0.position.low == last }
    #expect(lab.server.ids == [21])
    await lab.stop()
  }

  @Test func leavesNothingOutWhenAReaderSeesOnlyTheRowsOfItsOpening() async throws {
    let lab = try await ForwardLab()
    lab.records.chunk(7)
    let records = lab.records
    lab.server.script { _, _ in
      records.append(3)
      return .ok
    }
    lab.records.append(200)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines()])
    await lab.server.until { $0.count > 60 }
    lab.server.script { _, _ in .ok }
    await eventually { await forwarder.status()[0].rowsBehind == 0 }
    await forwarder.stop()
    #expect(lab.server.ids.sorted() == lab.records.allIDs)
    await lab.stop()
  }

  @Test(arguments: [(413, "too_large"), (400, "invalid")])
  func takesABatchApartUntilTheBadRecordIsAlone(_ status: Int, _ reason: String) async throws {
    let lab = try await ForwardLab { request, _ in
      request.ids.contains(37) ? .answer(status, [], Array("bad one".utf8)) : .ok
    }
    let last = lab.records.append(100)
    try await lab.run([lab.lines { $0.pace.records = 64 }]) { $0.position.low == last }
    let state = try lab.state()
    #expect(state.books.sent == 99)
    #expect(state.books.refused[reason]?.count == 1)
    #expect(state.books.refused[reason]?.ranges == [[37, 37]])
    #expect(state.books.refused[reason]?.message == "bad one")
    let accepted = lab.server.requests.filter { !$0.ids.contains(37) }.flatMap(\.ids)
    #expect(accepted.sorted() == (1...100).filter { $0 != 37 })
    await lab.stop()
  }

  @Test func refusesTheRestWhenThreeLevelsAndTheNewestRecordWereRefused() async throws {
    let lab = try await ForwardLab { _, _ in .answer(400) }
    let last = lab.records.append(64)
    try await lab.run([
      lab.lines {
        $0.pace.records = 64
        $0.pace.concurrency = 1
      }
    ]) { $0.position.low == last }
    #expect(try lab.state().books.refused["invalid"]?.count == 64)
    // One, two halves, four quarters, the newest.
    #expect(lab.server.requests.map(\.ids.count) == [64, 32, 32, 16, 16, 16, 16, 1])
    await lab.stop()
  }

  @Test func goesOnWhenTheNewestRecordIsAccepted() async throws {
    let lab = try await ForwardLab { request, _ in request.ids == [64] ? .ok : .answer(400) }
    let last = lab.records.append(64)
    try await lab.run([
      lab.lines {
        $0.pace.records = 64
        $0.pace.concurrency = 1
      }
    ]) { $0.position.low == last }
    #expect(try lab.state().books.sent == 1)
    #expect(try lab.state().books.refused["invalid"]?.count == 63)
    await lab.stop()
  }

  @Test func givesUpABatchThatTakesTooManyRequests() async throws {
    let lab = try await ForwardLab { request, _ in request.ids.contains { $0 % 2 == 1 } ? .answer(413) : .ok }
    let last = lab.records.append(1_024)
    try await lab.run([
      lab.lines {
        $0.pace.records = 1_024
        $0.pace.concurrency = 1
      }
    ]) { $0.position.low == last }
    let books = try lab.state().books
    #expect((books.refused["budget"]?.count ?? 0) > 0, "\(books)")
    #expect(books.settled == 1_024)
    #expect(lab.server.requests.count <= 2 * LaneRunner.extraRequestLimit)
    await lab.stop()
  }

  @Test func stopsAllLanesWhenATimeIsNamed() async throws {
    let lab = try await ForwardLab { _, _ in .hang }
    let last = lab.records.append(40)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines { $0.pace.inflightBytes = 1 << 20 }])
    await lab.server.until { $0.count == 4 }
    lab.server.script { _, _ in .ok }
    lab.server.release(.answer(429, [("Retry-After", "300")]))
    await eventually { await forwarder.status()[0].state == "throttled" }
    await eventually { await forwarder.status()[0].retried == 4 }
    #expect(lab.server.requests.count == 4)
    await forwarder.hurry()
    await lab.storage.until("d/live") { $0.position.low == last }
    await forwarder.stop()
    #expect(try lab.state().books.sent == 40)
    await lab.stop()
  }

  @Test func sendsLessAtOnceToWhoIsThrottlingAndRefusesNothing() async throws {
    let lab = try await ForwardLab { request, _ in request.ids.count > 2 ? .answer(429) : .ok }
    let last = lab.records.append(64)
    try await lab.run([
      lab.lines {
        $0.pace.records = 32
        $0.pace.concurrency = 1
      }
    ]) { $0.position.low == last }
    let accepted = lab.server.requests.filter { $0.ids.count <= 2 }.flatMap(\.ids)
    #expect(accepted == lab.records.allIDs)
    #expect(try lab.state().books.sent == 64)
    await lab.stop()
  }

  @Test func letsOneLaneTryDuringAnOutage() async throws {
    let lab = try await ForwardLab { _, _ in .answer(503) }
    let last = lab.records.append(40)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines()])
    await lab.server.until { $0.count > 20 }
    #expect(try lab.state().books == ForwardBooks())
    // Who is asked now is the only one.
    lab.server.script { _, _ in .hang }
    await eventually { await forwarder.status()[0].state == "retrying" }
    let before = lab.server.requests.count
    await lab.server.until { $0.count > before }
    let asked = lab.server.requests.count
    for _ in 0..<1_000 { await Task.yield() }
    #expect(lab.server.requests.count == asked)
    lab.server.script { _, _ in .ok }
    lab.server.release()
    await lab.storage.until("d/live") { $0.position.low == last }
    await forwarder.stop()
    #expect(try lab.state().books.sent == 40)
    await lab.stop()
  }

  @Test func survivesAFarEndThatIsGoneForAWhile() async throws {
    let lab = try await ForwardLab()
    await lab.server.stop()
    let last = lab.records.append(40)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines()])
    await eventually { await forwarder.status()[0].retried > 3 }
    #expect(await forwarder.status()[0].state == "retrying")
    try await lab.server.start()
    await lab.storage.until("d/live") { $0.position.low == last }
    await forwarder.stop()
    #expect(lab.server.ids.sorted() == lab.records.allIDs)
    await lab.stop()
  }

  @Test func refusesARecordOfEndlessServerErrorsWhenOthersAreAccepted() async throws {
    let lab = try await ForwardLab { request, _ in request.ids.contains(5) ? .answer(500) : .ok }
    let last = lab.records.append(40)
    try await lab.run([lab.lines(table: .loki) { $0.pace.concurrency = 1 }]) { $0.position.low == last }
    let books = try lab.state().books
    #expect(books.sent == 39)
    #expect(books.refused["server_error"]?.ranges == [[5, 5]])
    await lab.stop()
  }

  @Test func refusesSeveralBadRecordsInARow() async throws {
    let lab = try await ForwardLab { request, _ in request.ids.contains { $0 < 4 } ? .answer(500) : .ok }
    let last = lab.records.append(4)
    try await lab.run([
      lab.lines(table: .loki) {
        $0.pace.concurrency = 1
        $0.pace.records = 1
      }
    ]) { $0.position.low == last }
    let books = try lab.state().books
    #expect(books.sent == 1)
    #expect(books.refused["server_error"]?.count == 3)
    await lab.stop()
  }

  @Test(arguments: [500, 503]) func refusesNothingWhileNothingSucceeds(_ status: Int) async throws {
    let lab = try await ForwardLab { _, _ in .answer(status) }
    let last = lab.records.append(60)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines(table: .loki) { $0.pace.concurrency = 1 }])
    await lab.server.until { $0.count > 200 }
    lab.server.script { _, _ in .ok }
    await lab.storage.until("d/live") { $0.position.low == last }
    await forwarder.stop()
    let books = try lab.state().books
    #expect(books.sent == 60)
    #expect(books.refusedCount == 0)
    await lab.stop()
  }

  @Test(arguments: [401, 403, 404, 405, 407, 301]) func stopsWhenTheDestinationIsAtFault(_ status: Int) async throws {
    let lab = try await ForwardLab { _, _ in .answer(status, [], Array("who are you".utf8)) }
    let last = lab.records.append(40)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines()])
    await eventually { await forwarder.status()[0].state == "stopped" }
    #expect(await forwarder.status()[0].lastError == "\(status): who are you")
    lab.server.script { _, _ in .ok }
    await forwarder.hurry()
    await lab.storage.until("d/live") { $0.position.low == last }
    await forwarder.stop()
    #expect(try lab.state().books.sent == 40)
    #expect(try lab.state().books.refusedCount == 0)
    await lab.stop()
  }

  @Test func countsWhatAFarEndTookOnlyInPart() async throws {
    let lab = try await ForwardLab { request, _ in
      .answer(200, request.ids.contains(15) ? [("x-refused", "3")] : [], Array("three are bad".utf8))
    }
    let last = lab.records.append(40)
    try await lab.run([lab.lines()]) { $0.position.low == last }
    let books = try lab.state().books
    #expect(books.sent == 37)
    #expect(books.refused["partial"]?.count == 3)
    #expect(books.refused["partial"]?.message == "three are bad")
    #expect(books.refused["partial"]?.ranges == [[11, 20]])
    #expect(lab.server.requests.count == 4)
    await lab.stop()
  }

  @Test func isNotHeldUpByAnotherDestination() async throws {
    let lab = try await ForwardLab { request, _ in request.path == "/dead" ? .hang : .ok }
    let last = lab.records.append(100)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines("dead"), lab.lines("away", to: "http://127.0.0.1:1/"), lab.lines("live")])
    await lab.storage.until("live/live") { $0.position.low == last }
    #expect(try lab.state("dead/live").position.low == 0)
    await lab.server.stop()
    await forwarder.stop(patience: .zero)
    #expect(try lab.state("live/live").books.sent == 100)
  }

  @Test func pausesAndGoesOn() async throws {
    let lab = try await ForwardLab()
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines()])
    try await forwarder.setPaused("d", true)
    #expect(await forwarder.status()[0].state == "paused")
    let last = lab.records.append(20)
    for _ in 0..<500 { await Task.yield() }
    #expect(lab.server.requests.isEmpty)
    await forwarder.stop()
    // It is remembered.
    let next = lab.forwarder()
    try next.start([lab.lines()])
    #expect(await next.status()[0].state == "paused")
    try await next.setPaused("d", false)
    await lab.storage.until("d/live") { $0.position.low == last }
    await next.stop()
    #expect(lab.server.ids.sorted() == lab.records.allIDs)
    await lab.stop()
  }

  @Test func triesAgainWhenRowsCannotBeRead() async throws {
    let lab = try await ForwardLab()
    lab.records.append(10)
    lab.records.fail(1)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines()])
    await eventually { !lab.reports.all.isEmpty }
    #expect(lab.reports.all[0].hasPrefix("d/live: rows cannot be read"))
    await forwarder.stop()
    await lab.stop()
  }

  @Test func countsWhatABuilderRefusesAndSkips() async throws {
    let lab = try await ForwardLab()
    let last = lab.records.append(30)
    var builder = LinesBuilder.Options()
    builder.take = { $0 % 3 == 0 ? .refused("future") : $0 % 3 == 1 ? .skipped : .taken }
    try await lab.run([lab.lines(builder: builder)]) { $0.position.low == last }
    let books = try lab.state().books
    #expect(books.sent == 10)
    #expect(books.skipped == 10)
    #expect(books.refused["future"]?.count == 10)
    #expect(books.refused["future"]?.samples.sorted(by: >) == [30, 27, 24, 21, 18, 15, 12, 9, 6, 3])
    await lab.stop()
  }
}
