package import Wire

/// OTLP over HTTP, to any Collector, Jaeger 2, Tempo, VictoriaTraces and -Logs, or another Garner.
package final class OTLPCourier: Courier {
  /// By road: traces, metrics, logs.
  private let urls: [String]
  private let isJSON: Bool
  private let options: TransportOptions
  private let transport: HTTPTransport

  /// `endpoint`: a base, to which `/v1/<signal>` is added (CONFORMANCE CLI-03); `endpoints`: whole addresses by signal.
  package init(
    endpoint: String, endpoints: [String: String] = [:], isJSON: Bool, _ options: TransportOptions
  ) throws {
    // A query belongs behind the path.
    let query = endpoint.firstIndex(of: "?") ?? endpoint.endIndex
    var base = endpoint[..<query]
    while base.hasSuffix("/") { base.removeLast() }
    urls = ["traces", "metrics", "logs"].map { endpoints[$0] ?? "\(base)/v1/\($0)\(endpoint[query...])" }
    self.isJSON = isJSON
    self.options = options
    transport = try HTTPTransport(options)
  }

  package func send(_ parcel: any Parcel, _ range: Range<Int>, form: Int) async -> Answer {
    let (body, coding) = HTTPTransport.compressed(parcel.body(range, form: form), options.compression)
    var headers = [(name: "content-type", value: isJSON ? "application/json" : "application/x-protobuf")]
    if let coding { headers.append(coding) }
    return await transport.post(urls[parcel.road], body, headers: headers)
  }

  package func judge(_ answer: Answer, _ parcel: any Parcel, _ range: Range<Int>, form: Int) -> Verdict {
    let verdict = AnswerTable.otlp.verdict(answer)
    guard case .accept = verdict else { return verdict }
    let isAnswerJSON = answer.header("content-type")?.hasPrefix("application/json") ?? isJSON
    let partial = PartialSuccess.read(answer.body, isJSON: isAnswerJSON)
    return .accept(refused: partial.rejected, reason: "partial", message: partial.message)
  }

  package func close() async { await transport.close() }
}
