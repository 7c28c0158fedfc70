import Telemetry

/// What a destination writes for a resource and a scope, kept by the bytes of both: records that follow each other
/// nearly always share them, and their attributes are the larger part of what is sent.
struct RecordOrigins<Value>: ~Copyable {
  private let parts: RecordOriginParts
  /// Bytes of the keys.
  private var keys = Arena(capacity: 4_096)
  /// Of the one that is looked for.
  private var wanted = Arena(capacity: 1_024)
  private var table = InternTable(capacity: 64)
  private var spans: [(start: Int, count: Int)] = []
  private(set) var values: [Value] = []
  private var last = -1

  /// Then all are forgotten: a sender whose resources never repeat must not fill the memory.
  static var limit: Int { 4_096 }

  init(_ parts: RecordOriginParts = []) { self.parts = parts }

  /// Index of the record's value in `values`, made by `make` when it is not there.
  mutating func index(
    of record: OTLPRecord, _ make: () throws(JSONFault) -> Value
  ) throws(JSONFault) -> Int {
    write(record)
    if last >= 0 && equals(last) { return last }
    let hash = QuickHash.hash(wanted.bytes(0, wanted.count))
    if let found = table.find(hash, { equals($0) }) {
      last = found
      return found
    }
    let value = try make()
    if values.count >= Self.limit { removeAll() }
    spans.append((keys.count, wanted.count))
    keys.append(wanted.bytes(0, wanted.count))
    table.insert(hash)
    values.append(value)
    last = values.count - 1
    return last
  }

  mutating func removeAll() {
    last = -1
    table = InternTable(capacity: 64)
    spans = []
    values = []
    keys.truncate(to: 0)
  }

  @inline(__always) private func equals(_ index: Int) -> Bool {
    let span = spans[index]
    return span.count == wanted.count && wanted.bytes(0, span.count).holds(keys.bytes(span.start, span.count))
  }

  /// Each text behind its length.
  private mutating func write(_ record: OTLPRecord) {
    wanted.truncate(to: 0)
    wanted.appendCounted(record.resource.attributes)
    wanted.appendCounted(record.scope.name)
    wanted.appendCounted(record.scope.version)
    wanted.appendCounted(record.scope.attributes)
    wanted.appendCounted(record.resource.schemaURL)
    wanted.appendCounted(record.scope.schemaURL)
    wanted.append(word: UInt64(record.resource.dropped) << 32 | UInt64(record.scope.dropped))
    if parts.isEmpty { return }
    if parts.contains(.component), let origin = record.origin { wanted.appendCounted(origin.component) }
    if parts.contains(.gameModule), let origin = record.origin { wanted.appendCounted(origin.gameModule) }
    if parts.contains(.category) { wanted.appendCounted(record.category) }
  }
}

/// Parts of a row that are told apart too.
struct RecordOriginParts: OptionSet {
  let rawValue: UInt8
  static var component: RecordOriginParts { RecordOriginParts(rawValue: 1) }
  static var gameModule: RecordOriginParts { RecordOriginParts(rawValue: 2) }
  static var category: RecordOriginParts { RecordOriginParts(rawValue: 4) }
}

extension Arena {
  @inline(__always) mutating func append(word: UInt64) {
    reserve(8)
    UnsafeMutableRawPointer(base + count).storeBytes(of: word, as: UInt64.self)
    count &+= 8
  }

  @inline(__always) fileprivate mutating func appendCounted(_ bytes: UnsafeRawBufferPointer) {
    append(word: UInt64(bytes.count))
    append(bytes)
  }
}

extension UnsafeRawBufferPointer {
  /// The same bytes as `other`, of which there are as many.
  @inline(__always) func holds(_ other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    var at = 0
    while at &+ 8 <= count {
      if loadUnaligned(fromByteOffset: at, as: UInt64.self) != other.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      {
        return false
      }
      at &+= 8
    }
    while at < count {
      if self[at] != other[at] { return false }
      at &+= 1
    }
    return true
  }
}
