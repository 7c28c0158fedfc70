package import Logging
import NIOCore
package import NIOSSL
import Synchronization

/// TLS of all TCP doors: one certificate, its key, and optionally the authorities whose client certificates count.
///
/// A client that presents a certificate must have one of those authorities behind it, or the handshake fails; one that
/// presents none is let through to the gate.
package final class TransportSecurity: Sendable {
  /// What is offered in the handshake (ALPN).
  package enum Application: String, Sendable, CaseIterable {
    case http1 = "http/1.1"
    case http2 = "h2"
  }

  package struct Files: Sendable, Equatable {
    /// Certificate chain, PEM, the leaf first.
    package var certificate: String
    package var key: String
    /// Nil: clients are not asked for certificates.
    package var clientAuthorities: String?

    package init(certificate: String, key: String, clientAuthorities: String? = nil) {
      self.certificate = certificate
      self.key = key
      self.clientAuthorities = clientAuthorities
    }

    fileprivate var stamps: [CredentialFile.Stamp?] {
      [certificate, key, clientAuthorities ?? ""].map { CredentialFile($0).stamp }
    }
  }

  private struct State {
    var contexts: [Application: NIOSSLContext]
    var stamps: [CredentialFile.Stamp?]
  }

  private let files: Files
  // covers: what new connections get, and what the files looked like; take nothing inside.
  private let state: Mutex<State>

  /// Throws when a file is missing or the key does not belong to the certificate.
  package init(_ files: Files) throws(CredentialFault) {
    self.files = files
    let stamps = files.stamps
    state = Mutex(State(contexts: try Self.contexts(files), stamps: stamps))
  }

  package var asksForCertificates: Bool { files.clientAuthorities != nil }

  /// First handler of a connection; the ones that exist keep the certificate they began with.
  package func handler(_ application: Application) throws -> NIOSSLServerHandler {
    guard let context = state.withLock({ $0.contexts[application] }) else { throw CredentialFault("no TLS context") }
    return NIOSSLServerHandler(context: context)
  }

  /// Looks whether a file has changed and takes it over. Certificate and key change one after the other: a pair that does not
  /// fit is left for the next time.
  package func refresh(_ logger: Logger) {
    let stamps = files.stamps
    guard stamps != state.withLock({ $0.stamps }) else { return }
    do throws(CredentialFault) {
      let contexts = try Self.contexts(files)
      state.withLock { $0 = State(contexts: contexts, stamps: stamps) }
      logger.info("TLS certificates were read again", metadata: ["event": "tls.changed"])
    } catch {
      state.withLock { $0.stamps = stamps }
      logger.error(
        "TLS certificates cannot be read, those from before stay in force",
        metadata: ["event": "tls.fault", "fault": "\(error)"])
    }
  }

  private static func contexts(_ files: Files) throws(CredentialFault) -> [Application: NIOSSLContext] {
    let chain: [NIOSSLCertificate]
    do {
      chain = try NIOSSLCertificate.fromPEMFile(files.certificate)
    } catch {
      throw CredentialFault("\(files.certificate): no certificate in PEM")
    }
    let key: NIOSSLPrivateKey
    do {
      key = try NIOSSLPrivateKey(file: files.key, format: .pem)
    } catch {
      throw CredentialFault("\(files.key): no private key in PEM")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    if let authorities = files.clientAuthorities {
      do {
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorities))
      } catch {
        throw CredentialFault("\(authorities): no certificates in PEM")
      }
      configuration.certificateVerification = .optionalVerification
    }
    var contexts: [Application: NIOSSLContext] = [:]
    for application in Application.allCases {
      configuration.applicationProtocols = [application.rawValue]
      do {
        contexts[application] = try NIOSSLContext(configuration: configuration)
      } catch {
        throw CredentialFault("\(files.key) does not belong to \(files.certificate)")
      }
    }
    return contexts
  }
}
