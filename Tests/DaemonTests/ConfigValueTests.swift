import Testing

@testable import Daemon

@Suite struct ConfigValueTests {
  @Test(arguments: [
    ("0", 0), ("1", 1), ("512", 512), ("512B", 512), ("1KB", 1_000), ("1kB", 1_000), ("1KiB", 1_024),
    ("512MB", 512_000_000), ("512 MB", 512_000_000), ("512MiB", 536_870_912), ("2GiB", 2_147_483_648),
    ("1TB", 1_000_000_000_000), ("1.5GiB", 1_610_612_736), ("0.25KiB", 256),
  ]) func readsSizes(text: String, bytes: Int64) throws {
    #expect(try ByteSize.parse(text) == bytes)
  }

  @Test(arguments: [
    "", "MB", "-5", "5M", "5mb", "5 Mb", "1.MB", ".5MB", "1.2.3MB", "0.3B", "1e6", "9223372036854775808", "9TiB1",
    "9999999999GiB", "１MB", "0x10",
  ]) func refusesOtherSizes(text: String) {
    #expect(throws: ValueFault.self) { try ByteSize.parse(text) }
  }

  @Test(arguments: [(64 << 20, "64MiB"), (500_000_000, "500MB"), (1_000_001, "1000001"), (0, "0"), (1 << 40, "1TiB")])
  func showsSizesExactlyAndShort(bytes: Int64, text: String) throws {
    #expect(ByteSize.text(bytes) == text)
    #expect(try ByteSize.parse(text) == bytes)
  }

  @Test(arguments: [
    ("0", 0), ("0s", 0), ("500ms", 500_000_000), ("30s", 30_000_000_000), ("10m", 600_000_000_000),
    ("1h30m", 5_400_000_000_000), ("7d", 604_800_000_000_000), ("8w", 4_838_400_000_000_000),
    ("400d", 34_560_000_000_000_000), ("1us", 1_000), ("7ns", 7),
  ]) func readsDurations(text: String, nanoseconds: Int64) throws {
    #expect(try DurationText.nanoseconds(text) == nanoseconds)
    #expect(try DurationText.parse(text).nanoseconds == nanoseconds)
  }

  @Test(arguments: ["", "s", "5", "5 s", "-5s", "1.5h", "5y", "5M", "300y", "107000d", "99999999999999999999s", "5s6"])
  func refusesOtherDurations(text: String) {
    #expect(throws: ValueFault.self) { try DurationText.nanoseconds(text) }
  }

  @Test func aNumberWithoutUnitIsToldWhichThereAre() {
    #expect(throws: ValueFault("`60` lacks a unit; write 60s, 60m, 60h or 60d")) { try DurationText.parse("60") }
  }

  @Test(arguments: [("60s", "1m"), ("90m", "90m"), ("7d", "7d"), ("8w", "56d"), ("1500ms", "1500ms"), ("0", "0")])
  func showsDurationsExactlyAndShort(text: String, short: String) throws {
    #expect(DurationText.text(try DurationText.parse(text)) == short)
  }

  @Test(arguments: [
    ("127.0.0.1:4318", "127.0.0.1", 4318, true), ("127.9.9.9:1", "127.9.9.9", 1, true),
    ("localhost:0", "localhost", 0, true), ("[::1]:65535", "::1", 65_535, true),
    ("[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1", 80, true), ("0.0.0.0:4318", "0.0.0.0", 4318, false),
    ("[::]:4318", "::", 4318, false), ("192.168.1.7:4318", "192.168.1.7", 4318, false),
    ("relay.example.org:4318", "relay.example.org", 4318, false), ("[fe80::1%eth0]:1", "fe80::1%eth0", 1, false),
    ("127.0.0.1.example.org:1", "127.0.0.1.example.org", 1, false),
  ]) func readsAddresses(text: String, host: String, port: Int, isLoopback: Bool) throws {
    let address = try ListenAddress(parsing: text)
    #expect(address == .open(host: host, port: port))
    #expect(address.isLoopback == isLoopback)
    #expect(address.text == text)
  }

  @Test func noneClosesADoor() throws {
    #expect(try ListenAddress(parsing: "none") == .closed)
    #expect(ListenAddress.closed.isLoopback)
  }

  @Test(arguments: [
    "", "4318", ":4318", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:4318", "[::1]", "[]:1",
    "[127.0.0.1]:1", "http://127.0.0.1:4318", "a b:1", "None",
  ]) func refusesOtherAddresses(text: String) {
    #expect(throws: ValueFault.self) { try ListenAddress(parsing: text) }
  }

  @Test(arguments: [
    ("plain", "plain"), ("${A}", "one"), ("x${A}y${B}z", "xoneytwoz"), ("$$", "$"), ("$${A}", "${A}"), ("a$b", "a$b"),
    ("$", "$"), ("${NONE:-}", ""), ("${NONE:-x y}", "x y"), ("${EMPTY:-d}", "d"), ("${EMPTY}", ""), ("${A:-d}", "one"),
    ("${HOLDS}", "${A}"),
  ]) func replacesVariables(text: String, result: String) throws {
    let environment = ["A": "one", "B": "two", "EMPTY": "", "HOLDS": "${A}"]
    #expect(try Interpolation.expand(text, environment) == result)
  }

  @Test(arguments: ["${NONE}", "${", "${A", "${}", "${A-b}", "${A:?x}", "${a b}"])
  func refusesOtherVariables(text: String) {
    #expect(throws: ValueFault.self) { try Interpolation.expand(text, ["A": "one"]) }
  }

  @Test(arguments: [
    ("max_byte", "max_bytes"), ("mxa_bytes", "max_bytes"), ("intervall", "interval"), ("MIN_AGE", nil),
    ("colour", nil), ("", nil), ("foo", nil), ("itnerval", "interval"),
  ]) func findsTheNameThatWasMeant(name: String, near: String?) {
    #expect(NearestName.find(name, among: ["max_bytes", "min_age", "interval", "classes", "log"]) == near)
  }
}
