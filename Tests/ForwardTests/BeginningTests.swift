import Synchronization
import Telemetry
import Testing
import Wire

@testable import Forward

/// Where destinations begin, and that nothing acknowledged lies before that.
@Suite(.timeLimit(.minutes(5))) struct BeginningTests {
  @Test func aNewDestinationHasItsPlaceBeforeItBegins() async throws {
    let lab = try await ForwardLab()
    lab.records.append(10)
    let destination = lab.lines { $0.start = .now }
    try lab.forwarder().prepare([destination])
    // The process ends here: what was taken after the doors opened is still to be sent.
    let last = lab.records.append(30)
    try await lab.run([destination]) { $0.position.low == last }
    #expect(lab.server.ids.sorted() == Array(11...40))
    await lab.stop()
  }

  @Test func aDestinationOfAReloadHasItsPlaceAtOnceThoughAnotherOneHangs() async throws {
    let lab = try await ForwardLab { request, _ in request.path == "/old" ? .hang : .ok }
    lab.records.append(10)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines("old")])
    await lab.server.until { $0.count == 1 }
    let reload = Task { try await forwarder.replace(with: [lab.lines("new")], changed: ["new"]) }
    await lab.storage.until("new/live") { $0.position.low == 10 }
    try await reload.value
    #expect(forwarder.destinationNames == ["new"])
    await forwarder.stop()
    await lab.stop()
  }

  @Test func withoutItsPositionsEveryDestinationWaitsForAPerson() async throws {
    let lab = try await ForwardLab()
    lab.records.append(10)
    lab.storage.memory = .lost
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines()])
    #expect(await forwarder.status().map(\.state) == ["paused"])
    #expect(lab.server.ids.isEmpty)
    try await forwarder.setPaused("d", false)
    await lab.storage.until("d/live") { $0.position.low == 10 }
    await forwarder.stop()
    await lab.stop()
  }

  @Test func behindPositionsOfACopyEverythingMayHaveBeenSent() async throws {
    let lab = try await ForwardLab()
    lab.records.append(10)
    try await lab.run([lab.lines()]) { $0.position.low == 10 }
    lab.records.append(20)
    lab.storage.memory = .aged
    let forwarder = lab.forwarder()
    try forwarder.prepare([lab.lines()])
    #expect(forwarder.held.withLock { $0.states["d/live"]?.position.sentHigh } == 30)
    await forwarder.stop()
    await lab.stop()
  }

  @Test func noBatchIsMoreThanMayBeSentInASecond() async throws {
    let lab = try await ForwardLab()
    let last = lab.records.append(8)
    try await lab.run([lab.lines { $0.pace.rateLimit = 5 }]) { $0.position.low == last }
    #expect(lab.server.requests.map(\.ids.count).max() == 5)
    #expect(lab.server.ids.sorted() == lab.records.allIDs)
    await lab.stop()
  }

  /// A span may go where its events may not.
  @Test(arguments: [false, true])
  func restrictedEventsOfASpanStayUnlessTheyAreWanted(isWanted: Bool) async throws {
    let lab = try await ForwardLab()
    let last = lab.records.append([
      TestRow(kind: .span, event: "relay.join", span: 1),
      TestRow(kind: .spanEvent, event: "relay.note", span: 1),
      TestRow(kind: .spanEvent, event: "relay.suspicion", span: 1),
      TestRow(kind: .span, event: "relay.join", span: 2),
    ])
    try await lab.run([lab.lines { $0.filter.restricted = isWanted }]) { $0.position.low == last }
    let lines = lab.server.requests.flatMap { String(decoding: $0.body, as: UTF8.self).split(separator: "\n") }
    #expect(lines.map(String.init).sorted() == (isWanted ? ["1 +2 +3", "4"] : ["1 +2", "4"]))
    await lab.stop()
  }
}
