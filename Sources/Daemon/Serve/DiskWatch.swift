import Console
import ServiceLifecycle
import Store
import Synchronization

/// Looks once a second whether there is room, for `/readyz`.
struct DiskWatch: Service {
  let store: DataStore
  let readiness: Readiness

  func look() {
    let vitals = store.vitals
    let free = FileSystem.space(store.directory.path)?.free ?? 0
    let reserve = vitals.reserveBytes.load(ordering: .relaxed)
    if free < reserve {
      readiness.set("disk", ok: false, "\(free) bytes free, \(reserve) are reserved: intake answers 503")
    } else if vitals.overCap.load(ordering: .relaxed) {
      let used = vitals.bytesOnDisk.load(ordering: .relaxed)
      let cap = store.currentOptions.maxBytes.map { "\($0)" } ?? "no number of"
      readiness.set(
        "disk", ok: false,
        "\(used) bytes are used, retention.max_bytes allows \(cap), and nothing may go: intake answers 503")
    } else {
      readiness.set("disk", ok: true, "\(free) bytes free")
    }
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        look()
        // Cancelled is how it ends.
        try? await Task.sleep(for: .seconds(1))
      }
    }
  }
}
