import Telemetry
import Wire

/// How far a content was taken: the value of its mark, committed with the rows. Stays for ever, so that the same content is
/// taken once.
package struct DropProgress: Sendable, Equatable {
  package enum State: String, Sendable {
    case taking, done, rejected
  }

  package static let prefix = Array("drop:".utf8)
  package static let firstLimit = 100

  package var state = State.taking
  package var name = ""
  package var source = ""
  package var format = ""
  /// Of the file as it lies there.
  package var bytes: Int64 = 0
  /// Nanoseconds since 1970; 0: not yet.
  package var takenAt: Int64 = 0
  package var finishedAt: Int64 = 0
  /// Where the next piece begins, and how many loads of it are stored already.
  package var position = DropPosition()
  package var loads = 0
  // The books of the file: received = stored + filtered + deduplicated + rejected.
  package var received = 0
  package var stored = 0
  package var filtered = 0
  package var deduplicated = 0
  package var rejected = 0
  /// Bytes of refused lines that are kept in the part file.
  package var heldBytes: Int64 = 0
  package var reasons: [String: Int] = [:]
  /// The first hundred.
  package var first: [DropRefusal] = []

  package init() {}

  /// `drop:` and the SHA-256.
  package static func key(_ hash: [UInt8]) -> [UInt8] { prefix + hash }

  package var isWhole: Bool { reasons.isEmpty }
  /// Something is wrong with the file itself: what lies behind the fault was never looked at.
  package var isBroken: Bool { reasons.keys.contains { DropFault.Reason(rawValue: $0) != nil } }

  mutating func add(_ receipt: Receipt) {
    received += receipt.received
    stored += receipt.stored
    filtered += receipt.filtered
    deduplicated += receipt.deduplicated
    rejected += receipt.rejected
  }

  mutating func add(_ refusals: [DropRefusal]) {
    for refusal in refusals {
      // The line that a file breaks off in is the same fault as the file's, which may be known before.
      if DropFault.Reason(rawValue: refusal.reason) != nil, reasons[refusal.reason] != nil {
        let place = first.firstIndex { $0.reason == refusal.reason }
        if let place, first[place].line == 0 { first[place] = refusal }
        continue
      }
      reasons[refusal.reason, default: 0] += 1
      if first.count < Self.firstLimit { first.append(refusal) }
    }
  }

  mutating func add(_ fault: DropFault) {
    add([DropRefusal(line: 0, record: 0, offset: fault.offset ?? 0, path: "", reason: fault.reason.rawValue)])
  }

  // MARK: the mark

  private static let version = "1"

  /// Texts with a zero behind each; names of files have none.
  package var value: [UInt8] {
    var texts = [
      Self.version, state.rawValue, name, source, format, "\(bytes)", "\(takenAt)", "\(finishedAt)",
      "\(position.offset)", "\(position.line)", "\(loads)", "\(received)", "\(stored)", "\(filtered)",
      "\(deduplicated)", "\(rejected)", "\(heldBytes)", "\(reasons.count)",
    ]
    for (reason, count) in reasons.sorted(by: { $0.key < $1.key }) { texts += [reason, "\(count)"] }
    for entry in first { texts += ["\(entry.line)", "\(entry.record)", "\(entry.offset)", entry.path, entry.reason] }
    var bytes: [UInt8] = []
    for text in texts {
      bytes += text.utf8.filter { $0 != 0 }
      bytes.append(0)
    }
    return bytes
  }

  /// Nil: written by a version of this program that is not known.
  package init?(value: [UInt8]) {
    var texts = value.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    texts.removeLast()
    guard texts.count >= 18, texts[0] == Self.version, let state = State(rawValue: texts[1]) else { return nil }
    func number(_ index: Int) -> Int64 { Int64(texts[index]) ?? 0 }
    self.state = state
    name = texts[2]
    source = texts[3]
    format = texts[4]
    bytes = number(5)
    takenAt = number(6)
    finishedAt = number(7)
    position = DropPosition(offset: number(8), line: Int(number(9)))
    loads = Int(number(10))
    received = Int(number(11))
    stored = Int(number(12))
    filtered = Int(number(13))
    deduplicated = Int(number(14))
    rejected = Int(number(15))
    heldBytes = number(16)
    var at = 18
    for _ in 0..<max(0, number(17)) where at + 1 < texts.count {
      reasons[texts[at]] = Int(texts[at + 1]) ?? 0
      at += 2
    }
    while at + 4 < texts.count {
      first.append(
        DropRefusal(
          line: Int(number(at)), record: Int(number(at + 1)), offset: number(at + 2), path: texts[at + 3],
          reason: texts[at + 4]))
      at += 5
    }
  }

  // MARK: .why.json

  package func why(file: String, hash: String, holdsLines: Bool) -> [UInt8] {
    var out = Array("{\"file\":".utf8)
    out.appendJSON(file)
    out += Array(",\"sha256\":\"\(hash)\",\"bytes\":\(bytes),\"format\":".utf8)
    out.appendJSON(format)
    out += Array(",\"source\":".utf8)
    out.appendJSON(source)
    out += Array(
      """
      ,"taken_at":"\(Timestamp.text(takenAt))","finished_at":"\(Timestamp.text(finishedAt))","received":\(received),\
      "stored":\(stored),"filtered":\(filtered),"deduplicated":\(deduplicated),"rejected":\(rejected),\
      "holds":"\(holdsLines ? "lines" : "file")","reasons":[
      """.utf8)
    let sorted = reasons.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
    for (index, reason) in sorted.enumerated() {
      out += Array("\(index > 0 ? "," : ""){\"reason\":\"\(reason.key)\",\"count\":\(reason.value)}".utf8)
    }
    out += Array("],\"first\":[".utf8)
    for (index, entry) in first.enumerated() {
      let line = entry.line > 0 ? "\(entry.line)" : "null"
      out += Array(
        "\(index > 0 ? "," : ""){\"line\":\(line),\"record\":\(entry.record),\"offset\":\(entry.offset),\"path\":".utf8)
      out.appendJSON(entry.path)
      out += Array(",\"reason\":\"\(entry.reason)\"}".utf8)
    }
    return out + Array("]}\n".utf8)
  }
}
