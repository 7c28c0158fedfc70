/// What came back for one request.
package struct Answer: Sendable {
  package enum Outcome: Sendable, Equatable {
    /// HTTP status.
    case status(Int)
    /// `grpc-status`.
    case grpc(Int)
    /// DNS, connection, reset, TLS, timeout: nothing was answered. The words are for people.
    case silence(String, isTimeout: Bool)
    /// The connection cannot be made in a way that trying again would mend: a certificate that is not trusted.
    case untrusted(String)
    /// It is reached, and of no use as it is: a table with other columns, a pipe that nobody reads.
    case unfit(String)
  }

  package var outcome: Outcome
  /// Lower-case names.
  package var headers: [(name: String, value: String)] = []
  /// At most 64 KiB of it are looked at.
  package var body: [UInt8] = []
  /// Seconds since 1970; 0: unknown. What a date is compared with when the far end does not tell its own.
  package var receivedAt: Int64 = 0

  package init(_ outcome: Outcome, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
    self.outcome = outcome
    self.headers = headers
    self.body = body
  }

  package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// The server's words, at most 1 KiB, without control characters and without what is around its message.
  package var words: String {
    switch outcome {
    case .silence(let text, _), .untrusted(let text), .unfit(let text): PlainWords.of(text)
    case .status: PlainWords.of(self)
    case .grpc: PlainWords.of(String(decoding: body, as: UTF8.self))
    }
  }

  package var isSuccess: Bool {
    switch outcome {
    case .status(let status): (200..<300).contains(status)
    case .grpc(let code): code == 0
    case .silence, .untrusted, .unfit: false
    }
  }

  /// For counters and people: `200`, `grpc 14`, `timeout`, `no answer`.
  package var code: String {
    switch outcome {
    case .status(let status): String(status)
    case .grpc(let code): "grpc \(code)"
    case .silence(_, let isTimeout): isTimeout ? "timeout" : "no answer"
    case .untrusted: "tls"
    case .unfit: "unfit"
    }
  }
}

/// What to do after an answer (FORWARD §4).
package enum Verdict: Sendable, Equatable {
  /// Taken; so many of the records were not, with the far end's words.
  case accept(refused: Int, reason: String, message: String)
  /// The same again later: nobody answers, or who stands before the server says so. One lane tries, the others wait.
  case outage(after: Duration?)
  /// The same again later; other requests may go on, unless the server named a time.
  case retry(after: Duration?)
  /// The server's own fault, it says; some servers say so for ever to one bad request. `isOutage`: one lane tries, the
  /// others wait.
  case serverError(isOutage: Bool)
  /// Too much, or one record in it is bad: halves.
  case split(reason: String)
  /// None of it, and never again.
  case refuse(reason: String)
  /// The destination is at fault, no record: wait until someone mends it.
  case stop
  /// The same at once in the other form of this format.
  case otherForm

  static let accepted = Verdict.accept(refused: 0, reason: "", message: "")
}
