import Glibc
import Telemetry

/// A file that grew while it was taken: what was there then is stored, and only what came behind it is new.
///
/// The mark of the file (not of its content) says which content was taken under this inode, and how long that was:
/// `SHA-256 | length (64)`. It goes when the file does.
struct DropGrowth: Equatable {
  private static let hashBytes = 32
  /// Formats that can be gone on with in the middle.
  private static let formats: Set<String> = ["ndjson", "otlp_json", "csv"]
  private static let lineLimitBytes: Int64 = 64 << 20

  var hash: [UInt8]
  var length: Int64

  init(_ file: DropFile) {
    hash = file.hash
    length = file.stamp.size
  }

  static func key(_ stamp: DropFolder.Stamp) -> [UInt8] { Array("drop-file:\(stamp.device):\(stamp.inode)".utf8) }

  var value: [UInt8] { hash + (0..<8).map { UInt8(truncatingIfNeeded: length >> (56 - 8 * $0)) } }

  init?(value: [UInt8]) {
    guard value.count == Self.hashBytes + 8 else { return nil }
    hash = Array(value.prefix(Self.hashBytes))
    length = value.suffix(8).reduce(0) { $0 << 8 | Int64($1) }
  }

  /// Where the new content of `file` begins, when it begins with this one, of which `before` tells how it was taken. Nil: it
  /// is to be taken from its start. Blocks.
  func position(in file: DropFile, after before: DropProgress) -> DropPosition? {
    guard length > 0, length < file.stamp.size, before.state != .taking, Self.formats.contains(before.format),
      before.position.offset == length, DropHash.hash(file.descriptor, length: length) == hash
    else { return nil }
    let last = Self.byte(file, length - 1)
    if last == 0x0a { return before.position }
    // The end of the content was the end of no line yet.
    var position = before.position
    position.line -= 1
    if let next = Self.byte(file, length), next == 0x0a || next == 0x0d { return position }
    // A line that was cut: all of it comes again.
    while position.offset > 0, before.position.offset - position.offset < Self.lineLimitBytes {
      if Self.byte(file, position.offset - 1) == 0x0a { return position }
      position.offset -= 1
    }
    return nil
  }

  private static func byte(_ file: DropFile, _ offset: Int64) -> UInt8? {
    var byte: UInt8 = 0
    return pread(file.descriptor, &byte, 1, off_t(offset)) == 1 ? byte : nil
  }
}

extension DropTaker {
  /// Remembered until the file is taken again.
  func remember(_ file: DropFile) async {
    let mark = Mark(key: DropGrowth.key(file.stamp), value: DropGrowth(file).value)
    // Without the mark all of the file is taken once more.
    _ = try? await append(Batch.refused([], [:], .logs), [], [mark])
  }

  /// Where a file is to be gone on with that was taken before it grew; nil: at its start.
  func grown(_ file: DropFile) async -> DropPosition? {
    guard let value = (try? await value(of: DropGrowth.key(file.stamp))) ?? nil, let growth = DropGrowth(value: value),
      let old = (try? await self.value(of: DropProgress.key(growth.hash))) ?? nil,
      let before = DropProgress(value: old)
    else { return nil }
    return await DropThread.run { growth.position(in: file, after: before) }
  }
}
