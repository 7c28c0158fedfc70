import Door
import Telemetry

extension Batch {
  private static let key = Array(#""garner.audience":"#.utf8)

  /// Every resource says of which audience its sender is, as its credential tells (DOORS §2). After protecting: a sender's
  /// own `garner.*` is gone by then, or the sender is trusted and what it passes on stays.
  func stamped(_ audience: Audience) -> Batch {
    if resources.isEmpty { return self }
    let member = Self.key + Array("\"\(audience.rawValue)\"".utf8)
    var text: [UInt8] = []
    var stamped = resources
    for index in resources.indices {
      let attributes = bytes(resources[index].attributes)
      if Self.holdsKey(attributes) { continue }
      let start = arena.count + text.count
      text.append(UInt8(ascii: "{"))
      text += member
      if attributes.count > 2 {
        text.append(UInt8(ascii: ","))
        text += attributes.dropFirst()
      } else {
        text.append(UInt8(ascii: "}"))
      }
      stamped[index].attributes = Slice(start: start, count: arena.count + text.count - start)
    }
    if text.isEmpty { return self }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: arena.count + text.count, alignment: 16)
    memory.copyMemory(from: arena)
    text.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: memory[arena.count...]).copyMemory(from: $0) }
    return Batch(
      signal: signal, rows: rows, names: names, resources: stamped, streams: streams, contexts: contexts,
      metrics: metrics, series: series, rejections: rejections, rejectionCounts: rejectionCounts, warnings: warnings,
      recordCount: recordCount, arena: UnsafeRawBufferPointer(memory), filtered: filtered)
  }

  private static func holdsKey(_ attributes: UnsafeRawBufferPointer) -> Bool {
    guard attributes.count >= key.count else { return false }
    for start in 0...(attributes.count - key.count) where attributes[start] == key[0] {
      if attributes[start..<start + key.count].elementsEqual(key) { return true }
    }
    return false
  }
}
