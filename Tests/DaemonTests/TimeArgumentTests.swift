import Telemetry
import Testing

@testable import Daemon

@Suite struct TimeArgumentTests {
  /// 2027-03-01T00:00:00Z
  private static let march: Int64 = 1_803_859_200_000_000_000

  @Test(arguments: [
    ("2027-03-01", 0), ("2027-03-01T00:00:00Z", 0), ("2027-03-01t00:00:00z", 0), ("2027-03-01 00:00", 0),
    ("2027-03-01T18:30:00Z", 66_600_000_000_000), ("2027-03-01T18:30", 66_600_000_000_000),
    ("2027-03-01T19:30:00+01:00", 66_600_000_000_000), ("2027-02-28T23:00:00-01:00", 0),
    ("2027-03-01T00:00:00.5Z", 500_000_000), ("2027-03-01T00:00:00.000000001", 1),
    ("2027-03-01T00:00:00.1234567899Z", 123_456_789), ("2027-02-28T23:59:60Z", 0),
  ]) func readsDatesAndTimes(text: String, offset: Int64) throws {
    #expect(try TimeArgument.parse(text, now: 0) == TimeArgumentTests.march + offset)
  }

  @Test(arguments: [("now", 0), ("2h", 7_200_000_000_000), ("7d", 604_800_000_000_000), ("1h30m", 5_400_000_000_000)])
  func countsBackFromNow(text: String, ago: Int64) throws {
    #expect(try TimeArgument.parse(text, now: TimeArgumentTests.march) == TimeArgumentTests.march - ago)
  }

  @Test(arguments: ["2000-02-29", "1970-01-01", "1999-12-31", "2100-03-01", "2261-12-31"])
  func agreesWithTheStoredForm(text: String) throws {
    #expect(Timestamp.text(try TimeArgument.parse(text, now: 0)) == "\(text)T00:00:00.000000Z")
  }

  @Test(arguments: [
    "", "yesterday", "2027", "2027-3-1", "2027-13-01", "2027-00-10", "2027-02-29", "2100-02-29", "2027-04-31",
    "2027-03-01T", "2027-03-01T24:00", "2027-03-01T10", "2027-03-01T10:60", "2027-03-01T10:00:61",
    "2027-03-01T10:00:00.", "2027-03-01T10:00:00+1", "2027-03-01T10:00:00+25:00", "2027-03-01T10:00:00Zx", "-2h", "2",
    "0000-00-00", "9999-12-31", "２027-03-01", "2027-03-01x",
  ]) func refusesWhatIsNoTime(text: String) {
    #expect(throws: ValueFault.self) { try TimeArgument.parse(text, now: 0) }
  }
}
