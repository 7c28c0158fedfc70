package import Telemetry

/// Batches by hand, for tests of the store that need no wire format.
package struct SampleBatch {
  package struct Record: Sendable {
    package var kind: RowKind
    package var event: String
    package var time: Int64
    package var data: String
    package var source: String
    package var session: String
    package var gameID: String
    package var gameModule: String
    package var modFingerprint: String
    package var trace: (UInt64, UInt64)?
    package var severity: Severity
    package var uid: String
    package var value: Int64?
    /// Span events behind a span.
    package var spanEvents: Int
    package var teaches: Bool
    package var switches: Bool

    package init(
      _ event: String, kind: RowKind = .log, time: Int64, data: String = "{}", source: String = "local",
      session: String = "s1", gameID: String = "", gameModule: String = "", modFingerprint: String = "",
      trace: (UInt64, UInt64)? = nil, severity: Severity = .info, uid: String = "", value: Int64? = nil,
      spanEvents: Int = 0, teaches: Bool = false, switches: Bool = false
    ) {
      self.kind = kind
      self.event = event
      self.time = time
      self.data = data
      self.source = source
      self.session = session
      self.gameID = gameID
      self.gameModule = gameModule
      self.modFingerprint = modFingerprint
      self.trace = trace
      self.severity = severity
      self.uid = uid
      self.value = value
      self.spanEvents = spanEvents
      self.teaches = teaches
      self.switches = switches
    }
  }

  private var arena: [UInt8] = []
  private var names: [Batch.Name] = []
  private var nameIndex: [String: Int32] = [:]
  private var contexts: [Batch.Context] = []
  private var contextIndex: [String: Int32] = [:]
  private var series: [Batch.Series] = []
  private var metrics: [Batch.Metric] = []
  private var rows: [Row] = []

  package static func make(_ signal: Signal, _ records: [Record], rejections: [Rejection] = []) -> Batch {
    var sample = SampleBatch()
    for record in records { sample.add(record) }
    return sample.finish(signal, records.count, rejections)
  }

  private mutating func slice(_ text: String) -> Slice {
    let start = arena.count
    arena.append(contentsOf: text.utf8)
    return Slice(start: start, count: arena.count - start)
  }

  private mutating func name(_ event: String) -> Int32 {
    if let known = nameIndex[event] { return known }
    let category = slice(String(event.split(separator: ".").first ?? "log"))
    names.append(Batch.Name(category: category, event: slice(event)))
    nameIndex[event] = Int32(names.count - 1)
    return Int32(names.count - 1)
  }

  private mutating func context(_ record: Record) -> Int32 {
    let key = [record.source, record.session, record.gameID, record.gameModule, record.modFingerprint].joined(
      separator: "\u{1}")
    if let known = contextIndex[key] { return known }
    var context = Batch.Context()
    context.source = slice(record.source)
    context.session = slice(record.session)
    context.component = slice("relay")
    context.gameID = slice(record.gameID)
    context.gameModule = slice(record.gameModule)
    context.modFingerprint = slice(record.modFingerprint)
    contexts.append(context)
    contextIndex[key] = Int32(contexts.count - 1)
    return Int32(contexts.count - 1)
  }

  private mutating func add(_ record: Record) {
    var row = Row()
    row.kind = record.kind
    row.time = record.time
    row.severity = record.severity
    row.name = name(record.event)
    row.context = context(record)
    row.stream = 0
    if record.kind.isPoint {
      if metrics.isEmpty {
        var metric = Batch.Metric()
        metric.name = slice(record.event)
        metrics.append(metric)
      }
      series.append(Batch.Series(metric: 0, attributes: slice(record.data)))
      row.series = Int32(series.count - 1)
      row.value = record.value ?? 0
      row.present.insert(.integer)
    } else {
      row.data = slice(record.data)
      row.present.insert(.data)
    }
    if let trace = record.trace {
      row.trace = trace
      row.span = trace.1 | 1
      row.present.formUnion([.trace, .span])
    }
    if !record.uid.isEmpty {
      row.uid = slice(record.uid)
      row.present.insert(.uid)
    }
    if record.teaches { row.present.insert(.teachesContext) }
    if record.switches { row.present.insert(.switchesContext) }
    row.bits = Int64(record.spanEvents) << Bits.spanEventCountShift
    rows.append(row)
    for _ in 0..<record.spanEvents {
      var event = row
      event.kind = .spanEvent
      event.name = name("exception")
      event.bits = 0
      event.auxiliary = 0
      event.present.insert(.auxiliary)
      rows.append(event)
    }
  }

  private mutating func finish(_ signal: Signal, _ records: Int, _ rejections: [Rejection]) -> Batch {
    var resource = Batch.Resource()
    resource.attributes = slice("{\"service.name\":\"relay\"}")
    var stream = Batch.Stream()
    stream.attributes = slice("{}")
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(arena.count, 1), alignment: 8)
    memory.copyBytes(from: arena)
    var counts: [Rejection.Tally: Int] = [:]
    for rejection in rejections {
      counts[Rejection.Tally(source: rejection.source, reason: rejection.reason), default: 0] += 1
    }
    return Batch(
      signal: signal, rows: rows, names: names, resources: [resource], streams: [stream], contexts: contexts,
      metrics: metrics, series: series, rejections: rejections, rejectionCounts: counts, warnings: [],
      recordCount: records, arena: UnsafeRawBufferPointer(memory))
  }
}
