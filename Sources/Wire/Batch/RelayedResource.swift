import Telemetry

/// What another Garner says of a resource that it passes on: where its records were stored first (`garner.store`,
/// `garner.ids`) and whose they are (`garner.source`).
struct RelayedResource {
  var store = ""
  /// One for each record of the resource in the order of the message, refused ones included.
  var ids: [Int64] = []
  /// Of the records that have rows.
  var taken: [Int64] = []
  var firstRow = 0
  var firstRecord = 0

  @inline(__always) mutating func take(_ recordIndex: Int) {
    let place = recordIndex - firstRecord
    taken.append(place < ids.count ? ids[place] : 0)
  }

  /// Varints: the first id, then differences, wrapping at 2^64; nil when the last one is cut off or too long.
  static func ids(_ bytes: UnsafeRawBufferPointer) -> [Int64]? {
    var ids: [Int64] = []
    ids.reserveCapacity(bytes.count)
    var id: UInt64 = 0
    var difference: UInt64 = 0
    var shift: UInt64 = 0
    for byte in bytes {
      guard shift < 64 else { return nil }
      difference |= UInt64(byte & 0x7f) << shift
      if byte >= 0x80 {
        shift += 7
        continue
      }
      id &+= difference
      ids.append(Int64(bitPattern: id))
      difference = 0
      shift = 0
    }
    return shift == 0 ? ids : nil
  }

  /// The longest source that is taken over from another Garner, without the name of its credential.
  static let sourceLimit = 128

  /// A character that a source cannot have becomes `_`.
  static func source(_ text: UnsafeRawBufferPointer) -> [UInt8] {
    var source: [UInt8] = []
    for byte in text where source.count < sourceLimit {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "/"),
        UInt8(ascii: "-"):
        source.append(byte)
      // Inside a character, whose first byte has given the `_`.
      case 0x80...0xbf: continue
      default: source.append(UInt8(ascii: "_"))
      }
    }
    return source
  }

  static func isStore(_ text: UnsafeRawBufferPointer) -> Bool {
    text.count == 36
      && text.enumerated().allSatisfy { index, byte in
        switch index {
        case 8, 13, 18, 23: byte == UInt8(ascii: "-")
        default: JSONHex.value(byte) < 16
        }
      }
  }
}

extension BatchBuilder {
  /// Takes what another Garner says out of the attributes of the open resource, so that these are what its sender sent.
  mutating func beginRelayed() {
    let attributes = resources[resources.count - 1].attributes
    let text = [UInt8](arena.bytes(Int(attributes.start), Int(attributes.count)))
    guard let found = RelayedAttributes(text) else { return }
    let start = arena.count
    arena.append(UInt8(ascii: "{"))
    for range in found.rest {
      if arena.count > start + 1 { arena.append(UInt8(ascii: ",")) }
      text[range].withUnsafeBytes { arena.append($0) }
    }
    arena.append(UInt8(ascii: "}"))
    resources[resources.count - 1].attributes = Slice(start: start, count: arena.count - start)
    guard !found.store.isEmpty else { return }
    if !found.source.isEmpty {
      let start = arena.count
      arena.appendOwn(Int(resourceSource.start), Int(resourceSource.count))
      arena.append(UInt8(ascii: "/"))
      found.source.withUnsafeBytes { arena.append($0) }
      resourceSource = Slice(start: start, count: arena.count - start)
    }
    relayed.store = found.store
    relayed.ids = found.ids
    relayed.firstRow = rows.count
    relayed.firstRecord = recordIndex
  }

  /// Ids that are not exactly one for each record are somebody else's: who has split or joined the message on its way did
  /// not know what they are.
  mutating func endRelayed() {
    guard !relayed.ids.isEmpty else { return }
    defer { relayed = RelayedResource() }
    guard relayed.ids.count == recordIndex - relayed.firstRecord else {
      warnings.append("garner.ids of a resource are not one for each of its records; they were left out of account")
      return
    }
    guard !relayed.taken.isEmpty else { return }
    let before = recordCount - relayed.taken.count
    identities.reserveCapacity(recordCount)
    while identities.count < before { identities.append(.unknown) }
    for id in relayed.taken { identities.append(RecordIdentity(store: relayed.store, id: id)) }
    nameRows()
  }

  /// `<store>:<id>` is the uid of a record that has none of its own, so that it keeps it on its way to further stores.
  private mutating func nameRows() {
    var ordinal = 0
    arena.append(relayed.store)
    arena.append(UInt8(ascii: ":"))
    let prefix = relayed.store.utf8.count + 1
    let prefixStart = arena.count - prefix
    for index in relayed.firstRow..<rows.count where rows[index].kind.isRecord {
      let id = relayed.taken[ordinal]
      ordinal += 1
      if rows[index].present.contains(.uid) { continue }
      let start = arena.count
      arena.appendOwn(prefixStart, prefix)
      arena.appendInteger(id)
      rows[index].uid = Slice(start: start, count: arena.count - start)
      rows[index].present.insert(.uid)
    }
  }
}

/// Attributes of a resource, sorted into those for us and the rest.
private struct RelayedAttributes {
  var store = ""
  var source: [UInt8] = []
  var ids: [Int64] = []
  /// Members as they are written.
  var rest: [Range<Int>] = []

  /// Nil: none is for us.
  init?(_ text: [UInt8]) {
    let isOurs = text.withUnsafeBytes { bytes -> Bool in
      do throws(JSONFault) {
        return try read(bytes)
      } catch {
        // Our own decoder has written it.
        return false
      }
    }
    guard isOurs else { return nil }
  }

  private mutating func read(_ text: UnsafeRawBufferPointer) throws(JSONFault) -> Bool {
    guard let base = text.baseAddress, var object = StoredObject(text) else { return false }
    var isOurs = false
    while let key = try object.next() {
      let start = key.baseAddress.map { $0 - base - 1 } ?? 0
      let value = try object.cursor.storedValue()
      if key.spells("garner.store") {
        let inside = Self.inside(value)
        if RelayedResource.isStore(inside) { store = String(decoding: inside, as: UTF8.self) }
      } else if key.spells("garner.source") {
        source = RelayedResource.source(Self.inside(value))
      } else if key.spells("garner.ids") {
        ids = try Self.ids(value)
      } else if !key.spells("garner.protected") {
        rest.append(start..<object.cursor.at - base.assumingMemoryBound(to: UInt8.self))
        continue
      }
      isOurs = true
    }
    return isOurs
  }

  /// A string without its quotes; nothing for any other value.
  private static func inside(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    guard value.count >= 2, value[0] == UInt8(ascii: "\"") else { return UnsafeRawBufferPointer(rebasing: value[..<0]) }
    return UnsafeRawBufferPointer(rebasing: value[1..<value.count - 1])
  }

  /// `{"$bytes":"…"}`
  private static func ids(_ value: UnsafeRawBufferPointer) throws(JSONFault) -> [Int64] {
    guard value.first == UInt8(ascii: "{"), var object = StoredObject(value), let key = try object.next(),
      key.spells("$bytes")
    else { return [] }
    var bytes = Arena(capacity: value.count)
    try object.cursor.base64(into: &bytes)
    return RelayedResource.ids(bytes.bytes(0, bytes.count)) ?? []
  }
}
