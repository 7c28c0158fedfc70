package import Logging
import Synchronization

/// Both files of credentials as they are in force. Re-read when they change; a file with a fault changes nothing.
package final class CredentialBook: Sendable {
  private struct State {
    var tokens = TokenBook()
    var udpKeys = UDPKeyBook()
    var tokensStamp: CredentialFile.Stamp?
    var udpStamp: CredentialFile.Stamp?
  }

  private let tokensFile: CredentialFile
  private let udpFile: CredentialFile
  // covers: both books and what their files looked like; take nothing inside.
  private let state = Mutex(State())

  /// Reads both files; one that is missing is an empty book. Throws what is wrong, with file and line.
  package init(tokensFile: String, udpKeysFile: String) throws(CredentialFault) {
    self.tokensFile = CredentialFile(tokensFile)
    udpFile = CredentialFile(udpKeysFile)
    // The stamp first: a change in between is seen the next time.
    var first = State()
    first.tokensStamp = self.tokensFile.stamp
    first.udpStamp = udpFile.stamp
    first.tokens = try TokenBook(
      try self.tokensFile.parse { line throws(CredentialFault) in try TokenLine(parsing: line) })
    first.udpKeys = try UDPKeyBook(try udpFile.parse { line throws(CredentialFault) in try UDPKeyLine(parsing: line) })
    let initial = first
    state.withLock { $0 = initial }
  }

  /// Books that never change, for doors without files.
  package init(tokens: TokenBook = TokenBook(), udpKeys: UDPKeyBook = UDPKeyBook()) {
    tokensFile = CredentialFile("")
    udpFile = CredentialFile("")
    state.withLock {
      $0.tokens = tokens
      $0.udpKeys = udpKeys
    }
  }

  package var tokens: TokenBook { state.withLock { $0.tokens } }
  package var udpKeys: UDPKeyBook { state.withLock { $0.udpKeys } }

  /// Whether records may carry this source only with a credential.
  package func owns(source: String) -> Bool { tokens.owns(source: source) || udpKeys.owns(source: source) }

  /// Looks at both files and takes over what has changed. Blocks for a small file read; meant to be called twice a second.
  package func refresh(_ logger: Logger) {
    let (before, old) = state.withLock { (($0.tokensStamp, $0.udpStamp), $0) }
    let tokensStamp = tokensFile.stamp
    if tokensStamp != before.0 {
      let book = read(logger) { () throws(CredentialFault) in
        try TokenBook(
          try tokensFile.parse { line throws(CredentialFault) in try TokenLine(parsing: line) }, previous: old.tokens)
      }
      state.withLock {
        $0.tokensStamp = tokensStamp
        if let book { $0.tokens = book }
      }
      if let book {
        logger.info(
          "tokens were read again", metadata: ["event": "credentials.changed", "count": "\(book.lines.count)"])
      }
    }
    let udpStamp = udpFile.stamp
    if udpStamp != before.1 {
      let book = read(logger) { () throws(CredentialFault) in
        try UDPKeyBook(
          try udpFile.parse { line throws(CredentialFault) in try UDPKeyLine(parsing: line) }, previous: old.udpKeys)
      }
      state.withLock {
        $0.udpStamp = udpStamp
        if let book { $0.udpKeys = book }
      }
      if let book {
        logger.info(
          "UDP keys were read again", metadata: ["event": "credentials.changed", "count": "\(book.lines.count)"])
      }
    }
  }

  private func read<Book>(_ logger: Logger, _ make: () throws(CredentialFault) -> Book) -> Book? {
    do throws(CredentialFault) {
      return try make()
    } catch {
      logger.error(
        "credentials cannot be read, those from before stay in force",
        metadata: ["event": "credentials.fault", "fault": "\(error)"])
      return nil
    }
  }
}
