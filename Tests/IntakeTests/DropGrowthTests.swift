import Glibc
import Intake
import Logging
import Telemetry
import Testing

/// A file that is written to while it is taken: what is stored is not stored again.
struct DropGrowthTests {
  private static func event(_ tick: Int) -> String { "{\"e\":\"demo.hit\",\"k\":\(tick)}" }

  private static func lines(_ ticks: Range<Int>) -> String { ticks.map { event($0) + "\n" }.joined() }

  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var first: String
    var more: String
    var ticks: [Int64]
    var rejected: String?
    var testDescription: String { name }
  }

  @Test(arguments: [
    Case(name: "whole lines", first: lines(0..<3), more: lines(3..<5), ticks: [0, 1, 2, 3, 4]),
    Case(
      name: "a last line without its end", first: lines(0..<2) + event(2), more: "\n" + lines(3..<5),
      ticks: [0, 1, 2, 3, 4]),
    Case(
      name: "a line in two parts", first: lines(0..<2) + "{\"e\":\"demo.hit\",", more: "\"k\":2}\n" + lines(3..<4),
      ticks: [0, 1, 2, 3]),
    Case(
      name: "a bad line behind", first: lines(0..<1), more: "bad\n" + lines(1..<2), ticks: [0, 1], rejected: "bad\n"),
    Case(
      name: "a CSV", first: "timestamp,event,tick\n2026-01-01T00:00:00Z,a,0\n", more: "2026-01-01T00:00:01Z,a,1\nx\n",
      ticks: [0, 1], rejected: "timestamp,event,tick\nx\n"),
  ])
  func goesOnBehindWhatIsStored(_ example: Case) async {
    let (scratch, store) = (DropScratch(), DropMemory())
    let tests = DropTakeTests()
    scratch.put("a.log", example.first)
    store.beforeFirstAppend { scratch.append("a.log", example.more) }
    #expect(await tests.take("a.log", scratch, store) == .again)
    #expect(await tests.take("a.log", scratch, store) == .finished)
    #expect(store.ticks == example.ticks)
    #expect(scratch.names(scratch.folder.incoming) == [])
    #expect(scratch.names(scratch.folder.done) == (example.rejected == nil ? ["a.log"] : []))
    if let rejected = example.rejected { #expect(scratch.rejected("a.log") == rejected) }
    #expect(store.markCount == 2)
  }

  @Test func aFileThatIsWrittenAnewIsTakenWhole() async {
    let (scratch, store) = (DropScratch(), DropMemory())
    let tests = DropTakeTests()
    scratch.put("a.ndjson", Self.lines(0..<3))
    store.beforeFirstAppend { scratch.put("a.ndjson", Self.lines(10..<15)) }
    #expect(await tests.take("a.ndjson", scratch, store) == .again)
    #expect(await tests.take("a.ndjson", scratch, store) == .finished)
    #expect(store.ticks.suffix(5) == [10, 11, 12, 13, 14])
  }

  // MARK: lines that are refused in part, or for what they have too much of

  @Test func anEnvelopeKeepsItsGoodEvents() async {
    let (scratch, store) = (DropScratch(), DropMemory())
    let envelope = #"{"v":1,"ev":[{"e":"a","k":1},{"e":""},{"e":"b","k":3}]}"#
    scratch.put("a.ndjson", "\(envelope)\n\(Self.event(4))\n")
    #expect(await DropTakeTests().take("a.ndjson", scratch, store) == .finished)
    #expect(store.ticks == [1, 3, 4])
    #expect(scratch.rejected("a.ndjson") == "{\"v\":1,\"ev\":[{\"e\":\"\"}]}\n")
    #expect(scratch.rejected("a.ndjson.why.json").contains(#""received":4,"stored":3"#))
    #expect(scratch.rejected("a.ndjson.why.json").contains(#"{"reason":"bad_name","count":1}"#))
  }

  @Test(arguments: ["a.ndjson", "a.csv"]) func aRecordThatIsTooMuchIsCutOut(name: String) async {
    let (scratch, store) = (DropScratch(), DropMemory())
    let key = String(repeating: "x", count: 1_025)
    let head = name == "a.csv" ? "timestamp,event,data\n" : ""
    func line(_ key: String) -> String {
      name == "a.csv"
        ? "2026-01-01T00:00:00Z,a,\"{\"\"\(key)\"\":1}\"\n" : "{\"e\":\"a\",\"d\":{\"\(key)\":1}}\n"
    }
    scratch.put(name, head + line("k") + line(key) + line("l"))
    #expect(await DropTakeTests().take(name, scratch, store) == .finished)
    #expect(store.recordCount == 2)
    #expect(scratch.rejected(name) == head + line(key))
    #expect(scratch.rejected(name + ".why.json").contains(#"{"reason":"key_too_long","count":1}"#))
  }
}
