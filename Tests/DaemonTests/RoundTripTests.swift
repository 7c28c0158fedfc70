import Daemon
import Store
import Telemetry
import TestSupport
import Testing
import Wire

@Suite struct RoundTripTests {
  private static func decode(_ sample: OTLPSample, asJSON: Bool) throws -> Batch {
    try (asJSON ? sample.json : sample.protobuf).withUnsafeBytes { bytes in
      asJSON
        ? try OTLPDecoder.decodeJSON(sample.signal, bytes, options: RoundTripStore.decoding)
        : try OTLPDecoder.decodeProtobuf(sample.signal, bytes, options: RoundTripStore.decoding)
    }
  }

  private static func decode(lines: [[UInt8]], _ signal: Signal) throws -> [Batch] {
    var batches: [Batch] = []
    for line in lines {
      let batch = try line.withUnsafeBytes { bytes -> Batch? in
        let head = try OTLPLine(bytes)
        guard head.signals == [signal] else { return nil }
        var options = RoundTripStore.decoding
        if let arrival = head.arrival { options.now = arrival }
        return try OTLPDecoder.decodeJSON(signal, bytes, options: options)
      }
      if let batch { batches.append(batch) }
    }
    return batches
  }

  @Test(arguments: Signal.allCases, [false, true])
  func everyFieldComesBackOutOfAnOTLPExport(signal: Signal, settled: Bool) async throws {
    let store = try RoundTripStore()
    var sent: [Batch] = []
    for seed in 0..<150 {
      let sample = OTLPSample(signal, seed: UInt64(seed))
      sent.append(try Self.decode(sample, asJSON: seed % 2 == 0))
      try await store.append(try Self.decode(sample, asJSON: seed % 2 == 0))
    }
    if settled { store.store.settleAll() }
    let summary = try store.export(.otlp, "out.jsonl")
    #expect(summary.warnings == [])
    let returned = try Self.decode(lines: try store.lines("out.jsonl"), signal)
    let expected = RoundTripItems.sorted(sent)
    let found = RoundTripItems.sorted(returned)
    #expect(found.count == expected.count && expected.count > 200)
    let lost = Set(expected).subtracting(found).sorted()
    let strange = Set(found).subtracting(expected).sorted()
    #expect(lost.count == 0 && strange.count == 0, "\(lost.first ?? "")\n\(strange.first ?? "")")
    #expect(found == expected)
  }

  @Test(arguments: [ExportFormat.sqlite, .otlp])
  func anExportImportedTwiceAddsNothingTheSecondTime(format: ExportFormat) async throws {
    let source = try RoundTripStore()
    var records = 0
    for signal in Signal.allCases {
      for seed in 0..<40 {
        let batch = try Self.decode(OTLPSample(signal, seed: UInt64(seed)), asJSON: false)
        records += try await source.append(batch).stored
      }
    }
    let exported = try source.export(format, "out")
    #expect(exported.records == Int64(records))
    let target = try RoundTripStore()
    let first = try await target.importFile(source.folder + "/out")
    #expect(first.problems == [])
    #expect(first.stored + first.deduplicated == records && first.rejected == 0)
    let second = try await target.importFile(source.folder + "/out")
    #expect(second.stored == 0 && second.received == records)

    let again = try target.export(.otlp, "again.jsonl")
    #expect(again.records == Int64(records))
    try source.export(.otlp, "before.jsonl")
    for signal in Signal.allCases {
      let before = RoundTripItems.sorted(try Self.decode(lines: try source.lines("before.jsonl"), signal))
      let after = RoundTripItems.sorted(try Self.decode(lines: try target.lines("again.jsonl"), signal))
      #expect(before == after)
    }
  }
}
