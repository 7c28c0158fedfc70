import Door
import Logging
import ServiceLifecycle

/// Looks twice a second whether a file of secrets has changed: what is revoked is out within a second.
struct CredentialWatch: Service {
  let book: CredentialBook
  let tls: TransportSecurity?
  let pseudonymKeys: PseudonymKeyCheck
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        // Cancelled is how it ends.
        try? await Task.sleep(for: .milliseconds(500))
        if book.refresh(logger) { pseudonymKeys.look() }
        tls?.refresh(logger)
      }
    }
  }
}
