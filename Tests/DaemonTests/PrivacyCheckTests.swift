import Daemon
import Store
import Telemetry
import Testing
import Wire

/// The dry run over stored rows.
@Suite struct PrivacyCheckTests {
  private func batch(_ attributes: String) throws -> Batch {
    let body = """
      {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"relay"}}]},\
      "scopeLogs":[{"logRecords":[{"timeUnixNano":"1767600000000000000","attributes":[\(attributes)]}]}]}]}
      """
    return try Array(body.utf8).withUnsafeBytes {
      try OTLPDecoder.decodeJSON(.logs, $0, options: RoundTripStore.decoding)
    }
  }

  private func check(_ store: RoundTripStore, last: Int = 100) throws -> PrivacyCheck.Answer {
    let directory = store.store.directory
    var check = PrivacyCheck(GarnerConfig(), last: last) { () throws(SQLiteError) in try FileList.read(directory) }
    return try check.run()
  }

  @Test func namesRuleAndPlaceOfOldRows() async throws {
    let store = try RoundTripStore()
    try await store.append(batch(#"{"key":"peer","value":{"stringValue":"203.0.113.7 and 203.0.113.8"}}"#))
    try await store.append(batch(#"{"key":"user.email","value":{"stringValue":"x"}}"#))
    let answer = try check(store)
    #expect(answer.records == 2)
    #expect(
      answer.findings.map { "\($0.rule) \($0.place) \($0.count)" } == ["drop data.user.email 1", "ip data.peer 2"])
    #expect(try check(store, last: 1).findings.map(\.rule) == ["drop"])
  }

  @Test func findsNothingInPseudonyms() async throws {
    let store = try RoundTripStore()
    try await store.append(batch(#"{"key":"player.id","value":{"stringValue":"p_2d7e9dae0ea469bf556e"}}"#))
    let answer = try check(store)
    #expect(answer.records == 1 && answer.findings.isEmpty)
  }
}
