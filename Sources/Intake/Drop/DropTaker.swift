import Door
import Glibc
package import Logging
import Synchronization
import Telemetry
import Wire

/// Takes one file: hash, pieces, rows, and where it goes then.
///
/// What is stored and how far the file was taken are one transaction, so a crash goes on where it was; the file leaves `in`
/// last, so that whatever is lost before is done again.
package final class DropTaker<Store: DropStore, Rejects: RejectSink>: Sendable {
  package enum Outcome: Sendable, Equatable {
    case finished
    /// Nothing can be done with it as it is: it stays until it changes.
    case left(DropFolder.Stamp)
    /// It changed while it was read: later again.
    case again
    case stopped
  }

  let folder: DropFolder
  private let store: Store
  private let rejects: Rejects
  let options: DropOptions
  let vitals: DropVitals
  private let stopping: DropStop
  let logger: Logger
  private let complaints = Complaints()
  /// Pieces that are decoded or wait for their turn: two workers ahead of the store.
  private static var window: Int { 3 }
  private static var retry: Duration { .milliseconds(100) }

  package init(
    _ folder: DropFolder, store: Store, rejects: Rejects, options: DropOptions, vitals: DropVitals, stopping: DropStop,
    logger: Logger
  ) {
    self.folder = folder
    self.store = store
    self.rejects = rejects
    self.options = options
    self.vitals = vitals
    self.stopping = stopping
    self.logger = logger
  }

  package func take(_ name: String) async -> Outcome {
    let folder = folder
    let stopping = stopping
    guard let file = await DropThread.run({ DropFile(name, in: folder, stopping: stopping) }) else {
      if stopping.isSet { return .stopped }
      var status = stat()
      guard lstat("\(folder.incoming)/\(name)", &status) == 0 else { return .finished }
      logger.warning("a dropped file cannot be read", metadata: ["event": "drop.unreadable", "file": "\(told(name))"])
      return .left(DropFolder.Stamp(status))
    }
    let key = DropProgress.key(file.hash)
    let before: DropProgress?
    do {
      before = try await known(key)
    } catch {
      logger.error("the store cannot tell what was taken", metadata: ["event": "drop.mark", "fault": "\(error)"])
      return .again
    }
    if let known = before, known.state != .taking, known.stored + known.deduplicated + known.filtered > 0 {
      // The same file may have other rows now, in its write-ahead log: it is refused, and what is known stays known.
      if await isBesideItsLog(file) { return await settled(take(file, fresh(file), isKnown: true), file) }
      vitals.count(.duplicate)
      logger.info(
        "a dropped file is known already",
        metadata: [
          "event": "drop.duplicate", "file": "\(told(name))", "sha256": "\(file.hex)", "first": "\(known.name)",
        ])
      return await settled(
        leaveFolder(file, to: folder.done, as: folder.freeName(name, in: folder.done, hash: file.hex)), file)
    }
    var progress = fresh(file)
    if let known = before, known.state == .taking {
      progress = known
      progress.name = told(name)
      progress.bytes = file.stamp.size
    } else if let position = await grown(file) {
      progress.position = position
    }
    return await settled(take(file, progress), file)
  }

  private func fresh(_ file: DropFile) -> DropProgress {
    var progress = DropProgress()
    progress.takenAt = options.clock()
    progress.name = told(file.name)
    progress.bytes = file.stamp.size
    return progress
  }

  private func isBesideItsLog(_ file: DropFile) async -> Bool {
    guard file.hasWAL else { return false }
    let stopping = stopping
    return await DropThread.run {
      DropFormat.isDatabase(DropContent(file.descriptor, length: file.stamp.size, stopping: stopping).head(16))
    }
  }

  /// What was taken of a file that is still being written to need not be taken again.
  private func settled(_ outcome: Outcome, _ file: DropFile) async -> Outcome {
    if outcome == .again, !stopping.isSet { await remember(file) }
    return outcome
  }

  private func known(_ key: [UInt8]) async throws -> DropProgress? {
    try await value(of: key).flatMap { DropProgress(value: $0) }
  }

  func value(of key: [UInt8]) async throws -> [UInt8]? {
    let store = store
    return try await DropThread.run { Result { try store.mark(key) } }.get()
  }

  /// `isKnown`: what the content is remembered by is of an earlier file, and stays.
  private func take(_ file: DropFile, _ start: DropProgress, isKnown: Bool = false) async -> Outcome {
    var progress = start
    var sidecar = FileSidecar()
    var source: (any DropSource)?
    do throws(DropFault) {
      sidecar = try readSidecar(file)
      if let source = sidecar.source, !SourceName.isValid(source) { throw DropFault(.badSidecar) }
      progress.source = told(sidecar.source ?? "drop")
      let opened = try await open(file, sidecar)
      progress.format = opened.format
      source = opened
    } catch {
      if stopping.isSet { return .stopped }
      progress.source = progress.source.isEmpty ? "drop" : progress.source
      if progress.format.isEmpty { progress.format = error.reason == .unknownFormat ? "unknown" : "" }
      progress.add(error)
    }
    if let source {
      do throws(DropStopped) {
        try await store(source, file, sidecar, &progress)
      } catch {
        return .stopped
      }
    }
    // A stop looks like a file that breaks off.
    if stopping.isSet { return .stopped }
    return await finish(file, progress, holdsLines: source?.hasLines ?? false, isKnown: isKnown)
  }

  // MARK: what it is

  private func readSidecar(_ file: DropFile) throws(DropFault) -> FileSidecar {
    guard let bytes = DropFolder.read(DropFolder.sidecar(file.path)) else { return FileSidecar() }
    do throws(DecodeError) {
      var failure: DecodeError?
      var sidecar = FileSidecar()
      bytes.withUnsafeBytes { bytes in
        do throws(DecodeError) { sidecar = try FileSidecar(json: bytes) } catch { failure = error }
      }
      if let failure { throw failure }
      return sidecar
    } catch {
      throw DropFault(.badSidecar, at: Int64(error.offset))
    }
  }

  /// How a name that somebody gave is written outside the folder: it could be anybody's.
  func told(_ name: String) -> String { options.protector?.scrubbed(name) ?? name }

  private func decoding(_ sidecar: FileSidecar, _ progress: DropProgress) -> DecodeOptions {
    // When it was taken first: what has no time of its own keeps it over a crash.
    var decoding = DecodeOptions(now: progress.takenAt)
    decoding.credential = Array((sidecar.source ?? "drop").utf8)
    decoding.component = Array((sidecar.component ?? "drop").utf8)
    decoding.anonymousSession = Array((sidecar.sessionID ?? "anon-" + (sidecar.source ?? "drop")).utf8)
    decoding.depthLimit = options.depthLimit
    return decoding
  }

  private func open(_ file: DropFile, _ sidecar: FileSidecar) async throws(DropFault) -> any DropSource {
    let folder = folder
    let store = store
    let stopping = stopping
    let logger = logger
    let told = told(file.name)
    let defaults = EventLineDefaults(
      source: Array((sidecar.source ?? "drop").utf8), component: Array((sidecar.component ?? "drop").utf8),
      session: Array((sidecar.sessionID ?? "anon-" + (sidecar.source ?? "drop")).utf8),
      gameModule: Array((sidecar.gameModule ?? "").utf8), modFingerprint: Array((sidecar.modFingerprint ?? "").utf8))
    let opened: Result<any DropSource, DropFault> = await DropThread.run {
      do throws(DropFault) {
        let content = DropContent(file.descriptor, length: file.stamp.size, stopping: stopping)
        guard DropFormat.isDatabase(content.head(16)) else {
          return .success(try DropFormat.source(content, name: file.name, sidecar: sidecar, defaults))
        }
        // Bytes 18 and 19 of the header: 2 is the write-ahead log.
        let hadLog = content.head(20).suffix(2).contains(2)
        if hadLog, !file.hasWAL {
          logger.warning(
            "a dropped database was copied without its write-ahead log: what is only there is missing",
            metadata: ["event": "drop.no_wal", "file": "\(told)"])
        }
        do throws(DropFault) {
          return .success(try Self.database(file, content, folder, store))
        } catch {
          // Of a young one all may be there, the table too.
          throw hadLog && error.reason == .unknownFormat ? DropFault(.hasWAL) : error
        }
      } catch {
        return .failure(error)
      }
    }
    return try opened.get()
  }

  private static func database(
    _ file: DropFile, _ content: DropContent, _ folder: DropFolder, _ store: Store
  ) throws(DropFault) -> any DropSource {
    if file.hasWAL { throw DropFault(.hasWAL) }
    if content.isTooBig() { throw DropFault(.tooBig) }
    guard content.coding != .plain else {
      return try store.database(at: file.path, named: file.name)
    }
    guard let unpacked = file.unpacked(beside: folder) else { throw DropFault(.truncated) }
    // Open, it needs no name.
    defer { unlink(unpacked) }
    return try store.database(at: unpacked, named: file.name)
  }

  // MARK: rows

  private func store(
    _ source: any DropSource, _ file: DropFile, _ sidecar: FileSidecar, _ progress: inout DropProgress
  ) async throws(DropStopped) {
    let decoding = decoding(sidecar, progress)
    let position = progress.position
    do throws(DropFault) {
      try await DropThread.run { () -> Result<Void, DropFault> in
        do throws(DropFault) { return .success(try source.skip(to: position)) } catch { return .failure(error) }
      }.get()
    } catch {
      return progress.add(error)
    }
    var decoded: [(end: DropPosition, loads: Task<[DropLoad], Never>)] = []
    var reading: Task<Result<(any DropPiece)?, DropFault>, Never>? = Self.read(source)
    while true {
      while decoded.count < Self.window, let next = reading {
        switch await next.value {
        case .success(let piece?):
          decoded.append((piece.end, decode(piece, decoding, sidecar)))
          reading = Self.read(source)
        case .success(nil): reading = nil
        case .failure(let fault):
          progress.add(fault)
          reading = nil
        }
      }
      guard !decoded.isEmpty else { return }
      let (end, task) = decoded.removeFirst()
      let loads = await task.value
      for (index, load) in loads.enumerated() where index >= progress.loads {
        if stopping.isSet { throw DropStopped() }
        let isLast = index == loads.count - 1
        let next = isLast ? (end, 0) : (progress.position, index + 1)
        try await store(load, source, file, next, &progress)
      }
      progress.position = end
      progress.loads = 0
    }
  }

  private static func read(_ source: any DropSource) -> Task<Result<(any DropPiece)?, DropFault>, Never> {
    Task {
      await DropThread.run {
        do throws(DropFault) { return .success(try source.next()) } catch { return .failure(error) }
      }
    }
  }

  private func decode(
    _ piece: any DropPiece, _ decoding: DecodeOptions, _ sidecar: FileSidecar
  ) -> Task<[DropLoad], Never> {
    let protector = options.protector
    return Task {
      await DropThread.run {
        var loads = piece.decode(decoding)
        for index in loads.indices {
          let batch = loads[index].batch.with(sidecar)
          let sender = PrivacySender(trusted: loads[index].isExport)
          let protected = protector?.protect(batch, sender: sender) ?? batch
          loads[index].identities = protected.filtered.rest(of: loads[index].identities)
          loads[index].batch = protected
        }
        return loads
      }
    }
  }

  /// One transaction: rows, and where to go on behind them.
  private func store(
    _ load: DropLoad, _ source: any DropSource, _ file: DropFile, _ next: (position: DropPosition, loads: Int),
    _ progress: inout DropProgress
  ) async throws(DropStopped) {
    var after = progress
    after.position = next.position
    after.loads = next.loads
    after.add(load.refusals)
    if source.hasLines, !load.refusedText.isEmpty {
      after.heldBytes = try await hold(load.refusedText, source.head, file, progress.heldBytes)
    }
    let batch = load.batch
    // The books of this load are in the mark as if all of it were new; its receipt corrects them in the next.
    var mark = after
    mark.add(
      Receipt(
        received: batch.recordCount + batch.rejectedCount + batch.filtered.records.count, stored: batch.recordCount,
        rejected: batch.rejectedCount, filtered: batch.filtered.records.count))
    let receipt = try await append(
      batch, load.identities, isExport: load.isExport,
      [Mark(key: DropProgress.key(file.hash), value: mark.value)])
    after.add(receipt)
    progress = after
    vitals.received.add(receipt.received)
    vitals.stored.add(receipt.stored)
    vitals.rejected.add(receipt.rejected)
    vitals.deduplicated.add(receipt.deduplicated)
    rejects.write(batch, door: dropDoorName, at: options.clock())
  }

  private func hold(
    _ text: [UInt8], _ head: [UInt8], _ file: DropFile, _ length: Int64
  ) async throws(DropStopped) -> Int64 {
    let folder = folder
    while true {
      let result = await DropThread.run {
        Result { try folder.hold(text, head: head, hash: file.hex, after: length) }
      }
      if case .success(let new) = result { return new }
      if case .failure(let failure) = result { complain("refused lines cannot be written", failure) }
      try await pause()
    }
  }

  /// Every refusal is temporary: the file waits where it is.
  func append(
    _ batch: Batch, _ identities: [DropIdentity] = [], isExport: Bool = false, _ marks: [Mark]
  ) async throws(DropStopped) -> Receipt {
    while true {
      do throws(Refusal) {
        if let refusal = store.admit(byteCount: batch.byteCount) { throw refusal }
        return try await store.append(batch, identities: identities, isExport: isExport, marks: marks)
      } catch {
        if error == .draining { throw DropStopped() }
        complaints.note(error, logger)
      }
      try await pause()
    }
  }

  private func pause() async throws(DropStopped) {
    if stopping.isSet { throw DropStopped() }
    try? await Task.sleep(for: Self.retry)
    if stopping.isSet || Task.isCancelled { throw DropStopped() }
  }

  func complain(_ what: String, _ failure: any Error) {
    complaints.note("a file of the drop folder waits", "drop.waits", told("\(what): \(failure)"), logger)
  }
}

/// The daemon stops; what is not committed is done again.
struct DropStopped: Error {}

/// The name in the books.
let dropDoorName = "drop"

package final class DropStop: Sendable {
  private let flag = Atomic(false)
  package init() {}
  var isSet: Bool { flag.load(ordering: .relaxed) }
  package func set() { flag.store(true, ordering: .relaxed) }
}
