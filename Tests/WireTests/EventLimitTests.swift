import Telemetry
import TestSupport
import Testing
import Wire

/// The limits of a record hold for events of every form.
@Suite struct EventLimitTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    /// Of the object `d`.
    var members: String
    var reason: Rejection.Reason?
    var testDescription: String { name }
  }

  private static func long(_ count: Int) -> String { String(repeating: "x", count: count) }

  private static func many(_ count: Int) -> String { (0..<count).map { #""k\#($0)":1"# }.joined(separator: ",") }

  static let cases = [
    Case(name: "1,024 attributes", members: many(1_024), reason: nil),
    Case(name: "1,025 attributes", members: many(1_025), reason: .tooManyAttributes),
    Case(name: "many in a map", members: #""m":{\#(many(2_000))}"#, reason: nil),
    Case(name: "a key of 1,024 bytes", members: #""\#(long(1_024))":1"#, reason: nil),
    Case(name: "a key of 1,025 bytes", members: #""\#(long(1_025))":1"#, reason: .keyTooLong),
    Case(name: "a long key in a map", members: #""m":{"\#(long(1_025))":1}"#, reason: .keyTooLong),
    Case(name: "a key of 1,024 bytes that is written longer", members: #""\#(long(1_023))\n":1"#, reason: nil),
    Case(name: "a value of 1 MiB", members: #""v":"\#(long(1 << 20))""#, reason: nil),
    Case(name: "a value over 1 MiB", members: #""v":"\#(long((1 << 20) + 1))""#, reason: .valueTooLong),
    Case(
      name: "a value of 1 MiB that is written longer", members: #""v":"\#(long((1 << 20) - 1))\n""#, reason: nil),
    Case(
      name: "an array over 1 MiB", members: #""v":["\#(long(600_000))","\#(long(600_000))"]"#, reason: .valueTooLong),
    Case(name: "a body over 1 MiB", members: #""body":"\#(long((1 << 20) + 1))""#, reason: .valueTooLong),
  ]

  @Test(arguments: cases) func refusesALineAlone(_ example: Case) {
    let batch = Self.lines(["{\"e\":\"a\"}", "{\"e\":\"b\",\"d\":{\(example.members)}}", "{\"e\":\"c\"}"])
    #expect(batch.rejections.map(\.reason) == (example.reason.map { [$0] } ?? []))
    #expect(batch.recordCount == (example.reason == nil ? 3 : 2))
    #expect(batch.rejections.first?.path == (example.reason == nil ? nil : "line 2"))
    #expect(DatagramRows.lines(batch, withUID: false).count == batch.recordCount)
  }

  @Test(arguments: cases) func refusesARowAlone(_ example: Case) {
    var decoder = EventDecoder(options: DecodeOptions(now: 1), isEscaped: false)
    var reasons: [Rejection.Reason?] = []
    for data in ["{}", "{\(example.members)}", "{}"] {
      var row = EventRow()
      row.event = "e"
      row.data = Array(data.utf8)
      reasons.append(decoder.append(row, path: "line \(reasons.count + 1)"))
    }
    let batch = decoder.finish()
    #expect(reasons == [nil, example.reason, nil])
    #expect(batch.rejections.map(\.reason) == (example.reason.map { [$0] } ?? []))
    #expect(batch.rejections.first?.index == (example.reason == nil ? nil : 1))
    #expect(batch.recordCount == (example.reason == nil ? 3 : 2))
  }

  @Test(arguments: ["session_id", "component", "c", "uid", "category", "s"])
  func refusesALongColumn(key: String) {
    let batch = Self.lines(["{\"e\":\"a\",\"\(key)\":\"\(Self.long((1 << 20) + 1))\"}", "{\"e\":\"b\"}"])
    #expect(batch.rejections.map(\.reason) == [.valueTooLong] && batch.recordCount == 1)
  }

  @Test func aRowWithALongColumnIsRefused() {
    var decoder = EventDecoder(options: DecodeOptions(now: 1), isEscaped: false)
    var row = EventRow()
    row.event = Self.long((1 << 20) + 1)
    #expect(decoder.append(row) == .valueTooLong)
    #expect(decoder.finish().rejectedCount == 1)
  }

  @Test func rowsOfAStoreStayAsTheyAre() {
    var decoder = EventDecoder(options: DecodeOptions(now: 1), isEscaped: true)
    for example in Self.cases {
      var row = EventRow()
      row.event = "e"
      row.data = Array("{\(example.members)}".utf8)
      #expect(decoder.append(row) == nil)
    }
    #expect(decoder.finish().recordCount == Self.cases.count)
  }

  @Test func anEventOfAPacketIsRefusedAlone() throws {
    let text = Array(#"{"v":1,"ev":[{"e":"a"},{"e":"b","d":{"\#(Self.long(1_025))":1}},{"e":"c"}]}"#.utf8)
    let batch = try #require(DatagramBatch.rows(text: text))
    #expect(batch.rejections.map(\.reason) == [.keyTooLong] && batch.recordCount == 2)
    #expect(batch.rejections.first?.path == "event 1")
  }

  @Test func aLongKeyInAJSONValueOfFormBIsRefused() throws {
    var header = DatagramHeader()
    header.boot = DatagramSample.boot
    var encoder = DatagramEncoder(header)
    for json in [#"{"k":1}"#, #"{"\#(Self.long(1_025))":1}"#] {
      let fits = encoder.add(DatagramEvent("e", at: 0, [("m", .json(json))]))
      #expect(fits)
    }
    let batch = try #require(DatagramBatch.rows(encoder.encoded + [UInt8](repeating: 0, count: 16)))
    #expect(batch.rejections.map(\.reason) == [.keyTooLong] && batch.recordCount == 1)
  }

  // MARK: escapes of a store

  @Test(arguments: [
    (#"{"$double":"bob@example.org"}"#, #"{"$$double":"bob@example.org"}"#),
    (#"{"$bytes":"from 203.0.113.7"}"#, #"{"$$bytes":"from 203.0.113.7"}"#),
    (#"{"$bytes":"aGk=","b":"bob@example.org"}"#, #"{"$$bytes":"aGk=","b":"bob@example.org"}"#),
    (#"{"$double":["x"]}"#, #"{"$$double":["x"]}"#), (#"{"$bytes":"aGk"}"#, #"{"$$bytes":"aGk"}"#),
    (#"{"$bytes":"aGk="}"#, #"{"$bytes":"aGk="}"#), (#"{"$bytes":""}"#, #"{"$bytes":""}"#),
    (#"{"$double":"-Infinity"}"#, #"{"$double":"-Infinity"}"#), (#"{"$$double":"x"}"#, #"{"$$double":"x"}"#),
  ])
  func onlyWhatAStoreWritesIsAnEscape(value: String, expected: String) {
    var decoder = EventDecoder(options: DecodeOptions(now: 1), isEscaped: true)
    var row = EventRow()
    row.event = "e"
    row.data = Array("{\"v\":\(value)}".utf8)
    decoder.append(row)
    let batch = decoder.finish()
    #expect(batch.text(batch.rows[0].data) == "{\"v\":\(expected)}")
  }

  // MARK: envelopes in files

  @Test func anEnvelopeOfOneEventNeedsNoNumber() {
    var batch = DatagramBatch(options: DecodeOptions(now: 1))
    #expect(Self.append(#"{"v":1,"ctx":{"game_id":"g"},"ev":[{"e":"alone"}]}"#, 1, to: &batch).isEmpty)
    let rows = batch.finish()
    #expect(rows.recordCount == 1 && rows.text(rows.contexts[Int(rows.rows[0].context)].gameID) == "g")
  }

  @Test func anEnvelopeKeepsItsGoodEvents() throws {
    let line =
      #"{"v":1,"boot":"9f3c2a0000000001","seq":1,"n":40,"t":5,"ctx":{"game_id":"g"},"#
      + #""ev":[{"e":"a"},{"e":""},7,{"e":"d"}]}"#
    var batch = DatagramBatch(options: DecodeOptions(now: 1))
    let refused = Self.append(line, 3, to: &batch)
    #expect(refused.map(\.reason) == [.badName, .badJSON] && refused.map(\.event) == [1, 2])
    let head = #"{"v":1,"boot":"9f3c2a0000000001","seq":1,"n":"#
    #expect(
      refused.map { String(decoding: $0.line ?? [], as: UTF8.self) } == [
        head + #"41,"t":5,"ctx":{"game_id":"g"},"ev":[{"e":""}]}"#, head + #"42,"t":5,"ctx":{"game_id":"g"},"ev":[7]}"#,
      ])
    // Mended, it gets the number that it had.
    let mended = String(decoding: refused[0].line ?? [], as: UTF8.self).replacing("\"\"", with: "\"b\"")
    #expect(Self.append(mended, 4, to: &batch).isEmpty)
    let rows = batch.finish()
    #expect(rows.rows.map { rows.text($0.uid) } == [40, 43, 41].map { "9f3c2a0000000001:\($0)" })
  }

  private static func append(_ line: String, _ number: Int, to batch: inout DatagramBatch) -> [EventLineRefusal] {
    let defaults = EventLineDefaults(
      source: Array("s".utf8), component: Array("c".utf8), session: Array("anon".utf8))
    let bytes = Array(line.utf8)
    return bytes.withUnsafeBytes { batch.append(line: $0, defaults, arrival: 1, path: "line \(number)") }
  }

  private static func lines(_ lines: [String]) -> Batch {
    var batch = DatagramBatch(options: DecodeOptions(now: 1), expectedBytes: 1 << 16)
    for (index, line) in lines.enumerated() { _ = append(line, index + 1, to: &batch) }
    return batch.finish()
  }
}
