import Telemetry
package import Wire

/// Rules for rows that are stored already and leave once more: what came in under an older policy goes out under the
/// present one (FORWARD §1). Rows that it has nothing to say about stay as they are, pseudonyms among them.
///
/// Texts that change lie in memory of its own until the next record. Used by one thread at a time.
package final class RecordProtection {
  private let texts: TextRules
  private var kept: [UnsafeMutableRawBufferPointer] = []

  init(_ texts: TextRules) { self.texts = texts }

  deinit { release() }

  private func release() {
    for memory in kept { memory.deallocate() }
    kept.removeAll(keepingCapacity: true)
  }

  package func protect(_ record: inout OTLPRecord) {
    if !kept.isEmpty { release() }
    plain(&record.category, .category)
    plain(&record.event, .event)
    plain(&record.correlation, .correlation)
    plain(&record.uid, .uid)
    if record.kind != .distribution { attributes(&record.data) }
    ownKeys(&record.ext)
    attributes(&record.seriesAttributes)
    attributes(&record.resource.attributes)
    plain(&record.resource.schemaURL, .schemaURL)
    ownKeys(&record.resource.entityRefs)
    plain(&record.scope.name, .scopeName)
    plain(&record.scope.version, .scopeVersion)
    attributes(&record.scope.attributes)
    plain(&record.scope.schemaURL, .schemaURL)
    plain(&record.metric.name, .metricName)
    plain(&record.metric.unit, .metricUnit)
    plain(&record.metric.description, .metricDescription)
    attributes(&record.metric.metadata)
    guard var origin = record.origin else { return }
    plain(&origin.source, .source)
    plain(&origin.session, .session)
    plain(&origin.component, .component)
    plain(&origin.gameModule, .gameModule)
    plain(&origin.modFingerprint, .modFingerprint)
    record.origin = origin
  }

  private func plain(_ text: inout OTLPRecord.Bytes, _ column: TextColumn) {
    guard text.count > 0 else { return }
    let bytes = text.assumingMemoryBound(to: UInt8.self)
    let rule = texts.rules.columns[column.rawValue]
    if rule.contains(.drop) {
      text = keep(Array("[dropped]".utf8))
    } else if !rule.isDisjoint(with: [.player, .device]) {
      if case .text(let found) = texts.pseudonym(Array(bytes), rule) { text = keep(found) }
    } else if TextClass.isSuspect(bytes), let found = texts.scrubbed(bytes, rule) {
      text = keep(found)
    }
  }

  /// `{}` is two bytes.
  private func attributes(_ text: inout OTLPRecord.Bytes) {
    let bytes = text.assumingMemoryBound(to: UInt8.self)
    guard text.count > 2, var walk = JSONWalk(bytes, texts, hasEscapes: true) else { return }
    if let found = walk.attributes() { text = keep(found) }
  }

  private func ownKeys(_ text: inout OTLPRecord.Bytes) {
    let bytes = text.assumingMemoryBound(to: UInt8.self)
    guard text.count > 2, var walk = JSONWalk(bytes, texts, hasEscapes: true) else { return }
    if let found = walk.ownKeys() { text = keep(found) }
  }

  private func keep(_ bytes: [UInt8]) -> OTLPRecord.Bytes {
    // Readers of JSON look at words of eight bytes.
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 8, alignment: 8)
    memory.copyBytes(from: bytes)
    UnsafeMutableRawBufferPointer(rebasing: memory[bytes.count...]).initializeMemory(as: UInt8.self, repeating: 0)
    kept.append(memory)
    return OTLPRecord.Bytes(rebasing: memory[..<bytes.count])
  }
}

extension Protector {
  /// For stored rows, under the rules of this moment.
  package func recordProtection() -> RecordProtection {
    // Trusted: what stands in a row as a pseudonym is one, and `garner.*` is our own.
    RecordProtection(texts(PrivacySender(trusted: true)))
  }
}
