import Store
import Telemetry
import Wire

/// The records of an export of ours, some thousand at a time.
final class RecordPieces: ImportPieces {
  private static let recordLimit = 2_000
  private static let byteLimit = 1 << 20

  private let cursor: RecordCursor
  private let store: String
  private let path: String

  init(_ cursor: RecordCursor, store: String, path: String) {
    self.cursor = cursor
    self.store = store
    self.path = path
  }

  private(set) var fraction = 0.0

  func next() throws -> (any ImportPiece)? {
    var piece = RecordPiece(store: store, path: path)
    var number = -1
    var origin: Int32 = -1
    while piece.ids.count < Self.recordLimit, piece.json.count < Self.byteLimit, try cursor.next() {
      if let changed = cursor.origin, number != cursor.originNumber {
        number = cursor.originNumber
        origin = piece.origins.index(of: changed)
      }
      piece.append(cursor.id, cursor.json, origin: origin)
    }
    if piece.ids.isEmpty { return nil }
    fraction = cursor.fraction
    return piece
  }
}

struct RecordPiece: ImportPiece {
  let store: String
  let path: String
  var ids: [Int64] = []
  var json: [UInt8] = []
  /// Where the JSON of each record ends.
  private var ends: [Int] = []
  var origins = OriginList()
  private var originIndices: [Int32] = []

  init(store: String, path: String) {
    self.store = store
    self.path = path
    json.reserveCapacity(1 << 20)
  }

  var byteCount: Int { json.count + ids.count * 20 }

  mutating func append(_ id: Int64, _ text: UnsafeRawBufferPointer, origin: Int32) {
    ids.append(id)
    json.append(contentsOf: text)
    ends.append(json.count)
    originIndices.append(origin)
  }

  func decode(_ options: DecodeOptions) -> ImportDecoded {
    var decoded = ImportDecoded()
    var splices = Signal.allCases.map { OTLPSplice($0) }
    var spliced = Signal.allCases.map { _ in [Int]() }
    var alone: [Int] = []
    json.withUnsafeBytes { bytes in
      for index in ids.indices {
        let text = self.text(index, bytes)
        if let signal = OTLPSplice.signal(text), let place = Signal.allCases.firstIndex(of: signal),
          splices[place].append(text)
        {
          spliced[place].append(index)
        } else {
          alone.append(index)
        }
      }
      for place in splices.indices {
        guard let request = splices[place].finish() else { continue }
        if !many(request, splices[place].signal, spliced[place], options, &decoded) { alone += spliced[place] }
      }
      for index in alone { single(index, text(index, bytes), options, &decoded) }
    }
    return decoded
  }

  private func text(_ index: Int, _ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
  }

  /// Many requests as one; false if that does not give one record each or not all places of the refused are known.
  private func many(
    _ request: [UInt8], _ signal: Signal, _ indices: [Int], _ options: DecodeOptions, _ decoded: inout ImportDecoded
  ) -> Bool {
    let batch = request.withUnsafeBytes { bytes -> Batch? in
      do throws(DecodeError) {
        return try OTLPDecoder.decodeJSON(signal, bytes, options: options)
      } catch { return nil }
    }
    guard let batch, batch.recordCount + batch.rejectedCount == indices.count, let accepted = batch.accepted else {
      return false
    }
    add(batch, accepted.map { indices[$0] }, &decoded)
    return true
  }

  private func single(
    _ index: Int, _ text: UnsafeRawBufferPointer, _ options: DecodeOptions, _ decoded: inout ImportDecoded
  ) {
    do throws(DecodeError) {
      let batches = try OTLPLine(text).decode(text, options)
      guard let batch = batches.first, batches.count == 1, batch.recordCount + batch.rejectedCount == 1 else {
        return decoded.problems.append("\(path): otlp row \(ids[index]): not exactly one record")
      }
      add(batch, batch.recordCount == 1 ? [index] : [], &decoded)
    } catch {
      decoded.problems.append("\(path): otlp row \(ids[index]): \(error.message)")
    }
  }

  /// `stored`: the record behind each row.
  private func add(_ batch: Batch, _ stored: [Int], _ decoded: inout ImportDecoded) {
    let identities = stored.map { ImportIdentity(store: store, id: ids[$0]) }
    let batch = batch.with(origins.origins, at: stored.map { originIndices[$0] })
    decoded.loads.append(ImportLoad(batch: batch, identity: .known(identities)))
  }
}

extension OTLPLine {
  /// One batch a signal of the line.
  func decode(_ line: UnsafeRawBufferPointer, _ options: DecodeOptions) throws(DecodeError) -> [Batch] {
    var options = options
    if let arrival { options.now = arrival }
    var batches: [Batch] = []
    for signal in signals { batches.append(try OTLPDecoder.decodeJSON(signal, line, options: options)) }
    return batches
  }
}
