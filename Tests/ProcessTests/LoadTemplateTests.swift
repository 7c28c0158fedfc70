import Telemetry
import Testing
import Wire

@testable import garner

@Suite struct LoadTemplateTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var signal: LoadShape.Signal
    var encoding: LoadPlan.Encoding
    var testDescription: String { "\(signal) \(encoding)" }

    static let all = LoadShape.Signal.allCases.flatMap { signal in
      LoadPlan.Encoding.allCases.map { Case(signal: signal, encoding: $0) }
    }
  }

  @Test(arguments: Case.all) func everyRecordOfABodyIsStored(example: Case) throws {
    let batch = try batch(example, template(example))
    #expect(batch.recordCount == 60)
    #expect(batch.rejectedCount == 0)
    #expect(batch.warnings == [])
  }

  @Test(arguments: Case.all) func twoBodiesOfATemplateDifferInBytesAndAgreeInLength(example: Case) throws {
    var template = try template(example)
    let first = template.bytes
    var random = LoadRandom(seed: 99)
    template.vary(now: Self.now, random: &random)
    #expect(template.bytes != first)
    #expect(template.bytes.count == first.count)
  }

  @Test(arguments: Case.all) func spreadsARequestOverDays(example: Case) throws {
    let batch = try batch(example, template(example, days: 3))
    // Records follow each other by microseconds, so the last ones lie a little after `now`.
    let end = Int64(Self.now) + 1_000_000_000
    let days = Set(batch.rows.map { (end - $0.time) / Int64(LoadTemplate.nanosecondsOfDay) })
    #expect(days.count == 3)
  }

  @Test(arguments: Case.all) func spreadsARequestOverRetentionClasses(example: Case) throws {
    // Metrics lie together by their series, so fewer records reach fewer classes.
    let batch = try batch(example, template(example, records: 300, classes: 4))
    let classes = RetentionClasses.standard
    let found = Set(
      batch.rows.map { row in
        let name = batch.names[Int(row.name)]
        return classes.index(
          signal: batch.signal, category: batch.bytes(name.category), event: batch.bytes(name.event),
          severity: row.severity)
      })
    #expect(found.count == 4)
  }

  @Test(arguments: [LoadShape.Signal.traces, .logs]) func attributesAreWhatTheShapeSays(signal: LoadShape.Signal) throws
  {
    for encoding in LoadPlan.Encoding.allCases {
      let example = Case(signal: signal, encoding: encoding)
      let batch = try batch(example, template(example))
      let row = try #require(batch.rows.first)
      #expect(row.present.contains(.tick))
      #expect(row.tick >= 1 << 21)
      let data = batch.text(row.data)
      for attribute in LoadShape(signal: signal, classes: 1, days: 1).attributes(0) {
        #expect(data.contains("\"\(attribute.key)\":"))
      }
    }
  }

  private static let now: UInt64 = 1_760_000_000_000_000_000

  private func template(_ example: Case, records: Int = 60, classes: Int = 1, days: Int = 1) throws -> LoadTemplate {
    let plan = LoadPlan(
      target: try LoadTarget("http://127.0.0.1"), way: .http, signals: [example.signal], encoding: example.encoding,
      connections: 1, batch: records, records: nil, nanoseconds: nil, rate: nil, gzip: false, classes: classes,
      days: days)
    var template = plan.template(example.signal, records: records, sender: 0)
    var random = LoadRandom(seed: 1)
    template.vary(now: Self.now, random: &random)
    return template
  }

  private func batch(_ example: Case, _ template: LoadTemplate) throws -> Batch {
    let signal: Signal =
      switch example.signal {
      case .traces: .traces
      case .logs: .logs
      case .metrics: .metrics
      }
    return try template.bytes.withUnsafeBytes { body in
      switch example.encoding {
      case .protobuf: try OTLPDecoder.decodeProtobuf(signal, body, options: DecodeOptions(now: Int64(Self.now)))
      case .json: try OTLPDecoder.decodeJSON(signal, body, options: DecodeOptions(now: Int64(Self.now)))
      }
    }
  }
}
