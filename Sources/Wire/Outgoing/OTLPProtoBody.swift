import Telemetry

/// ExportTraceServiceRequest, ExportMetricsServiceRequest or ExportLogsServiceRequest of a part of a parcel. They have
/// the same numbers for the same levels: resources 1; resource 1, scopes 2, schema_url 3; scope 1, items 2,
/// schema_url 3.
struct OTLPProtoBody {
  private let contents: OTLPParcelContents
  private let items: [ParcelItem]
  private let groups: OTLPParcelGroups
  private let ids: [[UInt8]]?
  private let hasMetrics: Bool
  /// Content of the messages of the levels, by index; of a metric that of the message with its points.
  private var resourceSizes: [Int]
  private var scopeSizes: [Int]
  private var pointSizes: [Int]
  private var size = 0

  init(_ contents: OTLPParcelContents, _ items: [ParcelItem], _ groups: OTLPParcelGroups) {
    self.contents = contents
    self.items = items
    self.groups = groups
    ids = OTLPParcelIDs.all(contents, items, groups)
    hasMetrics = contents.signal == .metrics
    var resourceSizes = [Int](repeating: 0, count: contents.resources.count)
    var scopeSizes = [Int](repeating: 0, count: contents.scopes.count)
    var pointSizes = [Int](repeating: 0, count: contents.metrics.count)
    var size = 0
    let ids = ids
    func itemSizes(_ group: Int) -> Int {
      var sum = 0
      groups.items.forEach(of: group) {
        let item = items[groups.offset + $0]
        sum &+= ProtoSize.field(item.end &- item.start)
      }
      return sum
    }
    groups.resources.forEach(of: 0) { resource in
      let level = contents.resources[resource]
      var resourceSize = ProtoSize.field(Self.headSize(level, ids?[resource])) + level.tail.count
      groups.scopes.forEach(of: resource) { scope in
        let level = contents.scopes[scope]
        var scopeSize = ProtoSize.field(level.head.count) + level.tail.count
        if contents.signal == .metrics {
          groups.metrics.forEach(of: scope) { metric in
            let level = contents.metrics[metric]
            pointSizes[metric] = itemSizes(metric) + level.tail.count
            scopeSize += ProtoSize.field(level.head.count + ProtoSize.field(pointSizes[metric]))
          }
        } else {
          scopeSize += itemSizes(scope)
        }
        scopeSizes[scope] = scopeSize
        resourceSize += ProtoSize.field(scopeSize)
      }
      resourceSizes[resource] = resourceSize
      size += ProtoSize.field(resourceSize)
    }
    self.resourceSizes = resourceSizes
    self.scopeSizes = scopeSizes
    self.pointSizes = pointSizes
    self.size = size
  }

  // MARK: garner.ids

  private static let idsKey: StaticString = "garner.ids"

  /// Content of Resource.
  private static func headSize(_ level: OTLPParcelLevel, _ ids: [UInt8]?) -> Int {
    guard let ids else { return level.head.count }
    return level.head.count + ProtoSize.field(attributeSize(ids))
  }

  /// Content of the KeyValue.
  private static func attributeSize(_ ids: [UInt8]) -> Int {
    ProtoSize.field(idsKey.utf8CodeUnitCount) + ProtoSize.field(ProtoSize.field(ids.count))
  }

  private static func writeAttribute(_ ids: [UInt8], _ out: inout OTLPBodyWriter) {
    out.open(0x0a, attributeSize(ids))
    out.open(0x0a, idsKey.utf8CodeUnitCount)
    out.put(idsKey)
    out.open(0x12, ProtoSize.field(ids.count))
    out.open(0x3a, ids.count)
    ids.withUnsafeBytes { out.put($0) }
  }

  // MARK: writing

  func bytes() -> [UInt8] {
    OTLPBodyWriter.bytes(size) { out in
      groups.resources.forEach(of: 0) { resource in
        let level = contents.resources[resource]
        out.open(0x0a, resourceSizes[resource])
        out.open(0x0a, Self.headSize(level, ids?[resource]))
        out.put(contents.range(level.head))
        if let ids { Self.writeAttribute(ids[resource], &out) }
        groups.scopes.forEach(of: resource) { write(scope: $0, &out) }
        out.put(contents.range(level.tail))
      }
    }
  }

  private func write(scope: Int, _ out: inout OTLPBodyWriter) {
    let level = contents.scopes[scope]
    out.open(0x12, scopeSizes[scope])
    out.open(0x0a, level.head.count)
    out.put(contents.range(level.head))
    if hasMetrics {
      groups.metrics.forEach(of: scope) { metric in
        let level = contents.metrics[metric]
        out.open(0x12, level.head.count + ProtoSize.field(pointSizes[metric]))
        out.put(contents.range(level.head))
        out.open(level.wrapper, pointSizes[metric])
        write(itemsOf: metric, 0x0a, &out)
        out.put(contents.range(level.tail))
      }
    } else {
      write(itemsOf: scope, 0x12, &out)
    }
    out.put(contents.range(level.tail))
  }

  private func write(itemsOf group: Int, _ tag: UInt8, _ out: inout OTLPBodyWriter) {
    groups.items.forEach(of: group) {
      let item = items[groups.offset + $0]
      out.open(tag, item.end &- item.start)
      out.put(contents.range(item.start..<item.end))
    }
  }
}
