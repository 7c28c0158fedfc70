import Door
import Telemetry
import TestSupport
import Testing
import Wire

@testable import Intake

@Suite struct AudienceStampTests {
  private static func batch(_ attributes: String) throws -> Batch {
    let body = #"""
      {"resourceLogs":[{"resource":{"attributes":[\#(attributes)]},"scopeLogs":[{"logRecords":[
      {"timeUnixNano":"1","eventName":"a.b"}]}]}]}
      """#
    return try Array(body.utf8).withUnsafeBytes { bytes throws in
      try OTLPDecoder.decodeJSON(.logs, bytes, options: DecodeOptions(now: 1))
    }
  }

  @Test(arguments: [
    ("", #"{"garner.audience":"player"}"#),
    (#"{"key":"a","value":{"intValue":"1"}}"#, #"{"garner.audience":"player","a":1}"#),
    (#"{"key":"garner.audience","value":{"stringValue":"ci"}}"#, #"{"garner.audience":"ci"}"#),
  ])
  func everyResourceSaysOfWhichAudienceItsSenderIs(_ sent: String, _ kept: String) throws {
    let batch = try Self.batch(sent).stamped(.player)
    #expect(batch.text(batch.resources[0].attributes) == kept)
    #expect(batch.text(batch.names[0].event) == "a.b" && batch.recordCount == 1)
  }

  @Test func aSourceThatACredentialOwnsIsNotTakenFromAStranger() throws {
    let body = #"""
      {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"relay-1"}}]},
      "scopeLogs":[{"logRecords":[{"timeUnixNano":"1","eventName":"a.b"}]}]}]}
      """#
    for (isOwned, source) in [(true, "local"), (false, "relay-1")] {
      var options = DecodeOptions(now: 1)
      options.isReserved = { isOwned && $0 == "relay-1" }
      let batch = try Array(body.utf8).withUnsafeBytes { bytes throws in
        try OTLPDecoder.decodeJSON(.logs, bytes, options: options)
      }
      #expect(batch.text(batch.contexts[0].source) == source)
    }
  }
}
