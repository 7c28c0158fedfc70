import Telemetry

/// Whether a record is here already.
extension BatchAppender {
  /// By `log.record.uid` within one source, or by the identity of an import (DESIGN §5).
  mutating func isKnown(
    _ entry: LandingWriter.Waiting, _ row: UnsafePointer<Row>, _ ids: FileIDs, _ ordinal: Int
  ) -> Bool {
    if ordinal < entry.identities.count, !entry.identities[ordinal].store.isEmpty {
      let identity = entry.identities[ordinal]
      if !entry.present.isEmpty && entry.present[ordinal] { return true }
      if lastNumbering?.store != identity.store {
        lastNumbering = (identity.store, imported.handle(identity.store))
      }
      if let handle = lastNumbering?.handle, isKnown(handle, identity.id) { return true }
    }
    guard row.pointee.present.contains(.uid) else { return false }
    let uid = entry.batch.bytes(row.pointee.uid)
    if ordinal < entry.identities.count, entry.identities[ordinal].isName(uid) { return false }
    if let numbered = NumberedUID(uid) {
      return isKnown(run(numbered.run, of: ids.senders[Int(row.pointee.context)]), numbered.number)
    }
    var state = uidHash.start()
    var source = ids.senders[Int(row.pointee.context)]
    source.withUTF8 { state.add(UnsafeRawBufferPointer($0)) }
    state.add(uid)
    let key = state.finish()
    guard uids.insert(key).inserted else { return true }
    newUIDs.append(key)
    return false
  }

  mutating func recordIdentities(_ file: LandingFile, _ now: Int64) throws(SQLiteError) {
    // Those of earlier batches of the same transaction are written already.
    for key in newUIDs[recordedUIDs...] { try file.recordUID(key, at: now) }
    recordedUIDs = newUIDs.count
    for store in imported.forgotten { try file.forgetRun(store) }
    imported.forgotten = []
    for run in newNumbers[recordedNumbers...] {
      guard let store = imported.store(run.handle) else { continue }
      let range = imported.range(run.handle, of: run.numbers.lowerBound)
      try file.recordImported(store: store, first: range.lowerBound, last: range.upperBound)
    }
    recordedNumbers = newNumbers.count
  }

  private mutating func isKnown(_ handle: Int, _ number: Int64) -> Bool {
    if imported.contains(handle, number) { return true }
    imported.insert(handle, number...number)
    if let last = newNumbers.indices.last, last >= recordedNumbers, newNumbers[last].handle == handle,
      newNumbers[last].numbers.upperBound < number, newNumbers[last].numbers.upperBound + 1 == number
    {
      newNumbers[last].numbers = newNumbers[last].numbers.lowerBound...number
    } else {
      newNumbers.append(NumberRun(handle: handle, numbers: number...number))
    }
    return false
  }

  /// Event numbers of one run of one source, kept like the ids of a foreign store; no store is called like that.
  private mutating func run(_ run: UnsafeRawBufferPointer, of source: String) -> Int {
    let halves = (
      run.loadUnaligned(fromByteOffset: 0, as: UInt64.self), run.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    )
    if let lastRun, lastRun.run == halves, lastRun.source == source, imported.store(lastRun.handle) != nil {
      return lastRun.handle
    }
    let handle = imported.handle("\(ImportedRanges.runPrefix)\(String(decoding: run, as: UTF8.self)):\(source)")
    lastRun = (source, halves, handle)
    return handle
  }
}
