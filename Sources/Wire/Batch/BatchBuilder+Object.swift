import Telemetry

/// Keys of ours inside `data`, which attributes may not shadow (DESIGN §5): such attributes move into `"attributes":{}`.
enum ReservedKeys {
  case none
  /// `body`, `attributes`
  case log
  /// `span_id`, `attributes`
  case spanEvent
  /// `value`, `count`, `sum`, `min`, `max`, `metric`, `attributes`
  case point

  @inline(__always) func contains(_ key: UnsafeRawBufferPointer) -> Bool {
    switch self {
    case .none: false
    case .log: key.spells("body") || key.spells("attributes")
    case .spanEvent: key.spells("span_id") || key.spells("attributes")
    case .point:
      key.spells("value") || key.spells("count") || key.spells("sum") || key.spells("min") || key.spells("max")
        || key.spells("metric") || key.spells("attributes")
    }
  }
}

/// An object being written into the arena: `beginObject`, then `key` and a value each, then `endObject`.
struct ObjectMark {
  var start: Int
  var firstKey: Int
  /// Leading members that are not attributes (a log's `body`): never duplicates, never moved.
  var ownMembers = 0
  var duplicates = false
  var reserved = false
}

extension BatchBuilder {
  @inline(__always) mutating func beginObject() -> ObjectMark {
    let mark = ObjectMark(start: arena.count, firstKey: keyHashes.count)
    arena.append(UInt8(ascii: "{"))
    return mark
  }

  /// Writes a member name of ours, e.g. `"body":`; to be called before the first attribute.
  mutating func ownKey(_ name: StaticString, in mark: inout ObjectMark) {
    if mark.ownMembers > 0 { arena.append(UInt8(ascii: ",")) }
    mark.ownMembers += 1
    arena.append(UInt8(ascii: "\""))
    arena.append(name)
    arena.append("\":")
  }

  /// Writes `"key":` with a comma where one is due. A key that begins with `$` gets a second one, so that the escapes
  /// `$bytes` and `$double` stay unambiguous.
  @inline(__always) mutating func key(
    _ key: UnsafeRawBufferPointer, in mark: inout ObjectMark, reserved: ReservedKeys = .none
  ) {
    let hash = UInt32(truncatingIfNeeded: QuickHash.hash(key))
    let known = keyHashes.count &- mark.firstKey
    if known <= Self.comparedKeys && keyHashes.contains(hash, from: mark.firstKey) { mark.duplicates = true }
    keyHashes.append(hash)
    if reserved.contains(key) { mark.reserved = true }
    if !arena.appendKey(key, comma: known &+ mark.ownMembers > 0) { replacedTexts += 1 }
  }

  /// Objects with more keys are searched for duplicates once, at their end, by sorting.
  private static var comparedKeys: Int { 32 }

  /// Closes the object. Of equal keys the last wins (DM-05, counted). `moved` says that reserved keys now lie in `"attributes"`.
  @inline(__always) mutating func endObject(
    _ mark: ObjectMark, reserved: ReservedKeys = .none
  ) -> (slice: Slice, moved: Bool) {
    endObject(mark, reserved, keepingText: false)
  }

  /// The same for the attributes of a level: values that were noted in a `Promoted` stay where they are, also when the
  /// object has to be written again.
  @inline(__always) mutating func endAttributes(
    _ mark: ObjectMark, reserved: ReservedKeys = .none
  ) -> (slice: Slice, moved: Bool) {
    endObject(mark, reserved, keepingText: true)
  }

  @inline(__always) private mutating func endObject(
    _ mark: ObjectMark, _ reserved: ReservedKeys, keepingText: Bool
  ) -> (slice: Slice, moved: Bool) {
    arena.append(UInt8(ascii: "}"))
    var mark = mark
    let known = keyHashes.count &- mark.firstKey
    if known > 0 {
      if known > Self.comparedKeys { mark.duplicates = keyHashes.hasEqual(from: mark.firstKey) }
      keyHashes.truncate(to: mark.firstKey)
      if mark.duplicates || mark.reserved { rewriteObject(&mark, reserved, keepingText) }
    }
    return (Slice(start: mark.start, count: arena.count &- mark.start), mark.reserved)
  }

  /// The rare case: members are cut out of the written text and put together again, in its place or behind it.
  @inline(never) private mutating func rewriteObject(
    _ mark: inout ObjectMark, _ reserved: ReservedKeys, _ keepingText: Bool
  ) {
    let text = [UInt8](arena.bytes(mark.start, arena.count - mark.start))
    rewrittenBytes += text.count
    if keepingText { mark.start = arena.count } else { arena.truncate(to: mark.start) }
    // By key, the number of its last member. Members are not kept in a list: there may be millions.
    var last: [ArraySlice<UInt8>: Int] = [:]
    var members = JSONMembers(text)
    var count = 0
    while let member = members.next() {
      if count >= mark.ownMembers { last[text[member.key]] = count }
      count += 1
    }
    droppedDuplicateKeys += count - mark.ownMembers - last.count
    arena.append(UInt8(ascii: "{"))
    let stayed = appendMembers(of: text) { number, key in
      number < mark.ownMembers || (last[key] == number && !key.withUnsafeBytes { reserved.contains($0) })
    }
    if mark.reserved {
      if stayed > 0 { arena.append(UInt8(ascii: ",")) }
      arena.append("\"attributes\":{")
      _ = appendMembers(of: text) { number, key in
        number >= mark.ownMembers && last[key] == number && key.withUnsafeBytes { reserved.contains($0) }
      }
      arena.append(UInt8(ascii: "}"))
    }
    arena.append(UInt8(ascii: "}"))
  }

  /// How many were written.
  private mutating func appendMembers(
    of text: [UInt8], where belongs: (Int, ArraySlice<UInt8>) -> Bool
  ) -> Int {
    var members = JSONMembers(text)
    var number = 0
    var written = 0
    while let member = members.next() {
      if belongs(number, text[member.key]) {
        if written > 0 { arena.append(UInt8(ascii: ",")) }
        text[member.all].withUnsafeBytes { arena.append($0) }
        written += 1
      }
      number += 1
    }
    return written
  }
}
