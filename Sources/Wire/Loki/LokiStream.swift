import Telemetry

/// One set of labels.
final class LokiStream: Sendable {
  /// The same in every run: what is remembered of a stream is found by it.
  let id: UInt64
  /// `{a="b", c="d"}`, by name, quoted as Go does it.
  let labels: [UInt8]
  /// The same as a JSON object.
  let json: [UInt8]

  /// `labels` have distinct names.
  init(_ labels: [(name: [UInt8], value: [UInt8])]) {
    let sorted = labels.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    var text = Arena(capacity: 512)
    var object = Arena(capacity: 512)
    text.append("{")
    object.append("{")
    for (index, label) in sorted.enumerated() {
      if index > 0 {
        text.append(", ")
        object.append(",")
      }
      text.append(label.name[...])
      text.append("=\"")
      for byte in label.value { text.appendGoQuoted(byte) }
      text.append("\"")
      label.name.withUnsafeBytes { _ = object.appendJSONString($0) }
      object.append(":")
      label.value.withUnsafeBytes { _ = object.appendJSONString($0) }
    }
    text.append("}")
    object.append("}")
    self.labels = [UInt8](text.bytes(0, text.count))
    json = [UInt8](object.bytes(0, object.count))
    var hash = KeyedHash(k0: 0x6c6f_6b69, k1: 0x7374_7265_616d).start()
    hash.add(text.bytes(0, text.count))
    id = hash.finish().high
  }
}

extension Arena {
  fileprivate mutating func appendGoQuoted(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): append("\\\"")
    case UInt8(ascii: "\\"): append("\\\\")
    case 0x0a: append("\\n")
    case 0x0d: append("\\r")
    case 0x09: append("\\t")
    case 0..<0x20, 0x7f:
      append("\\x")
      append(Self.hexDigit(byte >> 4))
      append(Self.hexDigit(byte & 15))
    default: append(byte)
    }
  }
}

/// What is remembered of a stream between batches.
final class LokiStreamState {
  /// Newest time that was sent on the usual road.
  var newest = Int64.min
  /// Arrival of its last record; nil: it is not counted among the streams.
  var seen: Int64?
  /// Place among the streams of the present batch.
  var slot: Int?
}

/// The streams within an hour of arrivals.
struct LokiStreams {
  private(set) var states: [UInt64: LokiStreamState] = [:]
  private let limit: Int
  /// Of those that are counted.
  private(set) var openCount = 0
  /// Arrival at which the silent ones were last looked for.
  private var lastSweep = Int64.min
  /// Records whose stream was one too many.
  private(set) var limitedCount: Int64 = 0

  /// Nanoseconds of arrivals between two searches while there are too many.
  private static let sweepInterval: Int64 = 10 * 1_000_000_000

  init(limit: Int) { self.limit = limit }

  /// Whether a record that arrived then may go to the stream.
  mutating func admits(_ state: LokiStreamState, at arrival: Int64) -> Bool {
    if let seen = state.seen {
      state.seen = max(seen, arrival)
      return true
    }
    if openCount >= limit { sweep(arrival) }
    guard openCount < limit else {
      limitedCount += 1
      return false
    }
    state.seen = arrival
    openCount += 1
    return true
  }

  mutating func state(of stream: LokiStream) -> LokiStreamState {
    if let known = states[stream.id] { return known }
    let state = LokiStreamState()
    states[stream.id] = state
    return state
  }

  private mutating func sweep(_ arrival: Int64) {
    guard lastSweep == Int64.min || arrival &- lastSweep >= Self.sweepInterval else { return }
    lastSweep = arrival
    for state in states.values {
      if let seen = state.seen, arrival &- seen > LokiLimit.streamLife {
        state.seen = nil
        openCount -= 1
      }
    }
  }

  /// Forgets streams that are not counted once there are far too many of them; true when it did: nobody may keep
  /// their states then.
  mutating func forget() -> Bool {
    guard states.count > 2 * max(limit, 10_000) else { return false }
    states = states.filter { $0.value.seen != nil }
    return true
  }

  // MARK: state

  private static let version: UInt64 = 1

  /// Version, last sweep, records over the limit, then for each stream id, newest, whether counted and last arrival.
  func encoded() -> [UInt8] {
    var out = Arena(capacity: 64 + states.count * 32)
    out.append(word: Self.version)
    out.append(word: UInt64(bitPattern: lastSweep))
    out.append(word: UInt64(bitPattern: limitedCount))
    for (id, state) in states.sorted(by: { $0.key < $1.key }) {
      out.append(word: id)
      out.append(word: UInt64(bitPattern: state.newest))
      out.append(word: state.seen == nil ? 0 : 1)
      out.append(word: UInt64(bitPattern: state.seen ?? 0))
    }
    return [UInt8](out.bytes(0, out.count))
  }

  mutating func restore(_ bytes: [UInt8]) -> Bool {
    guard !bytes.isEmpty else { return true }
    let words = bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
    }
    guard bytes.count % 8 == 0, words.count >= 3, (words.count - 3) % 4 == 0, words[0] == Self.version else {
      return false
    }
    lastSweep = Int64(bitPattern: words[1])
    limitedCount = Int64(bitPattern: words[2])
    states = [:]
    openCount = 0
    for at in stride(from: 3, to: words.count, by: 4) {
      let state = LokiStreamState()
      state.newest = Int64(bitPattern: words[at + 1])
      if words[at + 2] == 1 {
        state.seen = Int64(bitPattern: words[at + 3])
        openCount += 1
      }
      states[words[at]] = state
    }
    return true
  }
}
