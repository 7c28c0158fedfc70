/// Structured metadata of an entry: names that occur once, and texts.
struct LokiMetadata: ~Copyable {
  typealias Bytes = UnsafeRawBufferPointer

  /// In the order in which they get their names.
  enum Kind: UInt8 {
    case fixed, record, scope, resource

    var prefix: StaticString? {
      switch self {
      case .fixed, .record: nil
      case .scope: "scope_"
      case .resource: "resource_"
      }
    }
  }

  struct Piece {
    var start = 0
    var count = 0
  }

  struct Entry {
    var name = Piece()
    /// As it was sent: of two attributes of a kind that would have one name, the lesser one gets it.
    var key = Piece()
    var value = Piece()
    var hash: UInt64 = 0
    var kind = Kind.fixed
  }

  private(set) var text = Arena(capacity: 4_096)
  var entries: [Entry] = []
  /// Of names and values.
  private(set) var byteCount = 0

  func bytes(_ piece: Piece) -> Bytes { text.bytes(piece.start, piece.count) }

  mutating func removeAll() {
    text.truncate(to: 0)
    entries.removeAll(keepingCapacity: true)
    byteCount = 0
  }

  // MARK: adding

  /// Begins an entry whose value is to be written with `write`; `name` is one of ours.
  mutating func add(_ name: StaticString, _ write: (inout Arena) throws(JSONFault) -> Void) throws(JSONFault) {
    var entry = Entry()
    entry.name.start = text.count
    text.append(name)
    entry.name.count = text.count - entry.name.start
    entry.key = entry.name
    entry.value.start = text.count
    try write(&text)
    entry.value.count = text.count - entry.value.start
    place(entry)
  }

  /// An attribute; maps become an entry for each of their members.
  mutating func add(_ kind: Kind, _ member: StoredAttributes.Member) throws(JSONFault) {
    let start = text.count
    try appendKey(member.key)
    try add(kind, Piece(start: start, count: text.count - start), member.value, depth: 0)
  }

  private mutating func appendKey(_ key: Bytes) throws(JSONFault) {
    guard key.hasBackslash, let start = key.baseAddress else { return text.append(key) }
    // The quote behind a key is there: it was read as a string.
    guard var cursor = JSONCursor(Bytes(start: start, count: key.count + 1)) else { return }
    try cursor.text(into: &text)
  }

  private mutating func add(_ kind: Kind, _ key: Piece, _ value: Bytes, depth: Int) throws(JSONFault) {
    if value.first == UInt8(ascii: "{"), depth < 100, try Arena.special(value) == nil,
      var object = StoredObject(value)
    {
      while let name = try object.next() {
        let inner = try object.cursor.storedValue()
        let start = text.count
        text.appendOwn(key.start, key.count)
        text.append("_")
        try appendKey(name.withoutEscape)
        try add(kind, Piece(start: start, count: text.count - start), inner, depth: depth + 1)
      }
      return
    }
    var entry = Entry()
    entry.kind = kind
    entry.key = key
    entry.name.start = text.count
    // Room first: the key lies in the same memory.
    text.reserve(key.count + 8)
    LokiName.write(text.bytes(key.start, key.count), &text)
    entry.name.count = text.count - entry.name.start
    entry.value.start = text.count
    try text.appendText(value)
    entry.value.count = text.count - entry.value.start
    place(entry)
  }

  /// An entry of another list.
  mutating func add(_ other: borrowing LokiMetadata, _ index: Int) {
    var entry = other.entries[index]
    entry.name = copy(other.bytes(entry.name))
    entry.key = copy(other.bytes(entry.key))
    entry.value = copy(other.bytes(entry.value))
    place(entry)
  }

  private mutating func copy(_ bytes: Bytes) -> Piece {
    let start = text.count
    text.append(bytes)
    return Piece(start: start, count: bytes.count)
  }

  // MARK: names

  func index(of hash: UInt64) -> Int? {
    for index in entries.indices where entries[index].hash == hash { return index }
    return nil
  }

  /// Under its name, or under the next one that is free.
  private mutating func place(_ entry: Entry) {
    var entry = entry
    entry.hash = QuickHash.hash(bytes(entry.name))
    var root = entry.name
    var isPrefixed = false
    var number = 1
    while let other = index(of: entry.hash) {
      let isSameKind = entries[other].kind == entry.kind
      if isSameKind && precedes(entry.key, entries[other].key) {
        swap(&entry.key, &entries[other].key)
        swap(&entry.value, &entries[other].value)
        byteCount += entries[other].value.count - entry.value.count
      }
      if !isSameKind && !isPrefixed, let prefix = entry.kind.prefix {
        isPrefixed = true
        entry.name.start = text.count
        text.append(prefix)
        text.appendOwn(root.start, root.count)
        entry.name.count = text.count - entry.name.start
        root = entry.name
      } else {
        number += 1
        entry.name.start = text.count
        text.appendOwn(root.start, root.count)
        text.append("_")
        text.appendInteger(Int64(number))
        entry.name.count = text.count - entry.name.start
      }
      entry.hash = QuickHash.hash(bytes(entry.name))
    }
    byteCount += entry.name.count + entry.value.count
    entries.append(entry)
  }

  private func precedes(_ a: Piece, _ b: Piece) -> Bool { bytes(a).lexicographicallyPrecedes(bytes(b)) }

  // MARK: limits

  /// Brings it within what Loki takes. `isCut`: something else of the entry was cut already.
  mutating func limit(isCut: Bool) {
    let isTooLong = byteCount > LokiLimit.metadataBytes
    let room = isCut || isTooLong ? LokiLimit.metadata - 1 : LokiLimit.metadata
    if entries.count > room { gather(from: room - 1) }
    if isTooLong { cutValues() }
    guard isCut || isTooLong else { return }
    let start = text.count
    text.append("true")
    let value = Piece(start: start, count: 4)
    var entry = Entry()
    entry.name.start = text.count
    text.append("truncated")
    entry.name.count = text.count - entry.name.start
    entry.key = entry.name
    entry.value = value
    place(entry)
  }

  /// Puts what comes from `first` on into one entry.
  private mutating func gather(from first: Int) {
    let start = text.count
    var comma: StaticString = "{\""
    for entry in entries[first...] {
      text.append(comma)
      comma = ",\""
      // The names are plain; the values lie in the same memory, which may move while it is written.
      text.appendOwn(entry.name.start, entry.name.count)
      text.append("\":")
      text.reserve(entry.value.count * 6 + 2)
      text.appendJSONString(text.bytes(entry.value.start, entry.value.count))
      byteCount -= entry.name.count + entry.value.count
    }
    text.append("}")
    entries.removeLast(entries.count - first)
    var entry = Entry()
    entry.value = Piece(start: start, count: text.count - start)
    entry.name.start = text.count
    text.append("attributes_more")
    entry.name.count = text.count - entry.name.start
    entry.key = entry.name
    place(entry)
  }

  /// Cuts the longest values to one length.
  private mutating func cutValues() {
    // Room for `truncated` and its text.
    var room = LokiLimit.metadataBytes - 64
    for entry in entries { room -= entry.name.count }
    let lengths = entries.map(\.value.count).sorted()
    var left = lengths.count
    var limit = 0
    for length in lengths {
      if length * left > room {
        limit = max(0, room / left)
        break
      }
      room -= length
      left -= 1
      limit = length
    }
    for index in entries.indices where entries[index].value.count > limit {
      let shorter = bytes(entries[index].value).cut(to: limit).count
      byteCount -= entries[index].value.count - shorter
      entries[index].value.count = shorter
    }
  }
}
