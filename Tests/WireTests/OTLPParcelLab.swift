import Telemetry
import TestSupport
import Wire

/// From rows to requests and back.
enum OTLPParcelLab {
  static func options(
    _ encoding: OTLPParcelOptions.Encoding = .protobuf, _ change: (inout OTLPParcelOptions) -> Void = { _ in }
  ) -> OTLPParcelOptions {
    var options = OTLPParcelOptions()
    options.encoding = encoding
    change(&options)
    return options
  }

  static func batch(_ signal: Signal, _ json: String) throws -> Batch {
    try Array(json.utf8).withUnsafeBytes {
      try OTLPDecoder.decodeJSON(signal, $0, options: DecodeOptions(now: JSONOutcome.now))
    }
  }

  /// All records of the batch are taken.
  static func parcels(_ batch: Batch, _ options: OTLPParcelOptions, laneCount: Int = 1) -> [any Parcel] {
    let builder = OTLPParcelBuilder(options)
    var refused = 0
    batch.forEachRecord { if builder.add($0) != .taken { refused += 1 } }
    return refused == 0 ? builder.cut(laneCount: laneCount) : []
  }

  static func body(_ parcel: any Parcel) -> [UInt8] { parcel.body(0..<parcel.items.count, form: 0) }

  static func decoded(_ signal: Signal, _ body: [UInt8], _ encoding: OTLPParcelOptions.Encoding) throws -> Batch {
    let options = DecodeOptions(now: JSONOutcome.now)
    return try body.withUnsafeBytes {
      switch encoding {
      case .protobuf: try OTLPDecoder.decodeProtobuf(signal, $0, options: options)
      case .json: try OTLPDecoder.decodeJSON(signal, $0, options: options)
      }
    }
  }

  /// What the only parcel of `json` says at its far end.
  static func sent(_ signal: Signal, _ json: String, _ options: OTLPParcelOptions) throws -> Batch {
    let parcels = parcels(try batch(signal, json), options)
    return try decoded(signal, parcels.first.map(body) ?? [], options.encoding)
  }

  /// What an export of the same rows says.
  static func exported(_ batch: Batch) throws -> Batch {
    var encoder = OTLPJSONEncoder(batch.signal)
    try batch.forEachRecord { try encoder.append($0) }
    let line = encoder.finish(store: nil)
    return try decoded(batch.signal, line ?? Array("{}".utf8), .json)
  }

  // MARK: records as texts

  /// Records with everything that is around them; span events behind their span. Sorted, for a request has its
  /// resources and scopes in an order of its own.
  static func texts(_ batch: Batch) -> [String] {
    var texts: [String] = []
    for row in batch.rows {
      let text = text(row, batch)
      if row.kind == .spanEvent && !texts.isEmpty { texts[texts.count - 1] += text } else { texts.append(text) }
    }
    return texts.sorted()
  }

  private static func text(_ row: Row, _ batch: Batch) -> String {
    let stream = batch.streams[Int(row.stream)]
    let resource = batch.resources[Int(stream.resource)]
    let name = batch.names[Int(row.name)]
    var parts = [
      resource.attributes, resource.schemaURL, resource.entityRefs, stream.name, stream.version, stream.attributes,
      stream.schemaURL, name.category, name.event, row.correlation, row.uid,
      row.present.contains(.ext) ? row.ext : .empty,
    ].map { batch.text($0) }
    // Attributes that are named like a key of ours come back behind the others.
    if row.present.contains(.data) {
      parts += JSONTree(Array(batch.bytes(row.data))).members.map { "\($0.key) \($0.value)" }.sorted()
    }
    parts.append("\(resource.droppedAttributes) \(stream.droppedAttributes) \(row.kind) \(row.severity) \(row.trace)")
    parts.append("\(row.span) \(row.parent) \(row.time) \(row.duration) \(row.auxiliary) \(row.tick) \(row.bits)")
    parts.append("\(row.value) \(row.present.rawValue)")
    if row.series >= 0 {
      let series = batch.series[Int(row.series)]
      let metric = batch.metrics[Int(series.metric)]
      parts += [series.attributes, metric.name, metric.unit, metric.description, metric.metadata]
        .map { batch.text($0) }
      parts.append("\(metric.type) \(metric.temporality) \(metric.monotonic)")
    }
    return parts.joined(separator: " | ")
  }
}
