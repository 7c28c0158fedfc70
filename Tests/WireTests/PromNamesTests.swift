import Testing

@testable import Wire

/// Names of metrics and labels (CONFORMANCE PN-01 to PN-07).
@Suite struct PromNamesTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var metric: String
    var names: [String]
    var testDescription: String { metric }
  }

  /// `name|unit (counter)` → names that are right.
  static let cases: [Case] = {
    guard let tree = try? PromFixture.json("expected-names.json")["m10-names-units.json"] else { return [] }
    let either = tree["accept_either"]
    return (tree["UnderscoreEscapingWithSuffixes"]?.members ?? []).map { member in
      let names = either?[member.key]?.elements.compactMap(\.string) ?? [member.value.string ?? ""]
      return Case(metric: member.key, names: names)
    }
  }()

  @Test func findsTheCases() { #expect(Self.cases.count == 17) }

  @Test(arguments: cases)
  func namesMetricsAsPrometheusDoes(_ one: Case) {
    var unit = one.metric.split(separator: "|", omittingEmptySubsequences: false).last.map(String.init) ?? ""
    var role = PromNames.Role.gauge
    let marks = [(" (counter)", PromNames.Role.counter), (" (up-down)", .other)]
    for (suffix, kind) in marks where unit.hasSuffix(suffix) {
      unit = String(unit.dropLast(suffix.count))
      role = kind
    }
    let name = String(one.metric.prefix { $0 != "|" })
    let made = PromNames(translation: .underscoreWithSuffixes).metric(name, unit: unit, role: role)
    #expect(one.names.contains(made), "\(made)")
  }

  @Test(arguments: [
    ("relay.player.rtt_ms", "ms", PromNames.Role.gauge, "relay_player_rtt_ms_milliseconds"),
    ("relay.games.total", "", .counter, "relay_games_total"),
    ("frame.time", " ms ", .other, "frame_time_milliseconds"),
    ("io", " By / s ", .gauge, "io_bytes_per_second"), ("io", "By/{req}", .gauge, "io_bytes"),
    ("turn.rate", "1/s", .gauge, "turn_rate_per_second"), ("turn.rate", "1/m", .gauge, "turn_rate_per_minute"),
    ("length", "m", .gauge, "length_meters"), ("memory", "TiBy", .gauge, "memory_tebibytes"),
    ("memory", "kBy", .gauge, "memory_kilobytes"), ("cpu", "1", .other, "cpu"), ("ключ", "", .gauge, ""),
    ("", "s", .gauge, ""), ("-", "", .gauge, ""), ("ping🎮pong", "", .gauge, "ping_pong"),
    ("total", "", .counter, "total"),
  ])
  func namesMetrics(name: String, unit: String, role: PromNames.Role, expected: String) {
    #expect(PromNames(translation: .underscoreWithSuffixes).metric(name, unit: unit, role: role) == expected)
  }

  @Test(arguments: [
    ("UnderscoreEscapingWithoutSuffixes", "a.b..c", "s", "a_b_c"),
    ("NoUTF8EscapingWithSuffixes", "a.b", "s", "a.b_seconds_total"),
    ("NoUTF8EscapingWithSuffixes", "a.b.total", "By", "a.b_bytes_total"),
    ("NoUTF8EscapingWithSuffixes", "a_seconds", "s", "a_seconds_total"),
    ("NoUTF8EscapingWithSuffixes", "a", "By/s", "a_bytes_per_second_total"), ("NoTranslation", "a.b", "s", "a.b"),
  ])
  func knowsTheOtherStrategies(strategy: String, name: String, unit: String, expected: String) throws {
    let translation = try #require(PrometheusOptions.Translation(rawValue: strategy))
    #expect(PromNames(translation: translation).metric(name, unit: unit, role: .counter) == expected)
  }

  @Test(arguments: [
    ("foo.bar", "foo_bar"), ("a..b", "a_b"), ("9lives", "key_9lives"), ("_foo", "key_foo"), ("__foo", "key_foo"),
    ("__name__", ""), ("", ""), ("🎮", ""), ("größe", "gr_e"), ("ok", "ok"), ("a:b", "a_b"),
  ])
  func namesLabels(name: String, expected: String) {
    #expect(PromNames(translation: .underscoreWithSuffixes).label(name) == expected)
  }

  @Test func leavesLabelsAloneWhereAnyCharacterIsAllowed() {
    let names = PromNames(translation: .none)
    #expect(["foo.bar", "größe", "__name__"].map(names.label) == ["foo.bar", "größe", ""])
  }

  @Test(arguments: [
    (0.1, "0.1"), (5, "5"), (-10, "-10"), (0, "0"), (1e-5, "0.00001"), (2.5e-7, "0.00000025"),
    (1e21, "1000000000000000000000"),
    (123_456_789.5, "123456789.5"), (-0.25, "-0.25"), (1.5e20, "150000000000000000000"), (.infinity, "+Inf"),
    (1.7976931348623157e308, "17976931348623157" + String(repeating: "0", count: 292)),
  ])
  func writesBoundsWithoutExponent(number: Double, expected: String) {
    #expect(PromNumber.label(number) == expected)
    #expect(Double(expected) == number || number.isInfinite)
  }

  @Test func writesValuesThatReadBackEqual() {
    for bits in stride(from: UInt64(0), to: .max, by: 0x003f_1234_5678_9abd) {
      let number = Double(bitPattern: bits)
      guard number.isFinite else { continue }
      #expect(Double(PromNumber.value(number)) == number)
      #expect(Double(PromNumber.label(number)) == number)
    }
    #expect(PromNumber.value(9_007_199_254_740_991) == "9007199254740991")
    #expect([.nan, .infinity, -.infinity].map(PromNumber.value) == ["NaN", "+Inf", "-Inf"])
  }
}
