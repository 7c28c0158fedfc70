import Door

extension ResolvedConfig {
  /// Files of secrets that cannot be used, and doors that strangers could reach.
  func credentialProblems() -> [ConfigProblem] {
    var problems: [ConfigProblem] = []
    if config.tls.certFile.isEmpty != config.tls.keyFile.isEmpty {
      problems.append(ConfigProblem("`tls.cert_file` and `tls.key_file` go together", at: place("tls.cert_file")))
    } else if config.tls.certFile.isEmpty && !config.tls.clientCAFile.isEmpty {
      let message = "`tls.client_ca_file` needs `tls.cert_file` and `tls.key_file`"
      problems.append(ConfigProblem(message, at: place("tls.client_ca_file")))
    } else if let files = config.tlsFiles {
      do throws(CredentialFault) {
        _ = try TransportSecurity(files)
      } catch {
        problems.append(ConfigProblem("`tls`: \(error)", at: place("tls.cert_file")))
      }
    }
    let book: CredentialBook
    do throws(CredentialFault) {
      book = try CredentialBook(tokensFile: config.tokensFile, udpKeysFile: config.udpKeysFile)
    } catch {
      problems.append(ConfigProblem("\(error)"))
      return problems
    }
    for (path, address) in doors where !address.isLoopback && config.auth.anonymous != .everywhere {
      guard let mend = missing(path, book, now: Gate.wallClock()) else { continue }
      let message = "`\(path)`: \(address.text) can be reached from other machines and there is no live "
      let rest = ", set auth.allow_anonymous: true when that is meant, or listen on 127.0.0.1"
      problems.append(ConfigProblem(message + mend + rest, at: place(path)))
    }
    return problems
  }

  /// What a door that is not on loopback lacks, and how it is made; nil: nothing.
  private func missing(_ path: String, _ book: CredentialBook, now: Int64) -> String? {
    switch path {
    case "listen.udp":
      if book.udpKeys.hasLive(now: now) { return nil }
      return "UDP key; make one by `garner token create --udp --source NAME`"
    case "listen.console":
      if book.tokens.hasLive([.read, .admin], now: now) { return nil }
      return "token of the scope read or admin; make one by `garner token create --scope read --source NAME`"
    default:
      if config.tlsFiles?.clientAuthorities != nil || book.tokens.hasLive([.ingest], now: now) { return nil }
      return "token of the scope ingest; make one by `garner token create --scope ingest --source NAME`"
    }
  }
}
