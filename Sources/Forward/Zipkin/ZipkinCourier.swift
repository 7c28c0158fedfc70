package import Wire

/// Zipkin's v2 JSON over HTTP.
package final class ZipkinCourier: Courier {
  private let url: String
  private let options: TransportOptions
  private let transport: HTTPTransport

  package init(url: String, _ options: TransportOptions) throws {
    self.url = url
    self.options = options
    transport = try HTTPTransport(options)
  }

  package func send(_ parcel: any Parcel, _ range: Range<Int>, form: Int) async -> Answer {
    let (body, coding) = HTTPTransport.compressed(parcel.body(range, form: form), options.compression)
    return await transport.post(
      url, body, headers: [("content-type", "application/json")] + (coding.map { [$0] } ?? []))
  }

  package func judge(_ answer: Answer, _ parcel: any Parcel, _ range: Range<Int>, form: Int) -> Verdict {
    AnswerTable.zipkin.verdict(answer)
  }

  package func close() async { await transport.close() }
}
