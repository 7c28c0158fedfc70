import Telemetry

/// Takes the keys that `attributes.deny` names out of the values of attributes and bodies, however deep, before a format
/// sees them; attributes themselves are the format's to leave out.
package final class DenyingBuilder: ParcelBuilder {
  private let builder: any ParcelBuilder
  private var inner: InnerKeys

  package init(_ builder: any ParcelBuilder, deny: [String]) {
    self.builder = builder
    inner = InnerKeys(AttributeFilter(deny: deny))
  }

  package func add(_ record: OTLPRecord) -> ParcelTake {
    inner.begin()
    var changed = record
    do throws(JSONFault) {
      let texts = try inner.without(record)
      changed.data = inner.bytes(texts.data) ?? record.data
      changed.ext = inner.bytes(texts.ext) ?? record.ext
      changed.seriesAttributes = inner.bytes(texts.series) ?? record.seriesAttributes
      changed.resource.attributes = inner.bytes(texts.resource) ?? record.resource.attributes
      changed.scope.attributes = inner.bytes(texts.scope) ?? record.scope.attributes
      changed.metric.metadata = inner.bytes(texts.metadata) ?? record.metric.metadata
    } catch {
      // What cannot be read does not leave: each format refuses this in its own way.
      let unreadable = inner.unreadable()
      (changed.data, changed.seriesAttributes) = (unreadable, unreadable)
      (changed.resource.attributes, changed.scope.attributes) = (unreadable, unreadable)
    }
    return builder.add(changed)
  }

  package var pendingRecords: Int { builder.pendingRecords }
  package var pendingBytes: Int { builder.pendingBytes }
  package var heldRecords: Int { builder.heldRecords }
  package var activeSeries: Int? { builder.activeSeries }
  package var activeStreams: Int? { builder.activeStreams }
  package func advance(_ now: Int64) { builder.advance(now) }
  package func cut(laneCount: Int) -> [any Parcel] { builder.cut(laneCount: laneCount) }
  package func state() -> [UInt8] { builder.state() }
  package func restore(_ state: [UInt8]) -> Bool { builder.restore(state) }
}

/// Writes stored JSON again without some keys of maps.
private struct InnerKeys: ~Copyable {
  typealias Bytes = UnsafeRawBufferPointer

  /// Places in what was written; nil: as it was.
  struct Texts {
    var data: Range<Int>?
    var ext: Range<Int>?
    var series: Range<Int>?
    var resource: Range<Int>?
    var scope: Range<Int>?
    var metadata: Range<Int>?
  }

  private enum Keys {
    /// All of them stay.
    case attributes
    case inner
  }

  private let filter: AttributeFilter
  private var out = Arena(capacity: 1_024)
  private var hasDropped = false

  init(_ filter: AttributeFilter) { self.filter = filter }

  mutating func begin() { out.truncate(to: 0) }

  func bytes(_ range: Range<Int>?) -> Bytes? { range.map { out.bytes($0.lowerBound, $0.count) } }

  /// No JSON.
  mutating func unreadable() -> Bytes {
    out.truncate(to: 0)
    out.append("!")
    return out.bytes(0, 1)
  }

  mutating func without(_ record: OTLPRecord) throws(JSONFault) -> Texts {
    var texts = Texts()
    if !record.kind.isPoint {
      let hasMoved = record.kind != .span && record.bits & Bits.attributesMoved != 0
      texts.data = try attributes(record.data, hasMoved: hasMoved)
    }
    texts.ext = try ext(record.ext)
    texts.series = try attributes(record.seriesAttributes)
    texts.resource = try attributes(record.resource.attributes)
    texts.scope = try attributes(record.scope.attributes)
    texts.metadata = try attributes(record.metric.metadata)
    return texts
  }

  /// Few have a map anywhere: those are passed over at the speed of memory.
  private static func hasMaps(_ json: Bytes) -> Bool { json.dropFirst().contains(UInt8(ascii: "{")) }

