import Telemetry
import TestSupport
import Testing
import Wire

/// Bytes that nobody wrote: every parser on the way in and out refuses them or goes on, and nothing else happens.
@Suite struct RoundTripDamageTests {
  private static let seeds: [(RowKind, String, String)] = [
    (
      .span, "{\"a\":1,\"b\":[1.5,null,{\"$bytes\":\"AA==\"}]}",
      "{\"kind\":99,\"links\":[{\"trace_id\":\"00\",\"attributes\":{\"x\":true}}],"
        + "\"time\":\"18446744073709551615\"}"
    ),
    (.log, "{\"body\":{\"$double\":\"NaN\"},\"$$k\":\"v\",\"attributes\":{\"body\":1}}", "{\"severity_text\":\"x\"}"),
    (
      .number, "",
      "{\"value\":{\"$double\":\"NaN\"},\"exemplars\":[{\"value\":1.5,"
        + "\"filtered_attributes\":{\"a\":\"b\"}}]}"
    ),
    (
      .distribution, "{\"count\":3,\"sum\":1.5}",
      "{\"bounds\":[1.0],\"counts\":[1,2],\"positive\":{\"offset\":1,\"counts\":[\"9\"]},"
        + "\"quantiles\":[{\"quantile\":0.5,\"value\":1.0}]}"
    ),
  ]

  private static func mutated(_ text: String, _ random: inout SampleRandom) -> [UInt8] {
    var bytes = Array(text.utf8)
    for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
      let at = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.remove(at: at)
      case 2: bytes.insert(Array("{}[]\",:0e.\\$".utf8).randomElement(using: &random) ?? 0, at: at)
      default: bytes.removeLast(bytes.count - at)
      }
    }
    return bytes
  }

  @Test func anEncoderGivenDamagedTextsLeavesTheRowOutAndWritesLinesThatCanBeRead() throws {
    var random = SampleRandom(seed: 11)
    for round in 0..<4_000 {
      let (kind, dataText, extText) = Self.seeds[round % Self.seeds.count]
      let data = Self.mutated(dataText, &random)
      let ext = Self.mutated(extText, &random)
      var encoder = OTLPJSONEncoder(kind.signal)
      data.withUnsafeBytes { data in
        ext.withUnsafeBytes { ext in
          var record = OTLPRecord(id: 1, kind: kind)
          record.data = data
          record.ext = ext
          record.bits = Bits.attributesMoved
          record.time = 5
          try? encoder.append(record)
          record.id = 2
          record.ext = UnsafeRawBufferPointer(start: nil, count: 0)
          record.data = record.ext
          try? encoder.append(record)
        }
      }
      let finished = encoder.finish(store: "s")
      let line = try #require(finished)
      let head = try line.withUnsafeBytes { try OTLPLine($0) }
      #expect(head.signals == [kind.signal] && head.ids.contains { $0.contains(2) })
    }
  }

  @Test func damagedLinesAreRefusedOrRead() throws {
    var random = SampleRandom(seed: 12)
    let lines = [
      "{\"resourceSpans\":[],\"garner\":{\"at\":5,\"store\":\"s\",\"ids\":[[1,2],[7,1]]}}",
      "{\"id\":1,\"timestamp\":\"2026-02-03T04:05:06.789012Z\",\"event\":\"e\","
        + "\"data\":{\"a\":[1,2e400,\"\\u0041\"],\"body\":{\"$x\":1}},"
        + "\"tick\":3,\"correlation\":\"5b8efff798038103d269b633813fc60c\",\"garner\":{\"store\":\"s\",\"id\":4}}",
    ]
    for round in 0..<4_000 {
      let line = Self.mutated(lines[round % 2], &random)
      let row = line.withUnsafeBytes { bytes -> EventRow? in
        _ = try? OTLPLine(bytes)
        return (try? EventRow.read(bytes))?.row
      }
      guard let row else { continue }
      var decoder = EventDecoder(options: DecodeOptions(now: 1), isEscaped: round % 4 < 2)
      decoder.append(row)
      #expect(decoder.finish().recordCount == 1)
    }
  }
}
