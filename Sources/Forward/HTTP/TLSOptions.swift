import NIOSSL

/// TLS of connections that we open.
enum TLSOptions {
  static func configuration(_ options: TransportOptions.TLS) throws -> TLSConfiguration {
    var configuration = TLSConfiguration.makeClientConfiguration()
    if !options.caFile.isEmpty { configuration.trustRoots = .file(options.caFile) }
    if !options.certFile.isEmpty {
      configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(options.certFile).map { .certificate($0) }
      configuration.privateKey = .privateKey(
        try NIOSSLPrivateKey(file: options.keyFile.isEmpty ? options.certFile : options.keyFile, format: .pem))
    }
    if options.skipsVerification { configuration.certificateVerification = .none }
    return configuration
  }
}
