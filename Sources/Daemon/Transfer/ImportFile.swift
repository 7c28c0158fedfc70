import Glibc
import Store
import Wire

/// A file to import, as a stream of bytes: gzip and Zstandard are taken off on the way.
final class ImportFile {
  let path: String
  private enum Coding { case plain, gzip, zstd }

  private let coding: Coding
  private let descriptor: Int32
  private let length: Int64
  private var stream = InflateStream()
  private var frames = ZstdStream()
  private var input: [UInt8] = []
  private var inputStart = 0
  private var taken: Int64 = 0

  init(_ path: String) throws(FileError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw FileError("open", path) }
    length = FileSystem.length(path)
    var head: [UInt8] = [0, 0, 0, 0]
    _ = pread(descriptor, &head, 4, 0)
    coding = head.starts(with: [0x1f, 0x8b]) ? .gzip : head == ZstdStream.magic ? .zstd : .plain
  }

  deinit { close(descriptor) }

  /// Begins anew.
  func rewind() throws(FileError) {
    guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw FileError("seek", path) }
    stream = InflateStream()
    frames = ZstdStream()
    input = []
    inputStart = 0
    taken = 0
  }

  /// How much of the file has been read, 0 to 1.
  var fraction: Double { Double(taken) / Double(max(1, length)) }

  /// How many bytes were written; 0 at the end.
  func read(into output: UnsafeMutableRawBufferPointer) throws -> Int {
    guard coding != .plain else { return try readPlain(into: output) }
    while true {
      var isAtEnd = false
      if inputStart == input.count {
        inputStart = 0
        input = [UInt8](repeating: 0, count: 1 << 17)
        let count = try input.withUnsafeMutableBytes { try readPlain(into: $0) }
        input.removeLast(input.count - count)
        isAtEnd = count == 0
      }
      let used: Int
      let written: Int
      do throws(InflateError) {
        (used, written) = try inflate(into: output)
      } catch {
        throw ImportError(path, "\(coding): \(error)")
      }
      inputStart += used
      if written > 0 { return written }
      if isAtEnd && (coding == .gzip ? stream.isWhole : frames.isWhole) { return 0 }
      if isAtEnd || used == 0 && inputStart < input.count {
        throw ImportError(path, "\(coding): the file is cut off")
      }
    }
  }

  private func inflate(into output: UnsafeMutableRawBufferPointer) throws(InflateError) -> (Int, Int) {
    let start = inputStart
    return try input.withUnsafeBufferPointer { bytes throws(InflateError) in
      let rest = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[start...]))
      return coding == .gzip ? try stream.inflate(rest, into: output) : try frames.inflate(rest, into: output)
    }
  }

  private func readPlain(into output: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    while true {
      let count = Glibc.read(descriptor, output.baseAddress, output.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { throw FileError("read", path) }
      taken += Int64(count)
      return count
    }
  }

  /// The first bytes of the content, at most `count`; begins anew.
  func head(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let more = try bytes.withUnsafeMutableBytes {
        try read(into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
      }
      if more == 0 { break }
      filled += more
    }
    try rewind()
    return Array(bytes[..<filled])
  }

  /// All of it, unless it is longer than `limit`; begins anew.
  func whole(limit: Int) throws -> [UInt8]? {
    let bytes = try head((coding != .plain ? limit : min(limit, Int(length))) + 1)
    return bytes.count > limit ? nil : bytes
  }

  /// SHA-256 of the content; begins anew.
  func digest() throws -> String {
    var digest = FileDigest()
    var piece = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = try piece.withUnsafeMutableBytes { try read(into: $0) }
      if count == 0 { break }
      piece.withUnsafeBytes { digest.add(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
    try rewind()
    return digest.hex
  }

  /// The content as a file without a name beside the other temporary ones, which is gone once `body` has opened it.
  func unpacked<Result>(_ body: (String) throws -> Result) throws -> Result {
    guard coding != .plain else { return try body(path) }
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp"
    var name = Array((folder + "/garner-import-XXXXXX").utf8CString)
    let target = mkstemp(&name)
    guard target >= 0 else { throw FileError("create", folder) }
    let temporary = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
      close(target)
      unlink(temporary)
    }
    var piece = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = try piece.withUnsafeMutableBytes { try read(into: $0) }
      if count == 0 { break }
      var done = 0
      while done < count {
        let written = piece.withUnsafeBytes { Glibc.write(target, $0.baseAddress.map { $0 + done }, count - done) }
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { throw FileError("write", temporary) }
        done += written
      }
    }
    return try body(temporary)
  }
}
