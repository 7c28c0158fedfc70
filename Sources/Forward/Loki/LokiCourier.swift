package import Wire

/// Loki's push: a request a stream, for of several only the last one's fate is answered (FORWARD §4).
package final class LokiCourier: Courier {
  private let url: String
  private let isJSON: Bool
  private let options: TransportOptions
  private let transport: HTTPTransport
  private let overflow: LokiOverflow

  /// `isJSON`: the JSON form; else protobuf in a snappy block.
  package init(
    url: String, isJSON: Bool = false, overflow: LokiOverflow = LokiOverflow(), _ options: TransportOptions
  ) throws {
    self.url = url
    self.overflow = overflow
    self.isJSON = isJSON
    self.options = options
    transport = try HTTPTransport(options)
  }

  package func send(_ parcel: any Parcel, _ range: Range<Int>, form: Int) async -> Answer {
    if isJSON {
      let (body, coding) = HTTPTransport.compressed(parcel.body(range, form: LokiForm.json), options.compression)
      return await transport.post(
        url, body, headers: [("content-type", "application/json")] + (coding.map { [$0] } ?? []))
    }
    let plain = parcel.body(range, form: LokiForm.protobuf)
    guard let body = Snappy.compress(plain) else { return Answer(.silence("snappy has no memory", isTimeout: false)) }
    return await transport.post(url, body, headers: [("content-type", "application/x-protobuf")])
  }

  package func judge(_ answer: Answer, _ parcel: any Parcel, _ range: Range<Int>, form: Int) -> Verdict {
    guard case .status(let status) = answer.outcome, status == 400 || status == 422 else {
      return AnswerTable.loki.verdict(answer)
    }
    // The rest of it is stored. What complains without a number has something against one entry; 422 against none: there
    // was nothing that it could take.
    let words = answer.words
    let ignored = LokiAnswer.ignored(in: answer.body) ?? (status == 400 ? 1 : 0)
    return .accept(refused: min(ignored, range.count), reason: Self.reason(words), message: words)
  }

  static func reason(_ words: String) -> String {
    if words.contains("too far behind") || words.contains("out of order") || words.contains("out-of-order") {
      return "out_of_order"
    }
    if words.contains("too old") || words.contains("greater than max age") || words.contains("has timestamp too old") {
      return "too_old"
    }
    if words.contains("too new") { return "invalid" }
    if words.contains("max entry size") || words.contains("too large") || words.contains("line too long") {
      return "too_large"
    }
    return "invalid"
  }

  /// Loki keeps one of equal entries and says nothing.
  package func isRepeat(_ reason: String) -> Bool { reason == "out_of_order" }

  package func close() async { await transport.close() }

  package var advice: String {
    let count = overflow.count
    return count == 0
      ? "" : "\(count) records have only the labels of their service: take some out of `labels`, or raise `max_streams`"
  }
}
