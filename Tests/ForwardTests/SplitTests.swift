import Telemetry
import Testing
import Wire

@testable import Forward

/// How parcels are taken apart, and what is given up then.
@Suite(.timeLimit(.minutes(5))) struct SplitTests {
  @Test func refusesTheOneRecordOfEndlessServerErrorsWithoutOtherTraffic() async throws {
    let lab = try await ForwardLab { request, _ in
      request.ids.contains(5) ? .answer(500, [], Array("what is this".utf8)) : .ok
    }
    let last = lab.records.append(20)
    try await lab.run([lab.lines(table: .zipkin) { $0.pace.records = 20 }]) { $0.position.low == last }
    let books = try lab.state().books
    #expect(books.sent == 19)
    #expect(books.refused["server_error"]?.ranges == [[5, 5]])
    #expect(books.refused["server_error"]?.message == "what is this")
    await lab.stop()
  }

  @Test func refusesNoHalfWhenTheFarEndFallsSilentBehindIt() async throws {
    // One half is taken, then it is an outage like any other.
    let lab = try await ForwardLab { request, _ in request.ids == [1, 2] ? .ok : .answer(503) }
    let last = lab.records.append(4)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines(table: .loki) { $0.pace.records = 4 }])
    await lab.server.until { $0.count > 60 }
    lab.server.script { _, _ in .ok }
    await lab.storage.until("d/live") { $0.position.low == last }
    await forwarder.stop()
    #expect(try lab.state().books.sent == 4)
    await lab.stop()
  }

  @Test func sendsAsManyExtraRequestsAsItMay() async throws {
    let lab = try await ForwardLab { request, _ in request.ids.count > 4 ? .answer(413) : .ok }
    let last = lab.records.append(4_000)
    try await lab.run([lab.lines { $0.pace.records = 4_000 }]) { $0.position.low == last }
    // The whole, and the newest record alone, which is taken.
    #expect(lab.server.requests.count == LaneRunner.extraRequestLimit + 2)
    let books = try lab.state().books
    #expect(books.sent == 1)
    #expect(books.refused["budget"]?.count == 3_999)
    await lab.stop()
  }

  @Test func countsHalvesWhenTheyAreSent() async throws {
    // 1 to 64 in pieces of one: 126 halves below the whole, within the budget.
    let lab = try await ForwardLab { request, _ in request.ids.count > 1 ? .answer(413) : .ok }
    let last = lab.records.append(128)
    try await lab.run([lab.lines { $0.pace.records = 128 }]) { $0.position.low == last }
    #expect(try lab.state().books.sent == 128)
    await lab.stop()
  }

  @Test(arguments: [DestinationType.webhook, .clickhouse])
  func sendsTheSameParcelsAgainToWhoKnowsThemByTheirBorders(_ type: DestinationType) async throws {
    var lab = try await ForwardLab { _, before in before == 0 ? .ok : .hang }
    var builder = LinesBuilder.Options()
    builder.lane = { UInt64($0 % 3) }
    let destination = lab.lines("d", type, builder: builder) {
      $0.pace.records = 10
      $0.pace.concurrency = 3
    }
    lab.records.append(7)
    let forwarder = lab.forwarder()
    try forwarder.start([destination])
    await lab.server.until { $0.count == 3 }
    // It is killed here.
    let contents = lab.storage.contents
    await forwarder.stop(patience: .zero)
    let first = lab.server.requests.map(\.text)
    #expect(first.count == 3)
    lab.server.script { _, _ in .ok }
    lab.records.append(5)
    lab.storage = MemoryStorage(contents)
    try await lab.run([destination]) { $0.position.low == 12 }
    let second = lab.server.requests.dropFirst(3).map(\.text)
    #expect(first.allSatisfy { second.contains($0) }, "\(first), then \(second)")
    #expect(lab.server.requests.dropFirst(3).flatMap(\.ids).sorted() == Array(1...12))
    #expect(try lab.state().borders.isEmpty)
    await lab.stop()
  }
}

@Suite struct RefusedRecordsTests {
  private func refused(_ ids: [Int64]) -> RefusedRecords {
    var records = RefusedRecords()
    for id in ids { records.add(id, id, records: 1, now: 1, message: "") }
    return records
  }

  @Test func keepsTheIdsOfTenThousandApart() {
    let records = refused((1...10_000).map { $0 * 2 })
    #expect(records.ranges.count == 10_000)
    #expect(records.ranges.first == [2, 2])
    // The oldest is in the count only.
    let more = refused((1...10_001).map { $0 * 2 })
    #expect(more.count == 10_001)
    #expect(more.ranges.count == 10_000)
    #expect(more.ranges.first == [4, 4])
  }

  @Test(
    arguments: [
      ([1, 2, 3], [[1, 3]]), ([1, 3, 5, 2, 4], [[1, 5]]), ([9, 1, 5], [[1, 1], [5, 5], [9, 9]]),
      ([5, 4, 3], [[3, 5]]),
      ([7, 7, 8], [[7, 8]]),
    ] as [([Int64], [[Int64]])])
  func putsNeighboursTogetherInWhateverOrderTheyCome(_ ids: [Int64], _ ranges: [[Int64]]) {
    #expect(refused(ids).ranges == ranges)
  }

  @Test func aRunThatCoversOthersTakesThemIn() {
    var records = refused([2, 4, 6, 20])
    records.add(1, 8, records: 3, now: 2, message: "")
    #expect(records.ranges == [[1, 8], [20, 20]])
  }
}
