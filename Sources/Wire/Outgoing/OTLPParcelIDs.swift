import Telemetry

/// `garner.ids` of a resource: its items' ids in the order in which they are in the message, as varints; the first one,
/// then differences, wrapping at 2^64, for the order of a message is not that of the ids.
struct OTLPParcelIDs {
  private(set) var bytes: [UInt8] = []
  private var last: UInt64 = 0

  mutating func append(_ id: Int64) {
    var rest = UInt64(bitPattern: id) &- last
    last = UInt64(bitPattern: id)
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// Of all resources of the contents, empty for those without items; nil without provenance.
  static func all(
    _ contents: OTLPParcelContents, _ items: [ParcelItem], _ groups: OTLPParcelGroups
  ) -> [[UInt8]]? {
    guard contents.hasProvenance else { return nil }
    var all = [[UInt8]](repeating: [], count: contents.resources.count)
    groups.resources.forEach(of: 0) { resource in
      var ids = OTLPParcelIDs()
      func add(_ group: Int) {
        groups.items.forEach(of: group) { ids.append(contents.id(items[groups.offset + $0])) }
      }
      groups.scopes.forEach(of: resource) { scope in
        if contents.signal == .metrics { groups.metrics.forEach(of: scope, add) } else { add(scope) }
      }
      all[resource] = ids.bytes
    }
    return all
  }
}

/// Writes into memory of known size.
struct OTLPBodyWriter {
  private let to: UnsafeMutableRawBufferPointer
  private(set) var count = 0

  init(_ to: UnsafeMutableRawBufferPointer) { self.to = to }

  @inline(__always) mutating func put(_ byte: UInt8) {
    to[count] = byte
    count &+= 1
  }

  @inline(__always) mutating func put(_ bytes: UnsafeRawBufferPointer) {
    UnsafeMutableRawBufferPointer(rebasing: to[count..<count + bytes.count]).copyMemory(from: bytes)
    count &+= bytes.count
  }

  mutating func put(_ text: StaticString) {
    put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  @inline(__always) mutating func varint(_ number: Int) {
    var rest = UInt64(truncatingIfNeeded: number)
    while rest >= 0x80 {
      put(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    put(UInt8(truncatingIfNeeded: rest))
  }

  /// A tag and a length.
  @inline(__always) mutating func open(_ tag: UInt8, _ length: Int) {
    put(tag)
    varint(length)
  }

  /// Bytes of exactly `size`.
  static func bytes(_ size: Int, _ write: (inout OTLPBodyWriter) -> Void) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      var writer = OTLPBodyWriter(UnsafeMutableRawBufferPointer(buffer))
      write(&writer)
      count = writer.count
    }
  }
}
