import Testing

@testable import Forward

@Suite(.timeLimit(.minutes(5))) struct VitalsTests {
  /// What is asked for at any time says the same as what is computed.
  @Test func tellsItsStateWhenTrafficHasEnded() async throws {
    let lab = try await ForwardLab()
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines()])
    let last = lab.records.append(50)
    await lab.storage.until("d/live") { $0.position.low == last }
    #expect(forwarder.vitals().map(\.vitals.state) == ["idle"])
    try await forwarder.setPaused("d", true)
    #expect(forwarder.vitals().map(\.vitals.state) == ["paused"])
    try await forwarder.setPaused("d", false)
    #expect(forwarder.vitals().map(\.vitals.state) == ["idle"])
    lab.server.script { _, _ in .hang }
    let next = lab.records.append(1)
    await lab.server.until { $0.contains { $0.ids == [next] } }
    #expect(forwarder.vitals().map(\.vitals.state) == ["sending"])
    try await forwarder.setPaused("d", true)
    lab.server.script { _, _ in .ok }
    lab.server.release()
    await lab.storage.until("d/live") { $0.position.low == next }
    #expect(forwarder.vitals().map(\.vitals.state) == ["paused"])
    await forwarder.stop()
    let second = lab.forwarder()
    try second.start([lab.lines()])
    #expect(second.vitals().map(\.vitals.state) == ["paused"])
    await second.stop()
    await lab.stop()
  }
}
