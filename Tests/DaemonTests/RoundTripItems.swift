import Telemetry
import Wire

/// The records of a batch as texts in which everything is resolved and nothing depends on order or place, so that two
/// sides can be compared as multisets of (resource, scope, record).
enum RoundTripItems {
  ///
  /// `seen`: records with an identity count once for each source.
  static func of(_ batch: Batch, seen: inout Set<String>) -> [String] {
    var items: [String] = []
    var isKnown = false
    for row in batch.rows {
      if row.kind.isRecord {
        let source = batch.text(batch.contexts[Int(row.context)].source)
        isKnown = row.present.contains(.uid) && !seen.insert(source + "\n" + batch.text(row.uid)).inserted
      }
      if isKnown { continue }
      let text = item(row, batch)
      if row.kind == .spanEvent, !items.isEmpty {
        items[items.count - 1] += " EVENT " + text
      } else {
        items.append(text)
      }
    }
    return items
  }

  static func sorted(_ batches: [Batch]) -> [String] {
    var seen: Set<String> = []
    return batches.flatMap { of($0, seen: &seen) }.sorted()
  }

  private static func item(_ row: Row, _ batch: Batch) -> String {
    let stream = batch.streams[Int(row.stream)]
    let resource = batch.resources[Int(stream.resource)]
    let context = batch.contexts[Int(row.context)]
    let name = batch.names[Int(row.name)]
    var parts = [
      "\(row.kind)", object(batch, resource.attributes), batch.text(resource.schemaURL),
      batch.text(resource.entityRefs),
      "\(resource.droppedAttributes)", batch.text(stream.name), batch.text(stream.version),
      object(batch, stream.attributes), batch.text(stream.schemaURL), "\(stream.droppedAttributes)",
      batch.text(context.source), batch.text(context.session), batch.text(context.component),
      batch.text(context.gameID), batch.text(context.gameModule), batch.text(context.modFingerprint),
      batch.text(name.category), batch.text(name.event),
      "\(row.time) \(row.duration) \(row.auxiliary) \(row.tick) \(row.bits) \(row.severity) \(row.present.rawValue)",
      "\(row.trace) \(row.span) \(row.parent) \(row.value)", object(batch, row.data), object(batch, row.ext),
      batch.text(row.correlation), batch.text(row.uid),
    ]
    if row.series >= 0 {
      let series = batch.series[Int(row.series)]
      let metric = batch.metrics[Int(series.metric)]
      parts += [
        object(batch, series.attributes), batch.text(metric.name), batch.text(metric.unit),
        batch.text(metric.description),
        object(batch, metric.metadata), "\(metric.type) \(metric.temporality) \(metric.monotonic)",
      ]
    }
    return parts.joined(separator: " | ")
  }

  /// An object with its members in order of keys: attributes have no order, and moved ones come back behind the others.
  private static func object(_ batch: Batch, _ slice: Slice) -> String {
    let text = [UInt8](batch.bytes(slice))
    guard text.first == UInt8(ascii: "{") else { return batch.text(slice) }
    var members: [String] = []
    var depth = 0
    var start = 1
    var at = 1
    var inString = false
    while at < text.count - 1 {
      switch text[at] {
      case UInt8(ascii: "\\") where inString: at += 1
      case UInt8(ascii: "\""): inString.toggle()
      case UInt8(ascii: "{") where !inString, UInt8(ascii: "[") where !inString: depth += 1
      case UInt8(ascii: "}") where !inString, UInt8(ascii: "]") where !inString: depth -= 1
      case UInt8(ascii: ",") where !inString && depth == 0:
        members.append(String(decoding: text[start..<at], as: UTF8.self))
        start = at + 1
      default: break
      }
      at += 1
    }
    members.append(String(decoding: text[start..<max(start, text.count - 1)], as: UTF8.self))
    return "{" + members.sorted().joined(separator: ",") + "}"
  }
}
