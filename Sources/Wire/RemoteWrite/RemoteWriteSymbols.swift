import Glibc

/// The texts of a request of remote write 2.0, each once; number 0 is the empty one (CONFORMANCE RW-07).
struct RemoteWriteSymbols: ~Copyable {
  private var table = InternTable(capacity: 256)
  private var arena = Arena(capacity: 4096)
  private var scratch: [UInt8] = []
  private var places: [(start: Int, count: Int)] = []

  mutating func reference(_ text: UnsafeRawBufferPointer) -> UInt32 {
    guard let start = text.baseAddress, !text.isEmpty else { return 0 }
    let hash = QuickHash.hash(text)
    let found = table.find(hash) { index in
      let place = places[index]
      return place.count == text.count && memcmp(arena.base + place.start, start, text.count) == 0
    }
    if let found { return UInt32(found) + 1 }
    places.append((arena.count, text.count))
    arena.append(text)
    table.insert(hash)
    return UInt32(places.count)
  }

  mutating func reference(_ text: [UInt8], _ suffix: StaticString) -> UInt32 {
    if suffix.utf8CodeUnitCount == 0 { return text.withUnsafeBytes { reference($0) } }
    scratch.removeAll(keepingCapacity: true)
    scratch += text
    scratch += UnsafeBufferPointer(start: suffix.utf8Start, count: suffix.utf8CodeUnitCount)
    return scratch.withUnsafeBytes { reference($0) }
  }

  /// The fields of the request that hold them.
  func message(room: Int) -> PromMessage {
    var message = PromMessage(capacity: room + arena.count + 4 * places.count + 16)
    message.bytes(4, UnsafeRawBufferPointer(start: nil, count: 0))
    for place in places { message.bytes(4, arena.bytes(place.start, place.count)) }
    return message
  }
}
