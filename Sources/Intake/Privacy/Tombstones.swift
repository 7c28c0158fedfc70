import Glibc
import Wire

/// Whose records were erased, and when: what is older and comes again, over whatever door, is erased as well.
///
/// `<data>/keys/tombstones.jsonl`, JSON lines, mode 0600; no file, no tombstones:
///
/// ```
/// {"pseudonym":"p_2d7e9dae0ea469bf556e","at":"2026-02-03T04:05:06.000000Z"}
/// ```
package struct Tombstones: Sendable, Equatable {
  /// Nanoseconds since 1970 by pseudonym.
  private(set) var times: [[UInt8]: Int64] = [:]

  package init() {}

  package var isEmpty: Bool { times.isEmpty }
  package var count: Int { times.count }

  /// The later of two times counts.
  package mutating func add(_ pseudonym: String, at time: Int64) {
    times[Array(pseudonym.utf8), default: .min] = max(times[Array(pseudonym.utf8)] ?? .min, time)
  }

  func time(_ pseudonym: UnsafeRawBufferPointer) -> Int64? { times[Array(pseudonym)] }

  // MARK: the file

  package enum Fault: Error, Equatable, CustomStringConvertible {
    case failed(path: String, code: Int32)
    case tooOpen(path: String)
    case badLine(path: String, line: Int)

    package var description: String {
      switch self {
      case .failed(let path, let code): "\(path): \(String(cString: strerror(code)))"
      case .tooOpen(let path): "\(path): others may read it; set its mode to 0600"
      case .badLine(let path, let line): "\(path): line \(line): expected {\"pseudonym\",\"at\"}"
      }
    }
  }

  package static func read(_ path: String) throws(Fault) -> Tombstones {
    let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return Tombstones() }
      throw .failed(path: path, code: errno)
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw .failed(path: path, code: errno) }
    guard status.st_mode & 0o077 == 0 else { throw .tooOpen(path: path) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(file, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .failed(path: path, code: errno) }
      if count == 0 { break }
      bytes += piece[..<count]
    }
    return try parse(bytes, path)
  }

  private static func parse(_ bytes: [UInt8], _ path: String) throws(Fault) -> Tombstones {
    var tombstones = Tombstones()
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where line.contains(where: { $0 > 0x20 }) {
      guard let members = FlatObject.members(Array(line)), let pseudonym = members["pseudonym"],
        Pseudonym.looksLike(Array(pseudonym.utf8)), let at = members["at"].flatMap({ EventTime.nanoseconds($0) })
      else { throw .badLine(path: path, line: index + 1) }
      tombstones.add(pseudonym, at: at)
    }
    return tombstones
  }
}
