package import Door
import Store

extension GarnerConfig {
  package var tokensFile: String {
    auth.tokensFile.isEmpty ? DataDirectory(dataDirectory).keys + "/tokens.jsonl" : auth.tokensFile
  }

  package var udpKeysFile: String {
    auth.udpKeysFile.isEmpty ? DataDirectory(dataDirectory).keys + "/udp.jsonl" : auth.udpKeysFile
  }

  /// Nil: plain text.
  package var tlsFiles: TransportSecurity.Files? {
    guard !tls.certFile.isEmpty else { return nil }
    return TransportSecurity.Files(
      certificate: tls.certFile, key: tls.keyFile, clientAuthorities: tls.clientCAFile.isEmpty ? nil : tls.clientCAFile)
  }

  /// What `auth.allow_anonymous` says for a door at this address.
  package func admitsAnonymous(_ address: ListenAddress) -> Bool {
    switch auth.anonymous {
    case .everywhere: true
    case .nowhere: false
    case .loopback: address.isLoopback
    }
  }
}
