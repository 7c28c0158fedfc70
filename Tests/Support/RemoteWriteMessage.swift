/// A request of remote write 1.0 or 2.0 as its receiver reads it: slow, and nothing in it is shared with the encoder.
package struct RemoteWriteMessage: Equatable, Sendable {
  package struct Sample: Equatable, Sendable, Hashable {
    /// Bits of the double: stale markers are a NaN of their own.
    package var bits: UInt64
    package var time: Int64
    /// 0 when it was not there.
    package var start: Int64 = 0

    package init(bits: UInt64, time: Int64, start: Int64 = 0) {
      self.bits = bits
      self.time = time
      self.start = start
    }

    package var value: Double { Double(bitPattern: bits) }
    package var isStale: Bool { bits == 0x7ff0_0000_0000_0002 }
  }

  package struct Exemplar: Equatable, Sendable {
    package var labels: [String: String] = [:]
    package var value = 0.0
    package var time: Int64 = 0
  }

  package struct Histogram: Equatable, Sendable {
    package var count: UInt64 = 0
    package var sumBits: UInt64 = 0
    package var schema: Int64 = 0
    package var zeroThreshold = 0.0
    package var zeroCount: UInt64 = 0
    /// Counts by index; what is not there is empty.
    package var positive: [Int64: Int64] = [:]
    package var negative: [Int64: Int64] = [:]
    package var time: Int64 = 0
    package var start: Int64 = 0
    package var sum: Double { Double(bitPattern: sumBits) }
  }

  package struct Metadata: Equatable, Sendable, Hashable {
    package var type: UInt64 = 0
    package var family = ""
    package var help = ""
    package var unit = ""

    package init(type: UInt64, family: String = "", help: String = "", unit: String = "") {
      self.type = type
      self.family = family
      self.help = help
      self.unit = unit
    }
  }

  package struct Series: Equatable, Sendable {
    package var labels: [(name: String, value: String)] = []
    package var samples: [Sample] = []
    package var exemplars: [Exemplar] = []
    package var histograms: [Histogram] = []
    package var metadata: Metadata?

    package static func == (a: Series, b: Series) -> Bool {
      a.text == b.text && a.samples == b.samples && a.exemplars == b.exemplars && a.histograms == b.histograms
        && a.metadata == b.metadata
    }

    /// `name{a="1",b="2"}`
    package var text: String {
      let name = labels.first { $0.name == "__name__" }?.value ?? ""
      let rest = labels.filter { $0.name != "__name__" }.map { "\($0.name)=\"\($0.value)\"" }
      return rest.isEmpty ? name : "\(name){\(rest.joined(separator: ","))}"
    }
  }

  package var series: [Series] = []
  package var metadata: [Metadata] = []
  /// Of 2.0.
  package var symbols: [String] = []

  /// Nil for what no receiver would take: a wrong field, labels not sorted, twice or empty, samples out of order.
  package init?(_ body: [UInt8], form: Int) {
    let fields = ProtoFields(body[...])
    guard fields.isWhole else { return nil }
    for field in fields.all {
      switch (form, field.number) {
      case (1, 1), (2, 5): series.append(Series())
      case (1, 3): metadata.append(Self.metadata(field.message, symbols: nil))
      case (2, 4): symbols.append(field.text)
      default: return nil
      }
    }
    let messages = fields.all.filter { $0.number == (form == 1 ? 1 : 5) }
    for (index, field) in messages.enumerated() {
      guard let one = form == 1 ? Self.first(field.message) : Self.second(field.message, symbols), Self.isValid(one)
      else { return nil }
      series[index] = one
    }
    if form == 2 && (symbols.first != "" || Set(symbols).count != symbols.count) { return nil }
  }

  private static func isValid(_ series: Series) -> Bool {
    let names = series.labels.map { Array($0.name.utf8) }
    let sorted = zip(names, names.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }
    let times = series.samples.map(\.time) + series.histograms.map(\.time)
    return sorted && series.labels.allSatisfy { !$0.name.isEmpty && !$0.value.isEmpty }
      && series.labels.contains { $0.name == "__name__" } && zip(times, times.dropFirst()).allSatisfy { $0 < $1 }
      && series.samples.isEmpty != series.histograms.isEmpty
  }

  // MARK: messages

  private static func first(_ message: ProtoFields) -> Series? {
    var series = Series()
    for field in message.all {
      switch field.number {
      case 1: series.labels.append((field.message.text(1), field.message.text(2)))
      case 2: series.samples.append(sample(field.message))
      case 3:
        var exemplar = exemplar(field.message)
        for label in field.message.all where label.number == 1 {
          exemplar.labels[label.message.text(1)] = label.message.text(2)
        }
        series.exemplars.append(exemplar)
      case 4: series.histograms.append(histogram(field.message))
      default: return nil
      }
    }
    return series
  }

  private static func second(_ message: ProtoFields, _ symbols: [String]) -> Series? {
    var series = Series()
    func labels(_ refs: [UInt64]) -> [(name: String, value: String)]? {
      guard refs.count % 2 == 0, refs.allSatisfy({ $0 < UInt64(symbols.count) }) else { return nil }
      return stride(from: 0, to: refs.count, by: 2).map { (symbols[Int(refs[$0])], symbols[Int(refs[$0 + 1])]) }
    }
    for field in message.all {
      switch field.number {
      case 1:
        guard let list = labels(field.varints) else { return nil }
        series.labels = list
      case 2: series.samples.append(sample(field.message))
      case 3: series.histograms.append(histogram(field.message))
      case 4:
        var exemplar = exemplar(field.message)
        guard let list = labels(field.message.all.first { $0.number == 1 }?.varints ?? []) else { return nil }
        for label in list { exemplar.labels[label.name] = label.value }
        series.exemplars.append(exemplar)
      case 5: series.metadata = metadata(field.message, symbols: symbols)
      default: return nil
      }
    }
    return series
  }

  private static func sample(_ message: ProtoFields) -> Sample {
    Sample(
      bits: message.number(1), time: Int64(bitPattern: message.number(2)), start: Int64(bitPattern: message.number(3)))
  }

  private static func exemplar(_ message: ProtoFields) -> Exemplar {
    Exemplar(value: Double(bitPattern: message.number(2)), time: Int64(bitPattern: message.number(3)))
  }

  private static func metadata(_ message: ProtoFields, symbols: [String]?) -> Metadata {
    guard let symbols else {
      return Metadata(
        type: message.number(1), family: message.text(2), help: message.text(4), unit: message.text(5))
    }
    return Metadata(
      type: message.number(1), help: symbols[Int(message.number(3))], unit: symbols[Int(message.number(4))])
  }

  private static func histogram(_ message: ProtoFields) -> Histogram {
    var one = Histogram()
    one.count = message.number(1)
    one.sumBits = message.number(3)
    one.schema = zigzag(message.number(4))
    one.zeroThreshold = Double(bitPattern: message.number(5))
    one.zeroCount = message.number(6)
    one.negative = buckets(message, spans: 8, deltas: 9)
    one.positive = buckets(message, spans: 11, deltas: 12)
    one.time = Int64(bitPattern: message.number(15))
    one.start = Int64(bitPattern: message.number(17))
    return one
  }

  private static func buckets(_ message: ProtoFields, spans: Int, deltas: Int) -> [Int64: Int64] {
    var counts: [Int64: Int64] = [:]
    var rest = message.all.filter { $0.number == deltas }.flatMap(\.varints).map(zigzag)[...]
    var at: Int64 = 0
    var count: Int64 = 0
    for span in message.all where span.number == spans {
      at += zigzag(span.message.number(1))
      for _ in 0..<span.message.number(2) {
        count &+= rest.popFirst() ?? 0
        if count != 0 { counts[at] = count }
        at += 1
      }
    }
    return counts
  }

  private static func zigzag(_ number: UInt64) -> Int64 {
    Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
  }
}
