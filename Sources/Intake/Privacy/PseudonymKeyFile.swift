import Glibc
import Telemetry

/// The file of pseudonym keys, JSON lines, mode 0600:
///
/// ```
/// {"id":"5f1c90aa","key":"<64 hexadecimal digits>","created":"2026-02-03T04:05:06.000000Z","active":true}
/// ```
///
/// Made with one key at the first start. The key of an event is a further line with `"active":false`, the same on all its
/// relays. Whoever has the file can try ids until one fits: it is never logged, sent or copied.
package enum PseudonymKeyFile {
  package enum Fault: Error, Equatable, CustomStringConvertible {
    /// The errno of what failed.
    case failed(path: String, operation: String, code: Int32)
    /// Others than the owner may read or write it.
    case tooOpen(path: String)
    case badLine(path: String, line: Int)
    case noKey(path: String)
    /// Which one to use is not said, or said twice. `line`: the second one.
    case noneActive(path: String)
    case severalActive(path: String, line: Int)
    /// There were keys, and the store has pseudonyms made with them.
    case lost(path: String)

    package var description: String {
      switch self {
      case .failed(let path, let operation, let code): "\(path): \(operation): \(String(cString: strerror(code)))"
      case .tooOpen(let path): "\(path): others may read it; set its mode to 0600"
      case .badLine(let path, let line):
        "\(path): line \(line): expected {\"id\",\"key\" (64 hexadecimal digits),\"created\",\"active\"}, each id once"
      case .noKey(let path): "\(path): there is no key in it"
      case .noneActive(let path): "\(path): no line has \"active\":true; one must"
      case .severalActive(let path, let line):
        "\(path): line \(line): a line before has \"active\":true already; keys of events and of the past have false"
      case .lost(let path):
        """
        \(path) is gone, and what is stored has pseudonyms made with it: under a new key every player would be somebody \
        else, could not be asked for by the id, and who was erased could come back. Put the file back from its backup; \
        to go on with a new key on purpose write that into the file (docs/privacy.md, "A lost key")
        """
      }
    }
  }

  /// Reads the file; makes it, and its folder, when there is none. `now`: nanoseconds since 1970.
  package static func open(_ path: String, now: Int64) throws(Fault) -> PseudonymKeys {
    if let keys = try read(path) { return keys }
    try make(path, now)
    guard let keys = try read(path) else { throw .failed(path: path, operation: "open", code: ENOENT) }
    return keys
  }

  /// Nil when there is none.
  package static func read(_ path: String) throws(Fault) -> PseudonymKeys? {
    let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw .failed(path: path, operation: "open", code: errno)
    }
    defer { _ = close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw .failed(path: path, operation: "fstat", code: errno) }
    guard status.st_mode & 0o077 == 0 else { throw .tooOpen(path: path) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = Glibc.read(file, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .failed(path: path, operation: "read", code: errno) }
      if count == 0 { break }
      bytes += piece[..<count]
    }
    return try parse(bytes, path)
  }

  private static func parse(_ bytes: [UInt8], _ path: String) throws(Fault) -> PseudonymKeys {
    var entries: [PseudonymKeys.Entry] = []
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where line.contains(where: { $0 > 0x20 }) {
      guard let entry = entry(Array(line)), !entries.contains(where: { $0.id == entry.id }) else {
        throw .badLine(path: path, line: index + 1)
      }
      if entry.active, entries.contains(where: \.active) { throw .severalActive(path: path, line: index + 1) }
      entries.append(entry)
    }
    if !entries.isEmpty, !entries.contains(where: \.active) { throw .noneActive(path: path) }
    guard let keys = PseudonymKeys(entries) else { throw .noKey(path: path) }
    return keys
  }

  private static func entry(_ line: [UInt8]) -> PseudonymKeys.Entry? {
    guard let members = FlatObject.members(line), let id = members["id"], !id.isEmpty,
      let key = members["key"].flatMap({ Hexadecimal.bytes($0) }), key.count == 32
    else { return nil }
    let active = members["active"] ?? "true"
    guard active == "true" || active == "false" else { return nil }
    return PseudonymKeys.Entry(id: id, key: key, created: members["created"] ?? "", active: active == "true")
  }

  // MARK: the first start

  /// Appears whole or not at all: written beside its place, then linked there; who comes second finds the first one's.
  private static func make(_ path: String, _ now: Int64) throws(Fault) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    if mkdir(folder, 0o700) != 0 && errno != EEXIST { throw .failed(path: folder, operation: "mkdir", code: errno) }
    var random = SystemRandomNumberGenerator()
    let key = (0..<4).flatMap { _ in withUnsafeBytes(of: random.next() as UInt64) { Array($0) } }
    let id = withUnsafeBytes(of: random.next() as UInt32) { Hexadecimal.text($0) }
    let line =
      "{\"id\":\"\(id)\",\"key\":\"\(Hexadecimal.text(key))\",\"created\":\"\(Timestamp.text(now))\",\"active\":true}\n"
    let beside = "\(path).\(getpid()).\(id)"
    let file = Glibc.open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw .failed(path: beside, operation: "open", code: errno) }
    defer { _ = unlink(beside) }
    let bytes = Array(line.utf8)
    let isWritten = write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0
    let code = errno
    _ = close(file)
    guard isWritten else { throw .failed(path: beside, operation: "write", code: code) }
    if link(beside, path) != 0 && errno != EEXIST { throw .failed(path: path, operation: "link", code: errno) }
    let directory = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory >= 0 {
      _ = fsync(directory)
      _ = close(directory)
    }
  }
}

/// One JSON object of strings, numbers and truth values, as files of keys have in each line.
enum FlatObject {
  /// Strings decoded, others as written; nil for anything else.
  static func members(_ line: [UInt8]) -> [String: String]? {
    line.withUnsafeBufferPointer { text in
      guard JSONText.isContainer(text), let open = text.first(where: { $0 > 0x20 }), open == UInt8(ascii: "{") else {
        return nil
      }
      var members: [String: String] = [:]
      var words: [String] = []
      var at = 0
      while at < text.count {
        switch text[at] {
        case UInt8(ascii: "\""):
          let start = at + 1
          at = start
          while text[at] != UInt8(ascii: "\"") { at += text[at] == UInt8(ascii: "\\") ? 2 : 1 }
          words.append(
            String(decoding: JSONText.decoded(UnsafeBufferPointer(rebasing: text[start..<at])), as: UTF8.self))
          at += 1
        case UInt8(ascii: "{"), UInt8(ascii: "["):
          // A second container is none of ours.
          if !words.isEmpty { return nil }
          at += 1
        case UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0...0x20: at += 1
        default:
          let start = at
          while TextClass.isWord(text[at]) || [0x2b, 0x2d, 0x2e].contains(text[at]) { at += 1 }
          words.append(String(decoding: text[start..<at], as: UTF8.self))
        }
        if words.count == 2 {
          members[words[0]] = words[1]
          words = []
          // So that a container behind this is not taken for the first.
          if text[at...].contains(where: { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "[") }) { return nil }
        }
      }
      return members
    }
  }
}

extension Hexadecimal {
  /// Nil for an odd number of digits or anything that is no digit.
  static func bytes(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0, digits.allSatisfy(TextClass.isHex) else { return nil }
    func value(_ digit: UInt8) -> UInt8 { TextClass.isDigit(digit) ? digit & 15 : (digit & 15) + 9 }
    return stride(from: 0, to: digits.count, by: 2).map { value(digits[$0]) << 4 | value(digits[$0 + 1]) }
  }
}
