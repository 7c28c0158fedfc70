import Glibc
import Intake
import Telemetry
import TestSupport
import Testing

/// Records of players who were erased do not come back.
@Suite struct TombstoneTests {
  /// Of the id 76561198000000001 under the key of the samples.
  private static let player = "p_2d7e9dae0ea469bf556e"
  private static let id = "76561198000000001"

  private static func protector(at time: Int64 = 100) -> Protector {
    var tombstones = Tombstones()
    tombstones.add(player, at: time)
    return Protector(PrivacyPolicy(), keys: PseudonymKeys(key: PrivacySample.key), tombstones: tombstones)
  }

  private static func logs(_ records: [(time: Int, attributes: String)], resource: String = "") throws -> Batch {
    let records = records.map { #"{"timeUnixNano":"\#($0.time)","attributes":[\#($0.attributes)]}"# }
    return try PrivacySample.decode(
      .logs,
      Array(
        (#"{"resourceLogs":[{"resource":{"attributes":[\#(attribute("service.name", PrivacySample.string("relay")))"#
          + #"\#(resource)]},"#
          + #""scopeLogs":[{"logRecords":[\#(records.joined(separator: ","))]}]}]}"#).utf8))
  }

  private static func attribute(_ key: String, _ value: String) -> String {
    #"{"key":"\#(key)","value":\#(value)}"#
  }

  private static func texts(_ batch: Batch) -> [String] { batch.rows.map { batch.text($0.data) } }

  @Test func leavesOutOlderRecordsOfThePlayer() throws {
    let own = Self.attribute("player.id", PrivacySample.string(Self.id))
    let other = Self.attribute("player.id", PrivacySample.string("somebody else"))
    let protector = Self.protector()
    let batch = protector.protect(try Self.logs([(50, own), (50, other), (99, own), (100, own), (150, own)]))
    #expect(batch.recordCount == 3 && batch.rows.map(\.time) == [50, 100, 150])
    #expect(batch.filtered == Batch.Filtered(records: [0, 2], counts: ["relay": 2]))
    #expect(batch.filtered.rest(of: ["a", "b", "c", "d", "e"]) == ["b", "d", "e"])
    #expect(protector.vitals.applied(.erased) == 2)
  }

  @Test(arguments: [
    (
      "a list of players",
      attribute(
        "diverged_players", #"{"arrayValue":{"values":[{"stringValue":"\#(id)"},{"stringValue":"b"}]}}"#)
    ),
    (
      "a map",
      attribute("m", #"{"kvlistValue":{"values":[\#(attribute("player.id", #"{"stringValue":"\#(id)"}"#))]}}"#)
    ),
    ("a text", attribute("note", #"{"stringValue":"he is [U:1:39734273], he said"}"#)),
  ])
  func erasesTheValueElsewhere(name: String, attribute: String) throws {
    let protector = Self.protector()
    let before = PrivacySample.protector.protect(try Self.logs([(50, attribute)]))
    #expect(Self.texts(before)[0].contains(Self.player), "\(name): \(Self.texts(before))")
    let batch = protector.protect(try Self.logs([(50, attribute), (150, attribute)]))
    #expect(batch.recordCount == 2 && batch.filtered.isEmpty)
    #expect(Self.texts(batch)[0].contains("[erased]") && !Self.texts(batch)[0].contains(Self.player))
    #expect(Self.texts(batch)[1] == Self.texts(before)[0])
    #expect(protector.vitals.applied(.erased) == 1)
  }

  @Test func whatRecordsShareIsAsOldAsTheOldestOfThem() throws {
    let own = "," + Self.attribute("user.id", PrivacySample.string(Self.id))
    let old = Self.protector().protect(try Self.logs([(50, ""), (150, "")], resource: own))
    #expect(old.text(old.resources[0].attributes) == #"{"service.name":"relay","user.id":"[erased]"}"#)
    let new = Self.protector().protect(try Self.logs([(150, "")], resource: own))
    #expect(new.text(new.resources[0].attributes) == #"{"service.name":"relay","user.id":"\#(Self.player)"}"#)
  }

  @Test func aSpanGoesWithItsEventsAndAPointBySeries() throws {
    let ids =
      #""traceId":"0102030405060708090a0b0c0d0e0f10","startTimeUnixNano":"50","name":"s","events":[{"name":"e"}]"#
    let own = Self.attribute("player.id", PrivacySample.string(Self.id))
    let spans = try PrivacySample.decode(
      .traces,
      Array(
        (#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":"0102030405060701",\#(ids),"attributes":[\#(own)]},"#
          + #"{"spanId":"0102030405060702",\#(ids)}]}]}]}"#).utf8))
    let rest = Self.protector().protect(spans)
    #expect(rest.rows.map(\.kind) == [.span, .spanEvent] && rest.recordCount == 1)
    let points = try PrivacySample.decode(
      .metrics,
      Array(
        (#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":["#
          + #"{"timeUnixNano":"50","asInt":"1","attributes":[\#(own)]},"#
          + #"{"timeUnixNano":"50","asInt":"2"}]}}]}]}]}"#).utf8))
    #expect(Self.protector().protect(points).rows.map(\.value) == [2])
  }

  @Test func aBatchOfNobodyErasedStaysTheSame() throws {
    let batch = try Self.logs([(50, Self.attribute("map", PrivacySample.string("p_00000000000000000000")))])
    #expect(Self.protector().protect(batch) === batch)
  }

  @Test func rulesAndTombstonesAreExchangedWhileBatchesPass() throws {
    let own = Self.attribute("player.id", PrivacySample.string(Self.id))
    let protector = Self.protector()
    protector.replace(.none, keys: PseudonymKeys(key: PrivacySample.key), tombstones: Tombstones())
    let batch = try Self.logs([(50, own)])
    #expect(protector.protect(batch) === batch)
  }

  // MARK: the file

  private static func read(_ text: String, mode: mode_t = 0o600) throws -> Tombstones {
    var template = Array("/tmp/garner-tombstones-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    try #require(file >= 0)
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(path) }
    let bytes = Array(text.utf8)
    #expect(write(file, bytes, bytes.count) == bytes.count)
    fchmod(file, mode)
    close(file)
    return try Tombstones.read(path)
  }

  @Test func readsItsFile() throws {
    let line = #"{"pseudonym":"\#(Self.player)","at":"1970-01-01T00:00:00.000001Z"}"#
    let later = #"{"pseudonym":"\#(Self.player)","at":"1970-01-01T00:00:00.000002Z"}"#
    var expected = Tombstones()
    expected.add(Self.player, at: 2_000)
    #expect(try Self.read("\(line)\n\n\(later)\n\(line)\n") == expected)
    #expect(try Tombstones.read("/nowhere/tombstones.jsonl").isEmpty)
  }

  @Test(arguments: [
    "{}", #"{"pseudonym":"x","at":"2026-01-01T00:00:00Z"}"#, #"{"pseudonym":"\#(player)","at":"soon"}"#, "x",
  ])
  func namesTheLineThatIsWrong(line: String) {
    #expect { try Self.read("\n" + line) } throws: { "\($0)".contains("line 2") }
  }

  @Test func refusesAFileThatOthersMayRead() {
    #expect(throws: Tombstones.Fault.self) { try Self.read("", mode: 0o644) }
  }
}
