/// One contiguous piece of memory for one body, from the socket or from zlib to the decoder without another copy.
///
/// Freed by `deinit`; a class, so that a body can be held across an `await` and let go in the middle of a function.
/// `@unchecked Sendable`: one task fills it, and nobody writes once it has been handed on.
package final class OwnedBytes: @unchecked Sendable {
  private var base: UnsafeMutableRawPointer
  package private(set) var capacity: Int
  package private(set) var count = 0

  package init(capacity: Int) {
    self.capacity = max(capacity, 1)
    base = .allocate(byteCount: self.capacity, alignment: 16)
  }

  deinit { base.deallocate() }

  /// Dies with the object: never keep it.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  package func append(_ piece: UnsafeRawBufferPointer) {
    guard let source = piece.baseAddress else { return }
    if capacity - count < piece.count { grow(to: max(count + piece.count, capacity * 2)) }
    (base + count).copyMemory(from: source, byteCount: piece.count)
    count += piece.count
  }

  /// Room behind the bytes for a writer that says afterwards how much of it was used.
  var room: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: base + count, count: capacity - count)
  }

  func use(_ written: Int) { count += written }

  package func grow(to wanted: Int) {
    guard wanted > capacity else { return }
    let wider = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
    wider.copyMemory(from: base, byteCount: count)
    base.deallocate()
    base = wider
    capacity = wanted
  }
}
