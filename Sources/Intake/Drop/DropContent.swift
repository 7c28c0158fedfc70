import Crypto
import Glibc
import Wire

/// The bytes of a file without their compression, one after the other.
///
/// `@unchecked Sendable`: used by one thread at a time.
final class DropContent: @unchecked Sendable {
  enum Coding: Sendable { case plain, gzip, zstd }

  static let limitBytes: Int64 = 8 << 30
  static let limitRatio: Int64 = 256

  let coding: Coding
  private let file: Int32
  /// Bytes of the file that belong to this content: what a writer adds later is not read.
  let length: Int64
  private var position: Int64 = 0
  private var gzip = InflateStream()
  private var zstd = ZstdStream()
  private var input: [UInt8] = []
  private var inputStart = 0
  /// Bytes given so far.
  private(set) var offset: Int64 = 0

  private let stopping: DropStop

  /// `file` stays the caller's. After `stopping` nothing is read: what it looks like then means nothing.
  init(_ file: Int32, length: Int64, stopping: DropStop) {
    self.stopping = stopping
    self.file = file
    self.length = length
    var head: [UInt8] = [0, 0, 0, 0]
    let count = pread(file, &head, 4, 0)
    let isGzip = count >= 2 && head[0] == 0x1f && head[1] == 0x8b
    coding = isGzip ? .gzip : count == 4 && head == ZstdStream.magic ? .zstd : .plain
  }

  /// Zero at the end. Throws `truncated` when the compression breaks off or breaks.
  func read(into output: UnsafeMutableRawBufferPointer) throws(DropFault) -> Int {
    let count = try coding == .plain ? readRaw(into: output) : inflate(into: output)
    offset += Int64(count)
    return count
  }

  private func inflate(into output: UnsafeMutableRawBufferPointer) throws(DropFault) -> Int {
    while true {
      var isAtEnd = false
      if inputStart == input.count {
        inputStart = 0
        input = [UInt8](repeating: 0, count: 1 << 17)
        var count = 0
        var failure: DropFault?
        input.withUnsafeMutableBytes { room in
          do throws(DropFault) { count = try readRaw(into: room) } catch { failure = error }
        }
        if let failure { throw failure }
        input.removeLast(input.count - count)
        isAtEnd = count == 0
      }
      var step = (taken: 0, written: 0)
      var isBroken = false
      input.withUnsafeBytes { bytes in
        let rest = UnsafeRawBufferPointer(rebasing: bytes[inputStart...])
        do throws(InflateError) {
          step = try coding == .gzip ? gzip.inflate(rest, into: output) : zstd.inflate(rest, into: output)
        } catch {
          isBroken = true
        }
      }
      inputStart += step.taken
      if step.written > 0 { return step.written }
      if isBroken { throw DropFault(.truncated, at: offset) }
      if isAtEnd && (coding == .gzip ? gzip.isWhole : zstd.isWhole) { return 0 }
      if isAtEnd || step.taken == 0 && inputStart < input.count { throw DropFault(.truncated, at: offset) }
    }
  }

  private func readRaw(into output: UnsafeMutableRawBufferPointer) throws(DropFault) -> Int {
    let wanted = Int(min(Int64(output.count), length - position))
    if wanted <= 0 { return 0 }
    if stopping.isSet { throw DropFault(.truncated, at: offset) }
    while true {
      let count = pread(file, output.baseAddress, wanted, off_t(position))
      if count < 0 && errno == EINTR { continue }
      // Shorter than it was: somebody cuts it.
      if count <= 0 { throw DropFault(.truncated, at: offset) }
      position += Int64(count)
      return count
    }
  }

  /// Begins anew.
  func rewind() {
    position = 0
    offset = 0
    gzip = InflateStream()
    zstd = ZstdStream()
    input = []
    inputStart = 0
  }

  func skip(to target: Int64) throws(DropFault) {
    if coding == .plain {
      position = min(target, length)
      offset = position
      return
    }
    var room = [UInt8](repeating: 0, count: 1 << 18)
    while offset < target {
      let wanted = Int(min(Int64(room.count), target - offset))
      let count = try fill(&room, 0, wanted)
      if count == 0 { throw DropFault(.truncated, at: offset) }
    }
  }

  /// Appends `size` bytes, or as many as there are. A content that breaks off gives what comes before, and the fault.
  func append(_ size: Int, to buffer: inout [UInt8]) -> (isAtEnd: Bool, fault: DropFault?) {
    let old = buffer.count
    buffer.append(contentsOf: repeatElement(0, count: size))
    var filled = 0
    defer { buffer.removeLast(size - filled) }
    do throws(DropFault) {
      while filled < size {
        let more = try fill(&buffer, old + filled, size - filled)
        if more == 0 { return (true, nil) }
        filled += more
      }
    } catch { return (true, error) }
    return (false, nil)
  }

  /// Reads once into `buffer` from `start` on, at most `count` bytes.
  func fill(_ buffer: inout [UInt8], _ start: Int, _ count: Int) throws(DropFault) -> Int {
    var got = 0
    var failure: DropFault?
    buffer.withUnsafeMutableBytes { bytes in
      do throws(DropFault) {
        got = try read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[start..<(start + count)]))
      } catch { failure = error }
    }
    if let failure { throw failure }
    return got
  }

  /// The first bytes, at most `count`, also of a content that breaks off; begins anew.
  func head(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    _ = append(count, to: &bytes)
    rewind()
    return bytes
  }

  /// All of it; nil: longer than `limit`, or it breaks off. Begins anew.
  func whole(limit: Int) -> [UInt8]? {
    let bytes = head(coding == .plain ? Int(min(Int64(limit), length)) + 1 : limit + 1)
    return bytes.count > limit ? nil : bytes
  }

  /// Whether it stays within 8 GiB and 256 : 1: walks through all of a compressed content, so that of a bomb nothing is
  /// stored. Begins anew.
  func isTooBig() -> Bool {
    guard coding != .plain else { return length > Self.limitBytes }
    let most = min(Self.limitBytes, length.multipliedReportingOverflow(by: Self.limitRatio).partialValue)
    var room = [UInt8](repeating: 0, count: 1 << 18)
    while offset <= most, let more = try? fill(&room, 0, room.count), more > 0 {}
    let size = offset
    rewind()
    return size > most
  }
}

/// SHA-256 of the first bytes of a file; nil: there are less, or the daemon stops.
package enum DropHash {
  package static func hash(_ file: Int32, length: Int64, stopping: DropStop = DropStop()) -> [UInt8]? {
    var hash = SHA256()
    var room = [UInt8](repeating: 0, count: 1 << 18)
    var position: Int64 = 0
    while position < length {
      let count = pread(file, &room, Int(min(Int64(room.count), length - position)), off_t(position))
      if count < 0 && errno == EINTR { continue }
      if count <= 0 || stopping.isSet { return nil }
      room.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      position += Int64(count)
    }
    return Array(hash.finalize())
  }
}
