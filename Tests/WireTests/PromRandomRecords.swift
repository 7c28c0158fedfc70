import Telemetry
import TestSupport

@testable import Wire

/// Points of all kinds, most of them in order, some late, twice, ended or with attributes that are summed away.
struct PromRandomRecords {
  private var random: SampleRandom
  private var now = 1_000.0
  private var totals: [String: Int64] = [:]

  init(seed: UInt64) { random = SampleRandom(seed: seed) }

  mutating func next() -> PromRecord {
    if random.one(in: 3) { now += Double(random.upTo(3_000)) / 1_000 }
    let time = random.one(in: 8) ? now - Double(random.upTo(40)) : now
    var attributes = "\"map\":\"m\(random.upTo(3))\""
    if random.one(in: 3) { attributes += ",\"player.id\":\"p\(random.upTo(4))\"" }
    let text = "{\(attributes)}"
    let isDelta = random.one(in: 2)
    let start = isDelta ? max(time - 5, 1) : 1
    let kind = random.upTo(4)
    let key = "\(kind)\(text)"
    let total = (totals[key] ?? 0) + Int64(random.upTo(9))
    totals[key] = random.one(in: 30) ? 0 : total
    let value = isDelta ? Int64(random.upTo(9)) : total
    var record: PromRecord
    switch kind {
    case 0: record = .gauge(Double(random.upTo(100)) / 4, at: time, attributes: text)
    case 1:
      record = .counter(value, at: time, from: start, attributes: text, name: isDelta ? "cd" : "c", delta: isDelta)
    case 2:
      let bounds: [Double] = random.one(in: 20) ? [1, 2] : [1, 5]
      record = .histogram(
        [UInt64(value), 2, 1], bounds, sum: Double(value) / 2, at: time, from: start, attributes: text,
        name: isDelta ? "hd" : "h", delta: isDelta)
    case 3:
      let scale = random.upTo(3)
      record = .exponential(
        count: UInt64(value) + 2, sum: Double(value), scale: scale,
        ext: "\"positive\":{\"offset\":\(random.upTo(6) - 3),\"counts\":[\(value),0,0,0,2]}", at: time, from: start,
        attributes: text, name: isDelta ? "ed" : "e", delta: isDelta)
    default:
      record = PromRecord(name: "s", type: .summary, time: time, data: "{\"count\":\(total),\"sum\":1.5}")
      record.ext = "{\"quantiles\":[{\"quantile\":0.5,\"value\":2.0},{\"quantile\":0.99,\"value\":3.5}]}"
    }
    if random.one(in: 4), record.type != .gauge, record.type != .summary {
      let inside = record.ext.dropFirst().dropLast()
      let exemplar = "{\"value\":\(random.upTo(7)),\"filtered_attributes\":{\"k\":\"v\"}}"
      record.ext = "{\(inside)\(inside.isEmpty ? "" : ",")\"exemplars\":[\(exemplar)]}"
    }
    record.received = now
    record.ends = random.one(in: 40)
    if random.one(in: 5) {
      record.resource = "{\"service.name\":\"other\",\"host.name\":\"h\(random.upTo(2))\"}"
    }
    return record
  }
}
