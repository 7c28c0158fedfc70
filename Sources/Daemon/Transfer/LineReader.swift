import Glibc

/// The lines of a file, one after the other, in constant memory; the last may lack its newline (CONFORMANCE FILE-01).
final class LineReader {
  struct Line: Sendable {
    /// Counted from 1.
    var number: Int
    /// Offset of its first byte in the content.
    var offset: Int64
    /// Without newline and carriage return; empty when it was too long.
    var bytes: [UInt8]
    var isTooLong: Bool
    /// It ended with the file and not with a newline.
    var isUnfinished: Bool
  }

  private let file: ImportFile
  private let limit: Int
  private var buffer: [UInt8] = []
  private var start = 0
  private var number = 0
  private var offset: Int64 = 0
  private var isAtEnd = false

  /// Lines of more than `limit` bytes are passed over.
  init(_ file: ImportFile, limit: Int) {
    self.file = file
    self.limit = limit
  }

  func next() throws -> Line? {
    var searched = start
    var passed = 0
    while true {
      if let end = newline(searched) { return take(end, passed, isUnfinished: false) }
      if buffer.count - start > limit {
        passed += buffer.count - start
        start = buffer.count
      }
      searched = buffer.count - start
      buffer.removeFirst(start)
      start = 0
      if isAtEnd {
        return buffer.isEmpty && passed == 0 ? nil : take(buffer.count, passed, isUnfinished: true)
      }
      try fill()
    }
  }

  private func newline(_ from: Int) -> Int? {
    buffer.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, from < bytes.count,
        let found = memchr(base + from, 0x0a, bytes.count - from)
      else { return nil }
      return UnsafeRawPointer(found) - base
    }
  }

  private func take(_ end: Int, _ passed: Int, isUnfinished: Bool) -> Line {
    var bytes = buffer[start..<end]
    let length = Int64(end - start + passed + (isUnfinished ? 0 : 1))
    if bytes.last == 0x0d { bytes.removeLast() }
    number += 1
    let line = Line(
      number: number, offset: offset, bytes: passed > 0 ? [] : Array(bytes), isTooLong: passed > 0,
      isUnfinished: isUnfinished)
    offset += length
    start = min(end + 1, buffer.count)
    return line
  }

  private func fill() throws {
    let size = 1 << 18
    let old = buffer.count
    buffer.append(contentsOf: repeatElement(0, count: size))
    var count = 0
    defer { buffer.removeLast(size - count) }
    count = try buffer.withUnsafeMutableBytes {
      try file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[old...]))
    }
    isAtEnd = count == 0
  }
}
