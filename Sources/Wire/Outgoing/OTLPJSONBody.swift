import Telemetry

/// The same request as JSON: heads end where their children begin.
struct OTLPJSONBody {
  private let contents: OTLPParcelContents
  private let items: [ParcelItem]
  private let groups: OTLPParcelGroups
  /// Texts of the attributes `garner.ids`.
  private let ids: [[UInt8]]?

  init(_ contents: OTLPParcelContents, _ items: [ParcelItem], _ groups: OTLPParcelGroups) {
    self.contents = contents
    self.items = items
    self.groups = groups
    ids = OTLPParcelIDs.all(contents, items, groups)?.map(Self.attribute)
  }

  private static func attribute(_ ids: [UInt8]) -> [UInt8] {
    var text = Arena(capacity: 64 + ids.count / 3 * 4)
    text.append(",{\"key\":\"garner.ids\",\"value\":{\"bytesValue\":\"")
    ids.withUnsafeBytes { text.appendBase64($0) }
    text.append("\"}}")
    return [UInt8](text.bytes(0, text.count))
  }

  private var start: StaticString {
    switch contents.signal {
    case .traces: "{\"resourceSpans\":["
    case .metrics: "{\"resourceMetrics\":["
    case .logs: "{\"resourceLogs\":["
    }
  }

  func bytes() -> [UInt8] {
    var size = start.utf8CodeUnitCount + 2
    walk { size += $0.count }
    return OTLPBodyWriter.bytes(size) { out in
      out.put(start)
      walk { out.put($0) }
      out.put("]}")
    }
  }

  private static let comma: [UInt8] = [UInt8(ascii: ",")]

  /// All pieces, in order.
  private func walk(_ put: (UnsafeRawBufferPointer) -> Void) {
    Self.comma.withUnsafeBytes { comma in
      groups.resources.forEach(of: 0) { resource in
        if !groups.resources.isFirst(resource, of: 0) { put(comma) }
        let level = contents.resources[resource]
        if let ids {
          put(contents.range(level.head.lowerBound..<level.split))
          ids[resource].withUnsafeBytes { put($0) }
          put(contents.range(level.split..<level.head.upperBound))
        } else {
          put(contents.range(level.head))
        }
        groups.scopes.forEach(of: resource) { scope in
          if !groups.scopes.isFirst(scope, of: resource) { put(comma) }
          put(contents.range(contents.scopes[scope].head))
          if contents.signal == .metrics {
            groups.metrics.forEach(of: scope) { metric in
              if !groups.metrics.isFirst(metric, of: scope) { put(comma) }
              put(contents.range(contents.metrics[metric].head))
              walk(itemsOf: metric, comma, put)
              put(contents.range(contents.metrics[metric].tail))
            }
          } else {
            walk(itemsOf: scope, comma, put)
          }
          put(contents.range(contents.scopes[scope].tail))
        }
        put(contents.range(level.tail))
      }
    }
  }

  private func walk(
    itemsOf group: Int, _ comma: UnsafeRawBufferPointer, _ put: (UnsafeRawBufferPointer) -> Void
  ) {
    groups.items.forEach(of: group) { place in
      if !groups.items.isFirst(place, of: group) { put(comma) }
      let item = items[groups.offset + place]
      put(contents.range(item.start..<item.end))
    }
  }
}
