import Telemetry
import Testing

@testable import Daemon

@Suite struct ConfigClassesTests {
  private func classes(_ yaml: String) throws -> [RetentionClasses.Class] {
    try resolved("retention:\n  classes: \(yaml)\n").config.retention.classes.classes
  }

  @Test func aKnownClassChangesOnlyWhatItSays() throws {
    let classes = try classes("{evidence: {age: 90d}, firehose: {match: [perf.*]}}")
    #expect(classes.map(\.name) == ["restricted", "evidence", "detail", "firehose", "standard"])
    #expect(classes[1].ageNanoseconds == 90 * RetentionClasses.day)
    #expect(classes[1].patterns.count == 16)
    #expect(classes[3].ageNanoseconds == 3 * RetentionClasses.day)
    #expect(classes[3].patterns.map(\.configText) == ["perf.*"])
    #expect(classes[0].restricted)
  }

  @Test func unknownClassesComeFirstInTheOrderOfTheFile() throws {
    let classes = try classes(
      "{z: {age: none, match: [lobby.*]}, evidence: {age: 1d}, a: {age: 2d, match: [x.y, gui], restricted: true}}")
    #expect(classes.map(\.name) == ["z", "a", "restricted", "evidence", "detail", "firehose", "standard"])
    #expect(classes[0].ageNanoseconds == nil)
    #expect(classes[1].restricted)
    #expect(classes[1].patterns.map(\.configText) == ["x.y", "gui"])
    #expect(RetentionClasses(classes).fallback == 6)
  }

  @Test(arguments: [
    ("[a]", "expected a map of classes, found a list"),
    ("{Foo: {age: 1d, match: [a.b]}}", "`Foo` cannot be the name of a class: 1 to 32 of a-z, 0-9, _ and -"),
    ("{landing: {age: 1d, match: [a.b]}}", "`landing` cannot be the name of a class: a folder has it"),
    ("{x: {match: [a.b]}}", "the new class `x` lacks `age`"),
    ("{x: {age: 1d}}", "the new class `x` lacks `match`"),
    ("{x: 5d}", "`x`: expected {age, match, restricted}, found a single value"),
    ("{evidence: {agee: 5d}}", "unknown key `agee`; did you mean `age`?"),
    ("{evidence: {age: 5}}", "`age`: `5` lacks a unit; write 5s, 5m, 5h or 5d"),
    ("{evidence: {age: 0}}", "`age`: 0 is too short; the least is 1s"),
    ("{evidence: {match: relay.*}}", "`match`: expected a list of patterns"),
    ("{evidence: {match: []}}", "`match`: expected a list of patterns"),
    ("{evidence: {match: [severity>=loud]}}", "`match`: `severity>=loud` is no pattern"),
    ("{evidence: {match: ['severity>>warn']}}", "`match`: `severity>>warn` is no pattern"),
    ("{evidence: {match: ['signals:logs']}}", "`match`: `signals:logs` is no pattern"),
    ("{evidence: {match: [[a]]}}", "`match`: a pattern is a text, not a list"),
    ("{evidence: {restricted: yes}}", "`restricted`: expected true or false"),
    ("{standard: {match: [a.b]}}", "`standard` takes what no other class matches and has no `match` of its own"),
  ]) func saysWhatIsWrongInAClass(yaml: String, message: String) throws {
    let found = try problems("retention:\n  classes: \(yaml)\n")
    #expect(found.count == 1)
    #expect(found.first?.hasSuffix(" `retention.classes`: \(message)") == true, "\(found)")
  }

  @Test func refusesMoreThan200Classes() throws {
    let yaml = (0..<196).map { "c\($0): {age: 1d, match: [a.b\($0)]}" }.joined(separator: ", ")
    #expect(try problems("retention:\n  classes: {\(yaml)}\n").first?.contains("201 classes are too many") == true)
  }

  @Test(arguments: [
    "relay.game.*", "relay.tick.process severity>=warn", "signal:metrics", "gui", "category:a.b", "category:a*", "*",
  ]) func patternsReadBackAsTheyAreShown(text: String) throws {
    let pattern = try #require(RetentionClasses.Pattern(text))
    #expect(RetentionClasses.Pattern(pattern.configText) == pattern)
  }

  @Test func theEnvironmentTakesThemAsJSON() throws {
    let json = #"{"lobby":{"age":"7d","match":["lobby.*"]},"detail":{"age":"1d"}}"#
    let found = try resolved("", environment: ["GARNER_RETENTION_CLASSES": json]).config.retention.classes.classes
    #expect(found.map(\.name) == ["lobby", "restricted", "evidence", "detail", "firehose", "standard"])
    #expect(found[3].ageNanoseconds == RetentionClasses.day)
  }
}
