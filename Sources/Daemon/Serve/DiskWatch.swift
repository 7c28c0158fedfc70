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
    if vitals.overCap.load(ordering: .relaxed) || free < reserve {
      readiness.set("disk", ok: false, "\(free) bytes free, \(reserve) are reserved: intake answers 503")
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
