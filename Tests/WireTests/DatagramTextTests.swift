import Telemetry
import TestSupport
import Testing
import Wire

@Suite struct DatagramTextTests {
  @Test func makesTheRowsThatOTLPMakes() throws {
    for seed in 0..<600 {
      let sample = DatagramSample(seed: UInt64(seed), binary: false)
      let ours = try #require(DatagramBatch.rows(text: sample.text), "seed \(seed)")
      let theirs = try Batch.decoded(.logs, sample.logs) { $0.credential = Array(DatagramSample.source.utf8) }
      let (left, right) = (DatagramRows.lines(ours, withUID: false), DatagramRows.lines(theirs, withUID: false))
      #expect(left.count == right.count, "seed \(seed)")
      for (a, b) in zip(left, right) where a != b {
        Issue.record("seed \(seed)\nudp  \(a)\notlp \(b)")
        break
      }
    }
  }

  @Test func makesTheRowsThatFormBMakes() throws {
    for seed in 0..<200 {
      let sample = DatagramSample(seed: UInt64(seed), binary: false)
      guard sample.binary.count <= DatagramHeader.sizes.upperBound else { continue }
      let binary = try #require(DatagramBatch.rows(sample.binary))
      let text = try #require(DatagramBatch.rows(text: sample.text))
      #expect(DatagramRows.lines(text) == DatagramRows.lines(binary), "seed \(seed)")
    }
  }

  @Test func readsTheSignatureOfTheManual() throws {
    let packet = Array(
      (#"{"v":1,"boot":"9f3c2a0000000001","seq":4713,"n":8126,"t":1773600005223456,"ctx":{"game_id":"g00294"},"#
        + #""ev":[{"e":"relay.lag_switch","k":18075,"s":"warn","d":{"slot":1,"gap_ms":1450}}]}"# + "\n"
        + "sig 7 a181b6754730af7126bf07baac95d2f1").utf8)
    let tag = DatagramBinaryTests.hex("a181b6754730af7126bf07baac95d2f1")
    let (text, signature) = try #require(Self.split(packet))
    #expect(signature == DatagramSignature(keyID: 7, tag: tag))
    #expect(text.last == 0x0a && text.count + 38 == packet.count)
    let (numbers, count) = try #require(Self.numbers(text))
    #expect(numbers.boot == DatagramSample.boot && numbers.sequence == 4713 && numbers.firstEvent == 8126)
    #expect(numbers.sentMicroseconds == 1_773_600_005_223_456 && count == 1)
    #expect(Self.split(packet + [0x0a])?.1?.tag == tag)
    let line = DatagramSignature(keyID: 7, tag: tag).line
    #expect(line == Array("sig 7 a181b6754730af7126bf07baac95d2f1\n".utf8))
  }

  @Test(arguments: ["sig 7 A181b6754730af7126bf07baac95d2f1", "sig 7 a181", "sig x a181b6754730af7126bf07baac95d2f1"])
  func refusesALineThatIsAlmostASignature(line: String) {
    #expect(Self.split(Array("{\"e\":\"x\"}\n\(line)".utf8)) == nil)
  }

  private static func split(_ packet: [UInt8]) -> ([UInt8], DatagramSignature?)? {
    packet.withUnsafeBytes { bytes in
      (try? DatagramSignature.split(bytes)).map { (Array($0.text), $0.signature) }
    }
  }

  private static func numbers(_ text: [UInt8]) -> (DatagramEnvelope.Numbers, Int)? {
    text.withUnsafeBytes { bytes in
      guard let envelope = try? DatagramEnvelope(bytes), let numbers = envelope.numbers else { return nil }
      return (numbers, envelope.eventCount)
    }
  }

  @Test func aCorrelationThatTheTraceLeavesNoColumnIsKept() throws {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    let text = #"{"v":1,"ctx":{"trace":"\#(trace)"},"ev":[{"e":"a","c":"corr-1"},{"e":"b","c":"\#(trace)"}]}"#
    let batch = try #require(DatagramBatch.rows(text: Array(text.utf8)))
    #expect(batch.rows.map { batch.text($0.data) } == [#"{"correlation":"corr-1"}"#, "{}"])
  }