  private mutating func written(
    _ write: (inout Self) throws(JSONFault) -> Void
  ) throws(JSONFault) -> Range<Int>? {
    let start = out.count
    hasDropped = false
    try write(&self)
    if hasDropped { return start..<out.count }
    out.truncate(to: start)
    return nil
  }

  /// `hasMoved`: the member `attributes` holds attributes too.
  private mutating func attributes(_ json: Bytes, hasMoved: Bool = false) throws(JSONFault) -> Range<Int>? {
    guard Self.hasMaps(json), let cursor = JSONCursor(json) else { return nil }
    return try written { (keys: inout Self) throws(JSONFault) in
      var cursor = cursor
      try keys.object(&cursor, .attributes, hasMoved: hasMoved, depth: 0)
    }
  }

  /// What links and exemplars have of attributes.
  private mutating func ext(_ json: Bytes) throws(JSONFault) -> Range<Int>? {
    guard Self.hasMaps(json), let cursor = JSONCursor(json) else { return nil }
    return try written { (keys: inout Self) throws(JSONFault) in
      var object = StoredObject(cursor)
      keys.out.append("{")
      var comma: StaticString = "\""
      while let name = try object.next() {
        keys.name(name, &comma)
        if name.spells("links") || name.spells("exemplars") {
          try keys.list(&object.cursor)
        } else {
          keys.out.append(try object.cursor.storedValue())
        }
      }
      keys.out.append("}")
    }
  }

  private mutating func list(_ c: inout JSONCursor) throws(JSONFault) {
    var list = StoredArray(c)
    out.append("[")
    var isFirst = true
    while try list.next() {
      out.append(isFirst ? "{" : ",{")
      isFirst = false
      var comma: StaticString = "\""
      var item = StoredObject(list.cursor)
      while let name = try item.next() {
        self.name(name, &comma)
        if name.spells("attributes") || name.spells("filtered_attributes") {
          try object(&item.cursor, .attributes, hasMoved: false, depth: 0)
        } else {
          out.append(try item.cursor.storedValue())
        }
      }
      out.append("}")
      list.cursor = item.cursor
    }
    out.append("]")
    c = list.cursor
  }

  private mutating func name(_ key: Bytes, _ comma: inout StaticString) {
    out.append(comma)
    comma = ",\""
    out.append(key)
    out.append("\":")
  }

  private mutating func object(
    _ c: inout JSONCursor, _ keys: Keys, hasMoved: Bool, depth: Int
  ) throws(JSONFault) {
    guard depth < StoredObject.depthLimit else { throw c.fault(.tooDeep) }
    var object = StoredObject(c)
    out.append("{")
    var comma: StaticString = "\""
    while let key = try object.next() {
      if keys == .inner, !Self.isOurs(key), !filter.allows(stored: key.withoutEscape) {
        _ = try object.cursor.storedValue()
        hasDropped = true
        continue
      }
      name(key, &comma)
      if hasMoved && key.spells("attributes") {
        try self.object(&object.cursor, .attributes, hasMoved: false, depth: depth + 1)
      } else {
        try value(&object.cursor, depth: depth + 1)
      }
    }
    out.append("}")
    c = object.cursor
  }

  /// `$bytes` and `$double`: a key that a sender began with `$` has a second one.
  private static func isOurs(_ key: Bytes) -> Bool {
    key.first == UInt8(ascii: "$") && (key.count < 2 || key[1] != UInt8(ascii: "$"))
  }

  private mutating func value(_ c: inout JSONCursor, depth: Int) throws(JSONFault) {
    switch try c.peek() {
    case UInt8(ascii: "{"): try object(&c, .inner, hasMoved: false, depth: depth)
    case UInt8(ascii: "["):
      guard depth < StoredObject.depthLimit else { throw c.fault(.tooDeep) }
      var list = StoredArray(c)
      out.append("[")
      var isFirst = true
      while try list.next() {
        if !isFirst { out.append(",") }
        isFirst = false
        try value(&list.cursor, depth: depth + 1)
      }
      out.append("]")
      c = list.cursor
    default: out.append(try c.storedValue())
    }
  }
}
