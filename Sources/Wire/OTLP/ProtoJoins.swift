/// Joined bytes of fields that may occur once and occurred again: two encoded messages behind each other are their merger.
///
/// Lives as long as the walk, because cursors point into it. What may be joined is bounded, since joined messages can lie in
/// joined messages.
struct ProtoJoins: ~Copyable {
  private var blocks: [UnsafeMutableRawPointer] = []
  private var room: Int

  init(bodyBytes: Int) { room = 2 * bodyBytes + 4096 }

  deinit {
    for block in blocks { block.deallocate() }
  }

  /// All occurrences of `field` in `message`, joined.
  mutating func join(_ field: UInt32, of message: ProtoCursor) throws(ProtoFault) -> ProtoCursor {
    var total = 0
    var cursor = message
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      if tag.field == field { total += try cursor.range(tag).count } else { try cursor.skip(tag) }
    }
    guard total <= room else { throw message.fault(.tooManyRepeats) }
    room -= total + 64
    let block = UnsafeMutableRawPointer.allocate(byteCount: max(total, 1), alignment: 1)
    blocks.append(block)
    var written = 0
    cursor = message
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      if tag.field == field {
        let part = try cursor.range(tag)
        (block + written).copyMemory(from: part.at, byteCount: part.count)
        written += part.count
      } else {
        try cursor.skip(tag)
      }
    }
    let start = UnsafePointer(block.assumingMemoryBound(to: UInt8.self))
    return ProtoCursor(at: start, end: start + written)
  }
}