  @Test func takesBareEventsALineEach() throws {
    let batch = try #require(
      DatagramBatch.rows(text: "{\"e\":\"test.hello\"}\r\n\n {\"event\":\"b\",\"t\":5,\"x\":{\"y\":[1,2.50]}} \n"))
    #expect(batch.rows.map { batch.text($0.data) } == ["{}", #"{"x":{"y":[1,2.5]}}"#])
    #expect(batch.rows.map(\.time) == [42, 5000])
    #expect(batch.rows[0].bits & Bits.logTimeWasZero != 0)
    #expect(batch.text(batch.contexts[Int(batch.rows[0].context)].session) == "anon-local")
    #expect(!batch.rows[0].present.contains(.uid))
  }

  @Test func readsEveryKeyByBothNames() throws {
    let short = try #require(
      DatagramBatch.rows(
        text:
          #"{"e":"a.b","t":"2026-02-03T04:05:06.789012Z","k":7,"s":"warn","dur":1500,"#
          + #""c":"4bf92f3577b34da6a3ce929d0e0e4736","d":{"p":1}}"#
      ))
    let long = try #require(
      DatagramBatch.rows(
        text:
          #"{"data":{"p":1},"event":"a.b","timestamp":"2026-02-03T04:05:06.789012Z","tick":7,"severity":"warn","#
          + #""duration_us":1500,"correlation":"4bf92f3577b34da6a3ce929d0e0e4736","id":12}"#
      ))
    #expect(DatagramRows.lines(short) == DatagramRows.lines(long))
    let row = short.rows[0]
    #expect(row.tick == 7 && row.duration == 1_500_000 && row.severity == .warn && row.present.contains(.trace))
    #expect(short.text(row.data) == #"{"tick":7,"p":1}"#)
    #expect(row.time == 1_770_091_506_789_012_000)
  }

  @Test func letsTheEventSayWhoseItIs() throws {
    let batch = try #require(
      DatagramBatch.rows(
        text:
          #"{"v":1,"ctx":{"game_id":"g1","session":"s","component":"c"},"ev":[{"e":"x","game_id":"g2","session_id":"s2","#
          + #""component":"c2","game_module":"m","mod_fingerprint":"f","category":"cat","uid":"u1"},{"e":"y"}]}"#))
    let contexts = batch.rows.map { batch.contexts[Int($0.context)] }
    #expect(contexts.map { batch.text($0.gameID) } == ["g2", "g1"])
    #expect(contexts.map { batch.text($0.session) } == ["s2", "s"])
    #expect(contexts.map { batch.text($0.component) } == ["c2", "c"])
    #expect(contexts.map { batch.text($0.gameModule) } == ["m", ""])
    #expect(contexts.map { batch.text($0.modFingerprint) } == ["f", ""])
    #expect(batch.text(batch.names[Int(batch.rows[0].name)].category) == "cat")
    #expect(batch.text(batch.rows[0].uid) == "u1")
    #expect(batch.rows.map { batch.text($0.data) } == [#"{"game_id":"g2"}"#, #"{"game_id":"g1"}"#])
  }

  @Test(arguments: [
    (#"{"e":"x","other":1,"d":{"other":2,"z":3}}"#, #"{"other":2,"z":3}"#),
    (#"{"e":"x","d":"just text"}"#, #"{"body":"just text"}"#),
    (#"{"e":"x","d":[1,2]}"#, #"{"body":[1,2]}"#),
    (#"{"e":"x","d":{"a":1,"body":"b"}}"#, #"{"body":"b","a":1}"#),
    (#"{"e":"x","d":null,"n":null}"#, #"{"n":null}"#),
    (#"{"e":"x","$k":{"$l":1},"\u0061\"":"\u00e9\/"}"#, #"{"$$k":{"$$l":1},"a\"":"é/"}"#),
    (
      #"{"e":"x","n":[18446744073709551615,-0,1e3,1.0,123456789012345678901234567890]}"#,
      #"{"n":["18446744073709551615",0,1000.0,1.0,1.2345678901234568e+29]}"#
    ),
  ])
  func writesDataAsItIsKept(text: String, data: String) throws {
    let batch = try #require(DatagramBatch.rows(text: text))
    #expect(batch.rows.map { batch.text($0.data) } == [data])
  }

  @Test(arguments: [
    (#""warning""#, Severity.warn, Int64(13), #"{"severity_text":"warning"}"#), (#""error""#, .error, 17, ""),
    ("24", .error, 24, ""), ("1", .trace, 1, ""), ("0", .info, 9, ""), ("99", .info, 9, ""),
    (#""loud""#, .info, 9, #"{"severity_text":"loud"}"#),
  ])
  func readsSeverities(text: String, level: Severity, number: Int64, ext: String) throws {
    let batch = try #require(DatagramBatch.rows(text: "{\"e\":\"x\",\"s\":\(text)}"))
    #expect(batch.rows[0].severity == level && batch.rows[0].bits & 31 == number)
    #expect(batch.text(batch.rows[0].ext) == ext)
  }

  @Test(arguments: [
    "", "{", "[]", "hello", #"{"v":2,"ev":[]}"#, #"{"v":1,"boot":"9f3c2a0000000001","ev":[]}"#,
    #"{"v":1,"boot":"9F3C2A0000000001","seq":1,"n":1,"t":1}"#,
    #"{"v":1,"boot":"9f3c2a0000000001","seq":-1,"n":1,"t":1}"#,
    #"{"v":1,"boot":"9f3c2a0000000001","seq":9223372036854775808,"n":1,"t":1}"#, #"{"v":1,"ev":{}}"#,
    "{\"e\":1\n", "{\"v\":1,\"ev\":[}",
  ])
  func refusesWhatCannotBeRead(text: String) {
    #expect(DatagramBatch.rows(text: text) == nil, "\(text)")
  }

  @Test func refusesABadEventAlone() throws {
    var packet = Array(#"{"v":1,"ev":[{"e":"a","d":{"x":""#.utf8) + [0xff, 0xc3]
    packet += Array(#""}},{"e":""},{"d":1},5,{"e":"b","d":{"x":"ü"}}]}"#.utf8)
    let batch = try #require(DatagramBatch.rows(text: packet))
    #expect(batch.rows.map { batch.text($0.data) } == [#"{"x":"ü"}"#])
    func count(_ reason: Rejection.Reason) -> Int? {
      batch.rejectionCounts[Rejection.Tally(source: DatagramSample.source, reason: reason)]
    }
    #expect(count(.badUTF8) == 1 && count(.badName) == 2 && count(.badJSON) == 1)
    let lines = try #require(DatagramBatch.rows(text: "{\"e\":\"a\"}\n{\"e\":\n{\"e\":\"b\"}"))
    #expect(lines.recordCount == 2 && lines.rejectedCount == 1)
  }

  @Test func refusesBrokenTextOutsideTheEvents() {
    let packet = Array(#"{"v":1,"src":""#.utf8) + [0xff] + Array(#"","ev":[{"e":"a"}]}"#.utf8)
    #expect(DatagramBatch.rows(text: packet) == nil)
  }

  @Test func survivesDamagedPackets() {
    var random = SampleRandom(seed: 11)
    for seed in 0..<3_000 {
      var packet = DatagramSample(seed: UInt64(seed % 50), binary: false).text
      for _ in 0...random.upTo(3) { packet[random.upTo(packet.count - 1)] = UInt8(random.upTo(255)) }
      if random.one(in: 3) { packet.removeLast(random.upTo(packet.count - 1)) }
      if let batch = DatagramBatch.rows(text: packet) {
        for row in batch.rows { _ = JSONTree(Array(batch.bytes(row.data))) }
      }
    }
  }
}
