import Testing
import Wire

/// Which page a reader gets (CONFORMANCE EXP-01).
@Suite struct ScrapeAcceptTests {
  static let headers: [(String, ScrapePage.Format, Bool)] = [
    ("", .text, false), ("*/*", .text, false), ("application/json", .text, false),
    ("application/openmetrics-text", .openMetrics, false),
    ("application/openmetrics-text; version=0.0.1", .text, false),
    ("application/openmetrics-text;version=1.0.0;q=0.2, text/plain;version=0.0.4;q=0.5", .text, false),
    ("text/plain;q=0.5,application/openmetrics-text;version=1.0.0;q=0.5", .openMetrics, false),
    ("application/openmetrics-text;q=0.5,text/plain;q=0.5", .openMetrics, false),
    ("application/openmetrics-text;q=0, text/plain;q=0.1", .text, false),
    ("application/openmetrics-text;q=0", .text, false), ("text/html, */*;q=0.1", .text, false),
    (
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
        + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2", .openMetrics, true
    ),
    ("application/openmetrics-text;q=0.3;escaping=allow-utf-8,text/plain;q=0.4;escaping=underscores", .text, false),
    ("Text/Plain; Version=\"1.0.0\"; Escaping=allow-utf-8", .text, true),
  ]

  @Test(arguments: headers)
  func writesWhatWeighsMost(_ header: String, _ format: ScrapePage.Format, _ quotesNames: Bool) {
    let accept = ScrapeAccept(header)
    #expect(accept.format == format)
    #expect(accept.quotesNames == quotesNames)
  }
}
