package import Logging
import Synchronization

/// Both files of credentials as they are in force. Re-read when they change; a file with a fault changes nothing.
package final class CredentialBook: Sendable {
  private struct State {
    var tokens = TokenBook()
    var udpKeys = UDPKeyBook()
    var tokensStamp: CredentialFile.Stamp?
    var udpStamp: CredentialFile.Stamp?
    /// Names that verified certificates had.
    var certificates: Set<String> = []
  }

  /// More names than this a certificate authority of a game does not give.
  private static let certificateLimit = 10_000

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
    first.tokens = try TokenBook(try self.tokensFile.entries())
    first.udpKeys = try UDPKeyBook(try udpFile.entries())
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

  /// Live credentials that name a key for their pseudonyms, with that name; `now`: nanoseconds since 1970.
  package func pseudonymKeys(now: Int64) -> [(credential: String, key: String)] {
    let tokens = tokens.lines.filter { $0.grant.isLive(at: now) }.map { ("token \($0.id)", $0.grant.pseudonymKey) }
    let keys = udpKeys.lines.filter { $0.grant.isLive(at: now) }.map { ("UDP key \($0.id)", $0.grant.pseudonymKey) }
    return (tokens + keys).compactMap { name, key in key.map { (name, $0) } }
  }

  /// Whether records may carry this source only with a credential.
  package func owns(source: String) -> Bool {
    let books = state.withLock { ($0.tokens, $0.udpKeys, $0.certificates.contains(source)) }
    return books.2 || books.0.owns(source: source) || books.1.owns(source: source)
  }

  /// Somebody has come with a certificate of this name: it is his from now on.
  func note(certificate: String) {
    state.withLock {
      if $0.certificates.count < Self.certificateLimit { $0.certificates.insert(certificate) }
    }
  }

  /// Looks at both files and takes over what has changed. Blocks for a small file read; meant to be called twice a second.
  /// True when something has changed.
  @discardableResult package func refresh(_ logger: Logger) -> Bool {
    let before = state.withLock { $0 }
    let areOther = refresh(tokensFile, before.tokensStamp, "tokens were read again", logger) {
      (lines: [TokenLine]) throws(CredentialFault) in
      let book = try TokenBook(lines, previous: before.tokens)
      return { $0.tokens = book }
    } stamp: {
      $0.tokensStamp = $1
    }
    return refresh(udpFile, before.udpStamp, "UDP keys were read again", logger) {
      (lines: [UDPKeyLine]) throws(CredentialFault) in
      let book = try UDPKeyBook(lines, previous: before.udpKeys)
      return { $0.udpKeys = book }
    } stamp: {
      $0.udpStamp = $1
    } || areOther
  }

  /// `make`: what puts the book of these lines in force.
  private func refresh<Line: CredentialLine>(
    _ file: CredentialFile, _ before: CredentialFile.Stamp?, _ message: Logger.Message, _ logger: Logger,
    make: ([Line]) throws(CredentialFault) -> (inout State) -> Void,
    stamp: (inout State, CredentialFile.Stamp?) -> Void
  ) -> Bool {
    // The stamp first: a change in between is seen the next time.
    let now = file.stamp
    if now == before { return false }
    do throws(CredentialFault) {
      let lines: [Line] = try file.entries()
      let apply = try make(lines)
      state.withLock {
        stamp(&$0, now)
        apply(&$0)
      }
      logger.info(message, metadata: ["event": "credentials.changed", "count": "\(lines.count)"])
      return true
    } catch {
      state.withLock { stamp(&$0, now) }
      logger.error(
        "credentials cannot be read, those from before stay in force",
        metadata: ["event": "credentials.fault", "fault": "\(error)"])
      return false
    }
  }
}
