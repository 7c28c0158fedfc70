import Telemetry
import Testing

@testable import Store

@Suite struct QueryTimestampTests {
  private func text(_ microsecond: Int64) -> String {
    var text = TimestampText()
    text.set(microsecond)
    return text.withBytes { String(decoding: $0, as: UTF8.self) }
  }

  @Test func writesWhatTheStoreWrites() {
    var random = SteadyRandom(seed: 3)
    var reused = TimestampText()
    for microsecond in [0, 1, 999_999, TimestampText.last] + (0..<2000).map({ _ in Int64(random.next() >> 1) / 1000 }) {
      reused.set(microsecond)
      let written = reused.withBytes { String(decoding: $0, as: UTF8.self) }
      #expect(written == Timestamp.text(microsecond * 1000))
    }
  }

  @Test(arguments: [
    "", "2", "2027", "2027-03-06", "2027-03-06 19:00:00", "2027-03-06T19", "2027-03-06T19:00:00.000000Z", "zzz",
    "\u{0}",
    "1970-01-01T00:00:00.000000Z", "1970-01-01T00:00:00.000000", "1970-01-01T00:00:00.000000Z0", "1969",
    "2262-04-11T23:47:16.854775Z", "2262-04-11T23:47:16.854776Z", "2027-02-30", "2027-03-06T19:00:00.123456789Z",
    "2027-03-06T19:00:00+01:00", "now", "2027-13-45T99:99:99",
  ])
  func findsThePlaceOfAnyText(_ probe: String) {
    let bytes = Array(probe.utf8)
    let place = TimestampText.place(of: bytes)
    // Swift compares these ASCII texts as SQLite compares bytes.
    if place.microsecond <= TimestampText.last {
      #expect(text(place.microsecond) >= probe)
      #expect((text(place.microsecond) == probe) == place.isExact)
    }
    if place.microsecond > 0 { #expect(text(place.microsecond - 1) < probe) }
  }

  @Test func rangesHoldExactlyTheTimesThatCompareSo() {
    let operations: [(QueryOperation, (String, String) -> Bool)] = [
      (.equal, { $0 == $1 }), (.greater, { $0 > $1 }), (.greaterOrEqual, { $0 >= $1 }), (.less, { $0 < $1 }),
      (.lessOrEqual, { $0 <= $1 }),
    ]
    let base: Int64 = 1_804_359_600_123_456
    for probe in [
      text(base), "2027-03-06T19:00:00.12345", "2027-03-06T19:00:00.1234567Z", "2027-03-06T19:00:00.123456",
    ] {
      for (operation, compare) in operations {
        var range = TimeRange()
        range.narrow(operation, Array(probe.utf8))
        for microsecond in base - 20...base + 20 {
          for nanosecond in [microsecond * 1000, microsecond * 1000 + 999] {
            let isIn = range.lower <= nanosecond && nanosecond <= range.upper
            #expect(isIn == compare(text(microsecond), probe), "\(operation) \(probe) \(text(microsecond))")
          }
        }
      }
    }
  }

  @Test(
    arguments: [
      ("1 hour", 3600), ("90 minutes", 5400), ("2h", 7200), ("7d", 604_800), ("1d 12h", 129_600), ("1h30m", 5400),
      ("3 w", 1_814_400),
      (" 5 s ", 5), ("10 MIN", 600),
    ] as [(String, Int64)])
  func readsTimeSpans(_ text: String, _ seconds: Int64) {
    #expect(QueryFunctions.nanoseconds(Array(text.utf8)) == seconds * 1_000_000_000)
  }

  @Test(arguments: ["", "hour", "1", "1 fortnight", "-1 hour", "1.5h", "99999999999999999999 s", "2h,"])
  func refusesOtherTimeSpans(_ text: String) throws {
    #expect(QueryFunctions.nanoseconds(Array(text.utf8)) == nil)
    let session = try QuerySession(files: [])
    #expect(throws: QueryError.self) { try session.run("SELECT ago('\(text)')") { _ in true } }
  }

  @Test func agoIsOneMomentWrittenLikeATimestamp() throws {
    let session = try QuerySession(files: [])
    let before = Timestamp.text(FileSystem.now() - 3_600_000_000_000)
    let rows = try QueryFixture.rows(session, "SELECT ago('1 hour'), ago('60 min'), ago(NULL), ago('100000 weeks')")
    let after = Timestamp.text(FileSystem.now() - 3_600_000_000_000)
    guard case .text(let hour) = rows[0][0] else { return #expect(Bool(false)) }
    #expect(before <= hour && hour <= after)
    #expect(rows[0][1] == rows[0][0])
    #expect(rows[0][2] == .null)
    #expect(rows[0][3] == .text("1970-01-01T00:00:00.000000Z"))
  }
}
