import Glibc
import Intake
import Logging
import Telemetry
import TestSupport
import Testing
import Wire

struct DropTakeTests {
  static let now: Int64 = 1_772_366_400_000_000_000

  typealias Taker = DropTaker<DropMemory, NoRejects>

  func take(_ name: String, _ scratch: DropScratch, _ store: DropMemory) async -> Taker.Outcome {
    let taker = DropTaker(
      scratch.folder, store: store, rejects: NoRejects(), options: DropOptions(clock: { Self.now }),
      vitals: DropVitals(), stopping: DropStop(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    return await taker.take(name)
  }

  static func events(_ count: Int, padding: Int = 0) -> String {
    let more = String(repeating: "x", count: padding)
    return (0..<count).map { "{\"e\":\"demo.hit\",\"k\":\($0),\"d\":{\"more\":\"\(more)\"}}\n" }.joined()
  }

  static let span = """
    {"traceId":"00000000000000000000000000000001","spanId":"0000000000000001","name":"good","startTimeUnixNano":"5"}
    """
  static let badSpan = """
    {"traceId":"00000000000000000000000000000001","spanId":"0000000000000000","name":"bad","startTimeUnixNano":"5"}
    """

  static func request(_ spans: String...) -> String {
    "{\"resourceSpans\": [{\"scopeSpans\": [{\"spans\": [\(spans.joined(separator: ","))]}]}]}\n"
  }

  @Test func storesEventsAndMovesTheFileToDone() async {
    let (scratch, store) = (DropScratch(), DropMemory())
    scratch.put("a.ndjson", Self.events(3))
    #expect(await take("a.ndjson", scratch, store) == .finished)
    #expect(store.ticks == [0, 1, 2])
    #expect(scratch.names(scratch.folder.done) == ["a.ndjson"])
    #expect(scratch.names(scratch.folder.incoming) == [])
    #expect(store.progress.map(\.state) == [.done])
  }

  @Test func takesTheSameContentOnce() async {
    let (scratch, store) = (DropScratch(), DropMemory())
    for name in ["a", "b", "a"] {
      scratch.put(name, Self.events(2))
      #expect(await take(name, scratch, store) == .finished)
    }
    #expect(store.recordCount == 2)
    let names = scratch.names(scratch.folder.done)
    #expect(names.count == 3 && names[0] == "a" && names[1].hasPrefix("a.") && names[1].count == 10)
  }

  @Test func onlyAnExportSaysAllOfItsContext() async {
    let (scratch, store) = (DropScratch(), DropMemory())
    scratch.put("foreign.jsonl", Self.request(Self.span))
    #expect(await take("foreign.jsonl", scratch, store) == .finished)
    #expect(store.recordCount == 1 && store.exportCount == 0)
    let request = Self.request(Self.span).dropLast(2)
    scratch.put("own.jsonl", request + ",\"garner\":{\"at\":5,\"store\":\"s\",\"ids\":[[7,1]]}}\n")
    #expect(await take("own.jsonl", scratch, store) == .finished)
    #expect(store.recordCount == 2 && store.exportCount == 1)
  }

  @Test(arguments: 0..<7) func goesOnBehindTheLastCommitAfterACrash(commits: Int) async {
    let (scratch, store) = (DropScratch(), DropMemory())
    var lines = Self.events(30_000, padding: 200).split(separator: "\n").map(String.init)
    for bad in [10, 12_000, 29_999] { lines[bad] = "broken" }
    scratch.put("a.ndjson", lines.joined(separator: "\n") + "\n")
    store.stopAfter(commits: commits)
    _ = await take("a.ndjson", scratch, store)
    // A part that was not committed.
    if let part = scratch.names(scratch.folder.rejected, hidden: true).first(where: { $0.hasSuffix(".part") }),
      let file = fopen("\(scratch.folder.rejected)/\(part)", "a")
    {
      fputs("not committed\n", file)
      fclose(file)
    }
    store.stopAfter(commits: .max)
    if scratch.names(scratch.folder.incoming) == ["a.ndjson"] {
      #expect(await take("a.ndjson", scratch, store) == .finished)
    }
    #expect(store.recordCount == 29_997)
    #expect(Set(store.ticks).count == 29_997)
    #expect(scratch.rejected("a.ndjson") == "broken\nbroken\nbroken\n")
    #expect(scratch.names(scratch.folder.rejected, hidden: true) == ["a.ndjson", "a.ndjson.why.json"])
    #expect(store.progress.first?.received == 30_000)
    #expect(store.progress.first?.first.map(\.line) == [11, 12_001, 30_000])
  }

  @Test func keepsOnlyTheRefusedRecordsOfARequest() async {
    let (scratch, store) = (DropScratch(), DropMemory())
    scratch.put("a.jsonl", Self.request(Self.span) + Self.request(Self.span, Self.badSpan) + Self.request(Self.span))
    #expect(await take("a.jsonl", scratch, store) == .finished)
    #expect(store.events == ["good", "good", "good"])
    #expect(scratch.rejected("a.jsonl").filter { $0 != " " } == Self.request(Self.badSpan).filter { $0 != " " })
    let why = scratch.rejected("a.jsonl.why.json")
    #expect(why.contains(#""received":4,"stored":3,"filtered":0,"deduplicated":0,"rejected":1,"holds":"lines""#))
    #expect(why.contains(#""line":2,"record":0"#))
    #expect(why.contains(#""path":"resourceSpans[0].scopeSpans[0].spans[1]"#))
  }

  @Test func aLineThatIsNoRequestDoesNotTakeOthersWithIt() async {
    let (scratch, store) = (DropScratch(), DropMemory())
    let bad = Self.request(#"{"traceId":"xyz"}"#)
    scratch.put("a.jsonl", Self.request(Self.span) + bad + "{\n" + Self.request(Self.span))
    #expect(await take("a.jsonl", scratch, store) == .finished)
    #expect(store.events == ["good", "good"])
    #expect(Set(scratch.rejected("a.jsonl").split(separator: "\n")) == Set([bad.dropLast(), "{"]))
  }

  @Test func aMendedFileIsTaken() async {
    let (scratch, store) = (DropScratch(), DropMemory())
    scratch.put("a.ndjson", Self.events(2) + "{\"e\":\"\"}\n")
    #expect(await take("a.ndjson", scratch, store) == .finished)
    #expect(scratch.rejected("a.ndjson") == "{\"e\":\"\"}\n")
    unlink("\(scratch.folder.rejected)/a.ndjson")
    scratch.put("a.ndjson", "{\"e\":\"mended\"}\n")
    #expect(await take("a.ndjson", scratch, store) == .finished)
    #expect(store.events == ["demo.hit", "demo.hit", "mended"])
  }

  @Test func refusedRecordsOfACSVKeepTheHeader() async {
    let (scratch, store) = (DropScratch(), DropMemory())
    scratch.put("a.csv", "event,timestamp\na,2026-03-01T12:00:00Z\nb,never\n\"c\nd\",2026-03-01T12:00:00Z\n")
    #expect(await take("a.csv", scratch, store) == .finished)
    #expect(store.events == ["a", "c\nd"])
    #expect(scratch.rejected("a.csv") == "event,timestamp\nb,never\n")
  }

  @Test func takesFramesUpToWhereTheFileEnds() async {
    let (scratch, store) = (DropScratch(), DropMemory())
    var file: [UInt8] = []
    for _ in 0..<3 {
      let message = Array(Self.request(Self.span).utf8)
      file += [0, 0, UInt8(message.count >> 8), UInt8(message.count & 255)] + message
    }
    scratch.put("traces.bin", Array(file.dropLast(5)))
    #expect(await take("traces.bin", scratch, store) == .finished)
    #expect(store.events == ["good", "good"])
    #expect(scratch.rejected("traces.bin.why.json").contains(#""holds":"file","reasons":[{"reason":"truncated""#))
    #expect(scratch.names(scratch.folder.rejected).contains("traces.bin"))
  }

  @Test(arguments: [
    ("a.bin", [0xff, 0xd8, 0xff, 0xe0, 0, 1] as [UInt8], "unknown_format"),
    ("a.csv", Array("event,when\na,b\n".utf8), "unknown_column"),
    ("a.csv", Array("event,timestamp,colour\na,b,c\n".utf8), "unknown_column"),
    ("a.bin", [0, 0, 0, 4, 0x0a, 2, 0x08, 1], "signal_unknown"),
    ("a.db", Array("SQLite format 3\0nothing".utf8), "corrupt_database"),
  ]) func refusesAFileThatItCannotTake(name: String, bytes: [UInt8], reason: String) async {
    let (scratch, store) = (DropScratch(), DropMemory())
    scratch.put(name, bytes)
    #expect(await take(name, scratch, store) == .finished)
    #expect(scratch.rejected(name + ".why.json").contains(#""reasons":[{"reason":"\#(reason)","count":1}]"#))
    #expect(scratch.names(scratch.folder.rejected) == [name, name + ".why.json"])
    #expect(store.recordCount == 0)
  }

  @Test func aSidecarSaysWhatTheRecordsDoNot() async {
    let (scratch, store) = (DropScratch(), DropMemory())
    scratch.put(
      "a.ndjson.meta.json",
      #"{"source":"ci","component":"bench","game_module":"ra","attributes":{"commit":"abc","game_id":"g1"}}"#)
    scratch.put("a.ndjson", #"{"e":"a","d":{"commit":"own"}}"# + "\n" + #"{"e":"b","component":"mine"}"# + "\n")
    #expect(await take("a.ndjson", scratch, store) == .finished)
    let batch = store.batches[0]
    let rows = batch.rows.map { row in (batch.contexts[Int(row.context)], batch.text(row.data)) }
    #expect(rows.map { batch.text($0.0.source) } == ["ci", "ci"])
    #expect(rows.map { batch.text($0.0.component) } == ["bench", "mine"])
    #expect(rows.map { batch.text($0.0.gameModule) } == ["ra", "ra"])
    #expect(rows.map { batch.text($0.0.gameID) } == ["g1", "g1"])
    #expect(rows.map(\.1) == [#"{"commit":"own","game_id":"g1"}"#, #"{"commit":"abc","game_id":"g1"}"#])
    #expect(scratch.names(scratch.folder.done) == ["a.ndjson", "a.ndjson.meta.json"])
  }

  @Test func aSidecarThatCannotBeReadKeepsTheFileOut() async {
    let (scratch, store) = (DropScratch(), DropMemory())
    scratch.put("a.ndjson.meta.json", "{")
    scratch.put("a.ndjson", Self.events(1))
    #expect(await take("a.ndjson", scratch, store) == .finished)
    #expect(scratch.rejected("a.ndjson.why.json").contains("bad_sidecar"))
    #expect(store.recordCount == 0)
  }

  @Test func anEmptyFileIsDone() async {
    let (scratch, store) = (DropScratch(), DropMemory())
    scratch.put("a.ndjson", "\n\n")
    #expect(await take("a.ndjson", scratch, store) == .finished)
    #expect(scratch.names(scratch.folder.done) == ["a.ndjson"])
  }
}
