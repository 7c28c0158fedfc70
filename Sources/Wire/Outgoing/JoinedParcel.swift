/// Bytes that parcels of one cut share. Freed by `deinit`.
///
/// `@unchecked Sendable`: nobody writes them any more.
final class ParcelBytes: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  init(taking arena: inout Arena) { bytes = arena.take() }

  deinit { bytes.deallocate() }
}

/// A parcel whose message is its items' texts one behind the other, or with a comma between them.
package final class JoinedParcel: Parcel {
  package let items: [ParcelItem]
  package var lane: UInt64? { nil }
  package let road: Int
  private let shape: Shape
  private let bytes: ParcelBytes

  enum Shape: Sendable {
    /// Items end with a newline.
    case lines
    /// `[item,item]`; behind each item is a byte that does not belong to it.
    case array
  }

  /// The items lie in `bytes` in their order.
  init(_ shape: Shape, road: Int, _ items: [ParcelItem], _ bytes: ParcelBytes) {
    self.shape = shape
    self.road = road
    self.items = items
    self.bytes = bytes
  }

  /// Others may share the bytes before and behind its own.
  package var byteCount: Int {
    (items.last?.end ?? 0) - (items.first?.start ?? 0) + items.count * MemoryLayout<ParcelItem>.stride
  }

  package func body(_ range: Range<Int>, form: Int) -> [UInt8] {
    let count = range.isEmpty ? 0 : items[range.upperBound - 1].end - items[range.lowerBound].start
    let piece = UnsafeRawBufferPointer(
      rebasing: bytes.bytes[(range.isEmpty ? 0 : items[range.lowerBound].start)...].prefix(count))
    switch shape {
    case .lines: return [UInt8](piece)
    case .array:
      return [UInt8](unsafeUninitializedCapacity: count + 2) { out, written in
        out[0] = UInt8(ascii: "[")
        UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(out)[1...]).copyMemory(from: piece)
        out[count + 1] = UInt8(ascii: "]")
        written = count + 2
      }
    }
  }
}

extension Parcel {
  /// First and last row id of some of the items.
  package func ids(_ range: Range<Int>) -> ClosedRange<Int64>? {
    guard let first = items[range].first else { return nil }
    var ids = first.id...first.id
    for item in items[range] { ids = min(ids.lowerBound, item.id)...max(ids.upperBound, item.id) }
    return ids
  }
}
