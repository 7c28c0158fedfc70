import Store
import Telemetry
import Wire

/// The way of a file into the store: one reader, workers that decode ahead, the store's writer behind them. What is under
/// way at once is bounded in bytes; batches are queued in the order of the file.
final class ImportRoad {
  static let door = StoredRow.importDoor
  /// Pieces that are decoded or wait for their turn.
  private static let window = 6
  /// Bytes of pieces and batches under way.
  private static let budget = 24 << 20

  private let sink: any ImportSink
  private let path: String
  private let decoding: DecodeOptions
  private let options: ImportOptions
  private let progress: @Sendable (ImportProgress) -> Void
  /// Identity of records without one: digest of the file, and how many such records came before.
  private let digest: String
  private var ordinal: Int64 = 0
  private(set) var summary = ImportSummary()
  // under way
  private var bytes = 0
  private var pieces = 0
  private var isEnded = false
  private var numberRead = 0
  private var numberSent = 0
  private var decoded: [Int: (result: ImportDecoded, bytes: Int)] = [:]

  init(
    _ sink: any ImportSink, _ path: String, _ decoding: DecodeOptions, _ options: ImportOptions, digest: String,
    progress: @escaping @Sendable (ImportProgress) -> Void
  ) {
    self.sink = sink
    self.path = path
    self.decoding = decoding
    self.options = options
    self.digest = digest
    self.progress = progress
  }

  private enum Step: Sendable {
    case decoded(Int, ImportDecoded, bytes: Int)
    case stored(Receipt, bytes: Int)
  }

  /// Everything that `source` has. Throws what reading throws, and `ImportError` when the store takes no more.
  func run(_ source: any ImportPieces) async throws {
    try await withThrowingTaskGroup(of: Step.self) { group in
      while true {
        try read(source, &group)
        guard let step = try await group.next() else { break }
        switch step {
        case .decoded(let number, let result, let bytes):
          decoded[number] = (result, bytes)
          send(&group)
        case .stored(let receipt, let bytes):
          self.bytes -= bytes
          summary.add(receipt)
          progress(ImportProgress(records: summary.received, fraction: source.fraction))
        }
      }
    }
  }

  private func read(_ source: any ImportPieces, _ group: inout ThrowingTaskGroup<Step, any Error>) throws {
    while !isEnded, pieces < Self.window, bytes == 0 || bytes < Self.budget {
      guard let piece = try source.next() else {
        isEnded = true
        return
      }
      let number = numberRead
      let size = piece.byteCount
      let decoding = decoding
      let options = options
      numberRead += 1
      pieces += 1
      bytes += size
      group.addTask { .decoded(number, options.applied(to: piece.decode(decoding)), bytes: size) }
    }
  }

  /// What is decoded, up to the first piece that is not.
  private func send(_ group: inout ThrowingTaskGroup<Step, any Error>) {
    while let (result, size) = decoded.removeValue(forKey: numberSent) {
      numberSent += 1
      pieces -= 1
      bytes -= size
      for problem in result.problems { summary.addBad(problem) }
      for load in result.loads where load.batch.recordCount + load.batch.rejectedCount > 0 {
        let batch = load.batch
        let identities = identities(load)
        let terms = options.terms(load.identity, now: decoding.now)
        let delivery = ImportDelivery(sink: sink, path: path)
        bytes += batch.byteCount
        // Begins here and now, so that the store queues the batches in this order.
        group.addImmediateTask { .stored(try await delivery.send(batch, identities, terms), bytes: batch.byteCount) }
      }
    }
  }

  private func identities(_ load: ImportLoad) -> [ImportIdentity] {
    switch load.identity {
    case .none:
      summary.isExport = false
      return []
    case .known(let identities): return identities
    case .place(let total, let accepted):
      summary.isExport = false
      let first = ordinal
      ordinal += Int64(total)
      // Without the places of the refused ones the accepted are counted alone, under another name.
      let store = accepted == nil ? digest + ":accepted" : digest
      let places = accepted ?? Array(0..<load.batch.recordCount)
      return places.map { ImportIdentity(store: store, id: first + Int64($0)) }
    }
  }
}

/// Hands one batch to the store, and waits while that has no room.
struct ImportDelivery: Sendable {
  let sink: any ImportSink
  let path: String
  /// Half a minute for room on the disk, ten for the settler to catch up.
  private static let attempts = 600
  private static let patientAttempts = 12_000

  func send(_ batch: Batch, _ identities: [ImportIdentity], _ terms: ImportTerms) async throws -> Receipt {
    var attempt = 0
    while true {
      do throws(Refusal) {
        if let refusal = sink.admit(byteCount: batch.byteCount) { throw refusal }
        return try await sink.append(
          batch, key: nil, door: ImportRoad.door, identities: identities, terms: terms)
      } catch {
        attempt += 1
        let isPatient = error == .settlingBehind || error == .queueFull
        if error == .draining || attempt >= (isPatient ? Self.patientAttempts : Self.attempts) {
          throw ImportError(path, "the store refuses: \(error.cause)", .storage)
        }
        if case .storage(let reason) = error { throw ImportError(path, reason, .storage) }
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }
}
