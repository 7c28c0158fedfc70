import TestSupport
import Testing
import Wire

@Suite struct EventCSVTests {
  private static func fields(_ text: String) throws(CSVText.Fault) -> [CSVText.Field] {
    let bytes = Array(text.utf8)
    return try bytes.withUnsafeBufferPointer { bytes throws(CSVText.Fault) in
      try CSVText.fields(UnsafeRawBufferPointer(bytes))
    }
  }

  private static func row(_ header: String, _ record: String) throws -> EventRow {
    try EventCSV(header: fields(header)).row(fields(record))
  }

  @Test(
    arguments: [
      ("a,b", ["a", "b"]), ("a,b\r\n", ["a", "b"]), ("a,b\n", ["a", "b"]), ("", [""]), (",", ["", ""]),
      ("\"a,b\",c", ["a,b", "c"]), ("\"say \"\"hi\"\"\",", ["say \"hi\"", ""]), ("\"two\r\nlines\"", ["two\r\nlines"]),
      ("\"\"", [""]), ("\"\"\"\"", ["\""]), ("é,\u{1F600}", ["é", "\u{1F600}"]),
    ] as [(String, [String])])
  func cutsARecordIntoFields(record: String, fields: [String]) throws {
    #expect(try Self.fields(record).map(\.text) == fields)
  }

  @Test(arguments: ["a\"b", "\"a\"b", "\"a", "a,\"b\n", "\"a\"\""])
  func refusesQuotesWhereNoneBelong(record: String) {
    #expect(throws: CSVText.Fault.self) { try Self.fields(record) }
  }

  @Test(
    arguments: [
      ("a,b\nc", 4), ("\"a\nb\"\nc", 6), ("\"a\"\"\n\"\nc", 7), ("a\"\nb\"\n", 3), ("a,\"\n\"", nil), ("a", nil),
      ("", nil),
    ] as [(String, Int?)])
  func findsTheEndOfARecord(text: String, end: Int?) {
    #expect(Array(text.utf8).withUnsafeBytes { CSVText.end($0, from: 0) } == end)
  }

  @Test func anEmptyFieldIsNullAndAQuotedOneIsNot() throws {
    let row = try Self.row("event,timestamp,session_id,game_module", "e,2026-02-03T04:05:06Z,\"\",")
    #expect(row.sessionID == "" && row.gameModule == nil)
  }

  @Test func readsTheColumnsInAnyOrder() throws {
    let row = try Self.row(
      "\u{FEFF}tick,event,data,timestamp,duration_us,severity,correlation,id",
      "7,relay.x,\"{\"\"a\"\":1}\",1970-01-01T00:00:00.000001Z,12,warn,c-1,99\r\n")
    var expected = EventRow()
    expected.time = 1_000
    expected.event = "relay.x"
    expected.data = Array("{\"a\":1}".utf8)
    expected.tick = 7
    expected.durationMicroseconds = 12
    expected.severity = "warn"
    expected.correlation = "c-1"
    #expect(row == expected)
  }

  @Test(arguments: ["event", "timestamp", "event,timestamp,event", "event,timestamp,colour", ""])
  func refusesAHeaderThatIsNotOurs(header: String) throws {
    let fields = try Self.fields(header)
    #expect(throws: DecodeError.self) { try EventCSV(header: fields) }
  }

  @Test(arguments: [
    "e", "e,2026-02-03,1,x", ",2026-02-03,1", "e,,1", "e,soon,1", "e,2026-02-03,one", "e,2026-02-03,1.5",
  ])
  func refusesARecordThatIsNoRow(record: String) {
    #expect(throws: DecodeError.self) { try Self.row("event,timestamp,tick", record) }
  }

  @Test func answersEveryMutation() throws {
    var random = SampleRandom(seed: 41)
    let text = Array(
      ("event,timestamp,data,tick\r\ne,2026-02-03T04:05:06Z,\"{\"\"a\"\":\"\"b\nc\"\"}\",1\r\n"
        + "f,2026-02-03,,\n").utf8)
    var rows = 0
    var faults = 0
    for _ in 0..<4_000 {
      var bytes = text
      for _ in 0...random.upTo(3) where !bytes.isEmpty {
        let at = random.upTo(bytes.count - 1)
        switch random.upTo(3) {
        case 0: bytes[at] = UInt8(random.upTo(255))
        case 1: bytes.remove(at: at)
        case 2: bytes.insert(random.pick(Array("\",\n\r".utf8)), at: at)
        default: bytes.removeLast(bytes.count - at)
        }
      }
      let outcome = Self.read(bytes)
      rows += outcome.rows
      faults += outcome.faults
    }
    #expect(rows > 100 && faults > 100)
  }

  /// All records of a text, as an import reads it.
  private static func read(_ bytes: [UInt8]) -> (rows: Int, faults: Int) {
    bytes.withUnsafeBytes { bytes in
      var outcome = (rows: 0, faults: 0)
      var table: EventCSV?
      var start = 0
      while start < bytes.count {
        let end = CSVText.end(bytes, from: start) ?? bytes.count
        do {
          let fields = try CSVText.fields(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
          if let table {
            _ = try table.row(fields)
            outcome.rows += 1
          } else {
            table = try EventCSV(header: fields)
          }
        } catch {
          outcome.faults += 1
          if table == nil { break }
        }
        start = end
      }
      return outcome
    }
  }
}
