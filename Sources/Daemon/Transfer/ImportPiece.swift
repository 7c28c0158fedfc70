import Store
import Telemetry
import Wire

/// What one worker decodes at once: some lines, rows or records of a file. Decoding touches nothing else, so that
/// several pieces are decoded side by side.
protocol ImportPiece: Sendable {
  /// About what it costs in memory.
  var byteCount: Int { get }
  func decode(_ options: DecodeOptions) -> ImportDecoded
}

/// Pieces in the order of a file.
protocol ImportPieces: AnyObject {
  func next() throws -> (any ImportPiece)?
  /// How much of the file has been read, 0 to 1.
  var fraction: Double { get }
}

/// One batch and how its records are known again.
struct ImportLoad: Sendable {
  enum Identity: Sendable {
    /// By `uid` or not at all.
    case none
    /// One for each stored record.
    case known([ImportIdentity])
    /// By the file and their place in it: `total` records came, refused ones included; `accepted` of these have a row.
    /// Nil: it is not known which.
    case place(total: Int, accepted: [Int]?)
  }

  var batch: Batch
  var identity: Identity
}

struct ImportDecoded: Sendable {
  var loads: [ImportLoad] = []
  /// What is nothing we know, a sentence each.
  var problems: [String] = []
}

extension Batch {
  /// Places of the records that have a row among all of the request; nil when too many were refused to know each.
  var accepted: [Int]? {
    guard rejections.count == rejectedCount else { return nil }
    if rejections.isEmpty { return Array(0..<recordCount) }
    let refused = Set(rejections.map(\.index))
    return (0..<(recordCount + rejectedCount)).filter { !refused.contains($0) }
  }
}
