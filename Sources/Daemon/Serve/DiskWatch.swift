import Console
import Logging
import ServiceLifecycle
import Store
import Synchronization

/// Looks once a second whether there is room, for `/readyz`, and whether the data directory is still there: without it the
/// daemon ends, so that whoever keeps it running starts it anew.
struct DiskWatch: Service {
  let store: DataStore
  let readiness: Readiness
  let logger: Logger

  func look() {
    let vitals = store.vitals
    let free = FileSystem.space(store.directory.path)?.free ?? 0
    let reserve = vitals.reserveBytes.load(ordering: .relaxed)
    if free < reserve {
      readiness.set("disk", ok: false, "\(free) bytes free, \(reserve) are reserved: intake answers 503")
    } else if vitals.overCap.load(ordering: .relaxed) {
      let used = vitals.bytesOnDisk.load(ordering: .relaxed)
      let quarantine = vitals.quarantineBytes.load(ordering: .relaxed)
      readiness.set(
        "disk", ok: false, Self.capDetail(used: used, cap: store.currentOptions.maxBytes, quarantine: quarantine))
    } else {
      readiness.set("disk", ok: true, "\(free) bytes free")
    }
  }

  private func gone() -> Serve.Failure {
    let text = "\(store.directory.path) was removed, moved away or exchanged while it was open"
    readiness.set("store", ok: false, text)
    logger.error("\(text): intake answers 503, the daemon ends")
    return .inputOutput(text)
  }

  static func capDetail(used: Int64, cap: Int64?, quarantine: Int64) -> String {
    var detail = "\(used) bytes are used"
    if let cap {
      detail += " of \(cap) that retention.max_bytes allows"
      if used < cap { detail += "; the other \(cap - used) are kept for what lands to be settled" }
    }
    if quarantine > 0 { detail += "; quarantine/ holds \(quarantine) of them" }
    return detail + "; nothing may go: intake answers 503"
  }

  func run() async throws {
    try await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        if !store.isInPlace { throw gone() }
        look()
        // Cancelled is how it ends.
        try? await Task.sleep(for: .seconds(1))
      }
    }
  }
}
