/// What the answers of the known servers mean (FORWARD §4). What only the body tells (how many of the records were
/// refused) is the courier's to read.
package enum AnswerTable: Sendable {
  /// `jaeger` and `garner` too.
  case otlp
  /// Remote write 1.0: all or nothing.
  case remoteWrite1
  /// Remote write 2.0: keeps what is good.
  case remoteWrite2
  case loki
  case zipkin
  case webhook
  case clickhouse

  package func verdict(_ answer: Answer) -> Verdict {
    switch answer.outcome {
    case .silence: .outage(after: nil)
    case .untrusted, .unfit: .stop
    case .grpc(let code): grpc(code, retryAfter: answer.retryAfter)
    case .status(let status): http(status, retryAfter: answer.retryAfter)
    }
  }

  private func http(_ status: Int, retryAfter: Duration?) -> Verdict {
    switch status {
    case 260 where self == .loki: return .refuse(reason: "blocked")
    case 200..<300: return .accepted
    // A redirect that was not followed: to another host, or one that would lose the body.
    case 300..<400: return .stop
    case 401, 403, 404, 405, 407: return .stop
    case 410 where self == .zipkin || self == .webhook: return .stop
    case 501 where self == .clickhouse: return .stop
    case 429: return .retry(after: retryAfter)
    case 413: return .split(reason: "too_large")
    case 400: return badRequest
    case 408 where self == .webhook: return .retry(after: retryAfter)
    case 415 where self == .remoteWrite1 || self == .remoteWrite2: return .otherForm
    case 422 where self == .loki: return .accepted
    case 400..<500: return .refuse(reason: "invalid")
    case 502, 503, 504:
      if let retryAfter { return .outage(after: retryAfter) }
      return self == .otlp ? .outage(after: nil) : .serverError(isOutage: true)
    case 500...: return self == .otlp ? .split(reason: "server_error") : .serverError(isOutage: false)
    default: return .outage(after: nil)
    }
  }

  private var badRequest: Verdict {
    switch self {
    case .otlp, .remoteWrite1, .zipkin, .clickhouse: .split(reason: "invalid")
    // They have kept the rest: the courier counts.
    case .remoteWrite2, .loki: .accepted
    case .webhook: .refuse(reason: "invalid")
    }
  }

  private func grpc(_ code: Int, retryAfter: Duration?) -> Verdict {
    switch code {
    case 0: .accepted
    case 7, 12, 16: .stop
    case 8: retryAfter == nil ? .split(reason: "too_large") : .retry(after: retryAfter)
    case 1, 4, 10, 11, 14, 15: .outage(after: retryAfter)
    default: .split(reason: code == 3 ? "invalid" : "server_error")
    }
  }
}

extension Answer {
  /// What the far end asked for: `Retry-After` in seconds or as a date, at most ten minutes; a past one is now.
  package var retryAfter: Duration? {
    guard let text = header("retry-after") else { return nil }
    let words = text.split(separator: " ").joined(separator: " ")
    if let seconds = Double(words) { return seconds >= 0 ? .seconds(min(seconds, 600)) : nil }
    let sentAt = header("date").flatMap(HTTPDate.seconds) ?? receivedAt
    guard let date = HTTPDate.seconds(words), sentAt > 0 else { return nil }
    return .seconds(min(max(0, date - sentAt), 600))
  }
}
