import Glibc
import Intake
import Telemetry
import TestSupport
import Testing

/// A JSON array in the drop folder, however it is written.
struct DropArrayTests {
  private let tests = DropTakeTests()
  private static let elements = (0..<3).map { "{\"e\":\"demo.hit\",\"k\":\($0),\"d\":{\"list\":[1,{\"a\":\"],}\"}]}}" }

  static let forms: [String] = [
    "[" + elements.joined(separator: ",") + "]",
    "\u{feff}[\n" + elements.joined(separator: ",\n") + "\n]\n",
    "[\r\n  " + elements.joined(separator: ",\r\n  ") + ",\r\n]",
    " [ " + elements.joined(separator: "\n , \n") + "\n]\n\n",
    "[\n  {\n    \"e\": \"demo.hit\",\n    \"k\": 0\n  },\n  {\"e\": \"demo.hit\", \"k\": 1},\n"
      + "  {\"e\": \"demo.hit\",\n\"k\": 2}\n]",
  ]

  @Test(arguments: forms) func eachElementIsARecord(form: String) async {
    let (scratch, store) = (DropScratch(), DropMemory())
    scratch.put("a.json", form)
    #expect(await tests.take("a.json", scratch, store) == .finished)
    #expect(store.ticks == [0, 1, 2])
    #expect(scratch.names(scratch.folder.done) == ["a.json"])
  }

  @Test(arguments: ["[]", "[\n]\n", " [ ] "]) func anEmptyOneIsDone(form: String) async {
    let (scratch, store) = (DropScratch(), DropMemory())
    scratch.put("a.json", form)
    #expect(await tests.take("a.json", scratch, store) == .finished)
    #expect(scratch.names(scratch.folder.done) == ["a.json"] && store.recordCount == 0)
  }

  @Test(arguments: [
    ("[{\"e\":\"a\"},{\"e\":\"\",\n\"k\":1},{\"e\":\"b\"}, 7 ]", "{\"e\":\"\", \"k\":1}\n7\n"),
    ("[\n{\"e\":\"a\"},\n{\"e\":\"\"},\n{\"e\":\"x\",,\n{\"e\":\"b\"}\n]\n", "{\"e\":\"\"}\n{\"e\":\"x\"\n"),
  ]) func refusedElementsAreKeptAsLines(form: String, held: String) async {
    let (scratch, store) = (DropScratch(), DropMemory())
    scratch.put("a.json", form)
    #expect(await tests.take("a.json", scratch, store) == .finished)
    #expect(store.events == ["a", "b"])
    #expect(scratch.rejected("a.json") == held)
    #expect(scratch.rejected("a.json.why.json").contains("\"received\":4,\"stored\":2"))
    unlink("\(scratch.folder.rejected)/a.json")
    scratch.put("a.json", "{\"e\":\"mended\"}\n")
    #expect(await tests.take("a.json", scratch, store) == .finished)
    #expect(store.events == ["a", "b", "mended"])
  }

  @Test(arguments: [("[{\"e\":\"a\"},{\"e\" \"b\"}]", "bad_json"), ("[{\"e\":\"a\"},{\"e\":\"b\"", "truncated")])
  func oneThatIsBrokenStaysWhole(form: String, reason: String) async {
    let (scratch, store) = (DropScratch(), DropMemory())
    scratch.put("a.json", form)
    #expect(await tests.take("a.json", scratch, store) == .finished)
    #expect(store.recordCount == 0)
    #expect(scratch.rejected("a.json").hasPrefix(form))
    #expect(scratch.rejected("a.json.why.json").contains("\"reasons\":[{\"reason\":\"\(reason)\",\"count\":1}]"))
  }

  @Test(arguments: 0..<5) func goesOnBehindTheLastCommitAfterACrash(commits: Int) async {
    let (scratch, store) = (DropScratch(), DropMemory())
    let lines = DropTakeTests.events(30_000, padding: 200).split(separator: "\n")
    scratch.put("a.json", "[" + lines.joined(separator: ",") + "]")
    store.stopAfter(commits: commits)
    _ = await tests.take("a.json", scratch, store)
    store.stopAfter(commits: .max)
    if scratch.names(scratch.folder.incoming) == ["a.json"] {
      #expect(await tests.take("a.json", scratch, store) == .finished)
    }
    #expect(store.ticks == Array(0..<30_000))
  }
}
