import Telemetry

/// What a span has of its resource and scope: the local endpoint and tags.
struct ZipkinOrigin {
  /// With the comma before it.
  private(set) var localEndpoint: [UInt8] = []
  /// `"key":"text"` one behind the other with commas between them.
  private var tags: [UInt8] = []
  private var ranges: [Range<Int>] = []
  private var keys: [UInt64] = []
  private var table = InternTable(capacity: 64)

  /// Scope attributes and names come first: where a resource has the same, theirs count.
  init(_ record: OTLPRecord, _ filter: AttributeFilter) throws(JSONFault) {
    var scratch = Arena(capacity: 1_024)
    var out = Arena(capacity: 1_024)
    try addScope(record.scope, filter, &out, &scratch)
    var service = UnsafeRawBufferPointer(start: nil, count: 0)
    var resource = StoredAttributes(record.resource.attributes)
    while let member = try resource.next() {
      guard filter.allows(stored: member.key) else { continue }
      if member.key.spells("service.name") {
        service = member.value
      } else {
        try add("", member, &out, &scratch)
      }
    }
    tags = [UInt8](out.bytes(0, out.count))
    out.truncate(to: 0)
    out.append(",\"localEndpoint\":{\"serviceName\":")
    let start = out.count
    try out.appendTextString(service, &scratch)
    if out.count - start <= 2 {
      out.truncate(to: start)
      out.append("\"unknown_service\"")
    }
    out.append("}")
    localEndpoint = [UInt8](out.bytes(0, out.count))
  }

  /// With the older names too, which Zipkin's users know.
  private mutating func addScope(
    _ scope: OTLPRecord.Scope, _ filter: AttributeFilter, _ out: inout Arena, _ scratch: inout Arena
  ) throws(JSONFault) {
    add("otel.scope.name", scope.name, &out)
    add("otel.scope.version", scope.version, &out)
    add("otel.library.name", scope.name, &out)
    add("otel.library.version", scope.version, &out)
    var attributes = StoredAttributes(scope.attributes)
    while let member = try attributes.next() {
      guard filter.allows(stored: member.key) else { continue }
      try add("otel.scope.", member, &out, &scratch)
    }
  }

  private mutating func add(_ key: StaticString, _ text: UnsafeRawBufferPointer, _ out: inout Arena) {
    guard !text.isEmpty else { return }
    let start = begin(&out)
    out.append(key)
    guard keep(start, &out) else { return }
    out.append("\":")
    out.appendJSONString(text)
    ranges[ranges.count - 1] = start..<out.count
  }

  private mutating func add(
    _ prefix: StaticString, _ member: StoredAttributes.Member, _ out: inout Arena, _ scratch: inout Arena
  ) throws(JSONFault) {
    let start = begin(&out)
    out.append(prefix)
    out.append(member.key)
    guard keep(start, &out) else { return }
    out.append("\":")
    try out.appendTextString(member.value, &scratch)
    ranges[ranges.count - 1] = start..<out.count
  }

  private func begin(_ out: inout Arena) -> Int {
    if out.count > 0 { out.append(",") }
    out.append("\"")
    return out.count - 1
  }

  /// False, and nothing written, when the key behind `start` is there already.
  private mutating func keep(_ start: Int, _ out: inout Arena) -> Bool {
    let key = out.bytes(start + 1, out.count - start - 1)
    if index(of: key) != nil {
      out.truncate(to: start > 0 ? start - 1 : 0)
      return false
    }
    let hash = QuickHash.hash(key)
    table.insert(hash)
    keys.append(hash)
    ranges.append(start..<start)
    return true
  }

  /// Which of the tags has this key.
  func index(of key: UnsafeRawBufferPointer) -> Int? {
    let hash = QuickHash.hash(key)
    return table.find(hash) { keys[$0] == hash }
  }

  func write(_ out: inout Arena, but clashes: [Int], _ first: Int) {
    if clashes.isEmpty {
      guard !tags.isEmpty else { return }
      if out.count > first { out.append(",") }
      return out.append(tags[...])
    }
    for (index, range) in ranges.enumerated() where !clashes.contains(index) {
      if out.count > first { out.append(",") }
      out.append(tags[range])
    }
  }
}
