import ServiceLifecycle
import UnixSignals

/// SIGHUP reads the configuration again.
struct ReloadSignal: Service {
  let reloader: Reloader

  func run() async throws {
    await cancelWhenGracefulShutdown {
      for await _ in await UnixSignalsSequence(trapping: .sighup) {
        await withCheckedContinuation { done in
          BlockingWork.run {
            _ = reloader.reload()
            done.resume()
          }
        }
      }
    }
  }
}
