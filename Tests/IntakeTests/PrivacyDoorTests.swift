import Intake
import Synchronization
import Telemetry
import TestSupport
import Testing

/// The rules at the door: what reaches sink, reject log and answer.
@Suite struct PrivacyDoorTests {
  static let body = """
    {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"relay"}},\
    {"key":"host.id","value":{"stringValue":"canary"}}]},"scopeSpans":[{"spans":[\
    {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"join canary@example.org",\
    "startTimeUnixNano":"1","attributes":[{"key":"player.name","value":{"stringValue":"canary"}},\
    {"key":"garner.audience","value":{"stringValue":"canary"}}]},\
    {"traceId":"","spanId":"eee19b7ec3c1b174","name":"canary@example.org",\
    "attributes":[{"key":"user.email","value":{"stringValue":"canary"}}]}]}]}]}
    """

  private static func options(_ protector: Protector?) -> OTLPDoorOptions {
    var options = OTLPDoorOptions()
    options.protector = protector
    return options
  }

  @Test func letsNothingPrivateGetToTheSinkOrTheRejectLog() async throws {
    try await withDoor(Self.options(PrivacySample.protector)) { door in
      let answer = try await door.post("/v1/traces", ["Content-Type": "application/json"], Array(Self.body.utf8))
      #expect(answer.status == 200)
      #expect(!String(decoding: answer.body, as: UTF8.self).contains("canary"))
      let batch = try #require(door.sink.batches.first)
      #expect(batch.recordCount == 1)
      for (place, text) in PrivacyBatchTests.texts(batch) { #expect(!text.contains("canary"), "\(place): \(text)") }
      let rejected = try #require(door.rejects.records.first)
      #expect(
        rejected.record
          == #"{"name":"[email]","span_id":"eee19b7ec3c1b174","time":0,"duration":0,"bits":0,"severity":2,"#
          + #""resource":{"attributes":{"service.name":"relay"}},"scope":{"name":"","version":""},"attributes":{}}"#)
    }
  }

  @Test func knowsARetryByWhatWasSent() async throws {
    let bare = Self.options(nil)
    let guarded = Self.options(PrivacySample.protector)
    let keys = KeyBox()
    for options in [bare, guarded] {
      try await withDoor(options) { door in
        _ = try await door.post("/v1/traces", ["Content-Type": "application/json"], Array(Self.body.utf8))
        keys.add(door.sink.keys)
      }
    }
    #expect(keys.all.count == 2 && keys.all[0] == keys.all[1])
  }
}

private final class KeyBox: Sendable {
  private let keys = Mutex<[ReceiptKey?]>([])
  var all: [ReceiptKey?] { keys.withLock { $0 } }
  func add(_ more: [ReceiptKey?]) { keys.withLock { $0 += more } }
}
