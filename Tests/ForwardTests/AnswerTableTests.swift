import Testing

@testable import Forward

@Suite struct AnswerTableTests {
  private static let tables: [AnswerTable] = [
    .otlp, .remoteWrite1, .remoteWrite2, .loki, .zipkin, .webhook, .clickhouse,
  ]

  private static let ok = Verdict.accepted
  private static let stop = Verdict.stop
  private static let invalid = Verdict.split(reason: "invalid")
  private static let refuse = Verdict.refuse(reason: "invalid")
  private static let fault = Verdict.serverError(isOutage: false)
  private static let away = Verdict.serverError(isOutage: true)

  /// A status, and what each table makes of it, in the order of `tables`.
  static let rows: [(Int, [Verdict])] = [
    (200, [ok, ok, ok, ok, ok, ok, ok]),
    (204, [ok, ok, ok, ok, ok, ok, ok]),
    (260, [ok, ok, ok, .refuse(reason: "blocked"), ok, ok, ok]),
    (301, [stop, stop, stop, stop, stop, stop, stop]),
    (302, [stop, stop, stop, stop, stop, stop, stop]),
    (303, [stop, stop, stop, stop, stop, stop, stop]),
    (307, [stop, stop, stop, stop, stop, stop, stop]),
    (308, [stop, stop, stop, stop, stop, stop, stop]),
    (400, [invalid, invalid, ok, ok, invalid, refuse, invalid]),
    (401, [stop, stop, stop, stop, stop, stop, stop]),
    (403, [stop, stop, stop, stop, stop, stop, stop]),
    (404, [stop, stop, stop, stop, stop, stop, stop]),
    (405, [stop, stop, stop, stop, stop, stop, stop]),
    (407, [stop, stop, stop, stop, stop, stop, stop]),
    (408, [refuse, refuse, refuse, refuse, refuse, .retry(after: nil), refuse]),
    (410, [refuse, refuse, refuse, refuse, stop, stop, refuse]),
    (413, Array(repeating: .split(reason: "too_large"), count: 7)),
    (415, [refuse, .otherForm, .otherForm, refuse, refuse, refuse, refuse]),
    (422, [refuse, refuse, refuse, ok, refuse, refuse, refuse]),
    (429, Array(repeating: .retry(after: nil), count: 7)),
    (431, Array(repeating: refuse, count: 7)),
    (500, [.split(reason: "server_error"), fault, fault, fault, fault, fault, fault]),
    (501, [.split(reason: "server_error"), fault, fault, fault, fault, fault, stop]),
    (502, [.outage(after: nil), away, away, away, away, away, away]),
    (503, [.outage(after: nil), away, away, away, away, away, away]),
    (504, [.outage(after: nil), away, away, away, away, away, away]),
    (507, [.split(reason: "server_error"), fault, fault, fault, fault, fault, fault]),
  ]

  @Test(arguments: rows) func knowsWhatAStatusMeans(_ status: Int, _ verdicts: [Verdict]) {
    for (table, verdict) in zip(Self.tables, verdicts) {
      #expect(table.verdict(Answer(.status(status))) == verdict, "\(status) from \(table)")
    }
  }

  @Test func waitsWhenNobodyAnswers() {
    for table in Self.tables {
      #expect(table.verdict(Answer(.silence("reset", isTimeout: false))) == .outage(after: nil))
      #expect(table.verdict(Answer(.untrusted("certificate"))) == .stop)
    }
  }

  static let codes: [(Int, Verdict)] = [
    (0, ok), (1, .outage(after: nil)), (2, .split(reason: "server_error")), (3, invalid), (4, .outage(after: nil)),
    (5, .split(reason: "server_error")), (6, .split(reason: "server_error")), (7, stop),
    (8, .split(reason: "too_large")), (9, .split(reason: "server_error")), (10, .outage(after: nil)),
    (11, .outage(after: nil)), (12, stop), (13, .split(reason: "server_error")), (14, .outage(after: nil)),
    (15, .outage(after: nil)), (16, stop),
  ]

  @Test(arguments: codes) func knowsWhatAGRPCCodeMeans(_ code: Int, _ verdict: Verdict) {
    #expect(AnswerTable.otlp.verdict(Answer(.grpc(code))) == verdict)
  }

  @Test func retriesAFullReceiverThatNamesATime() {
    let answer = Answer(.grpc(8), headers: [("retry-after", "3.5")])
    #expect(AnswerTable.otlp.verdict(answer) == .retry(after: .seconds(3.5)))
  }

  private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"

  static let waits: [(String, String?, Duration?)] = [
    ("7", nil, .seconds(7)), (" 7 ", nil, .seconds(7)), ("0", nil, .zero), ("0.25", nil, .seconds(0.25)),
    ("86400", nil, .seconds(600)), ("99999999999999999999999999", nil, .seconds(600)), ("-5", nil, nil),
    ("inf", nil, .seconds(600)), ("nan", nil, nil), ("soon", nil, nil), ("", nil, nil),
    ("Sun, 06 Nov 1994 08:49:47 GMT", date, .seconds(10)), ("Sun, 06 Nov 1994 08:49:17 GMT", date, .zero),
    ("Sun, 06 Nov 1999 08:49:17 GMT", date, .seconds(600)), ("Sun, 06 Nov 1999 08:49:17 GMT", nil, nil),
    ("Sun, 06 Nov 1999 08:49:17 GMT", "yesterday", nil),
  ]

  @Test(arguments: waits) func readsRetryAfter(_ text: String, _ date: String?, _ wait: Duration?) {
    var answer = Answer(.status(429), headers: [("retry-after", text)])
    if let date { answer.headers.append(("date", date)) }
    #expect(answer.retryAfter == wait)
    #expect(AnswerTable.loki.verdict(answer) == .retry(after: wait))
  }

  @Test func comparesADateWithOurClockWhenTheServerTellsNone() {
    var answer = Answer(.status(503), headers: [("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")])
    answer.receivedAt = 784_111_777
    #expect(answer.retryAfter == .seconds(10))
    #expect(AnswerTable.loki.verdict(answer) == .outage(after: .seconds(10)))
  }

  static let dates: [(String, Int64?)] = [
    ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
    ("Sun Nov  6 08:49:37 1994", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ("Thu, 29 Feb 2024 12:00:00 GMT", 1_709_208_000), ("Tue, 01 Mar 2050 00:00:00 GMT", 2_529_705_600),
    ("Sun, 06 Foo 1994 08:49:37 GMT", nil), ("Sun, 46 Nov 1994 08:49:37 GMT", nil),
    ("Sun, 06 Nov 1994 28:49:37 GMT", nil), ("Sun, 06 Nov 1994 GMT", nil), ("", nil), ("120", nil),
  ]

  @Test(arguments: dates) func readsADateInAllItsForms(_ text: String, _ seconds: Int64?) {
    #expect(HTTPDate.seconds(text) == seconds)
  }

  @Test func givesTheServersWordsOnOneLine() {
    let answer = Answer(.status(400), body: Array("too\nold\u{7f} entry \r\n".utf8))
    #expect(answer.words == "too old  entry")
    #expect(Answer(.status(400), body: [UInt8](repeating: 0x61, count: 5_000)).words.utf8.count == 1_024)
  }
}

@Suite struct PartialSuccessTests {
  static let texts: [(String, Int, String)] = [
    (#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"bad"}}"#, 3, "bad"),
    (#"{"partialSuccess":{"rejectedLogRecords":4}}"#, 4, ""),
    (#"{"partialSuccess":{"rejectedDataPoints":"5"}}"#, 5, ""),
    (#"{"partialSuccess":{"errorMessage":"a warning"}}"#, 0, "a warning"),
    (#"{"partialSuccess":{"rejectedSpans":"-3"}}"#, 0, ""),
    (#"{"partialSuccess":{}}"#, 0, ""), ("{}", 0, ""), ("", 0, ""), ("<html>", 0, ""),
  ]

  @Test(arguments: texts) func readsJSON(_ text: String, _ rejected: Int, _ message: String) {
    let partial = PartialSuccess.read(Array(text.utf8), isJSON: true)
    #expect(partial == PartialSuccess(rejected: rejected, message: message))
  }

  static let messages: [([UInt8], Int, String)] = [
    ([0x0a, 0x02, 0x08, 0x03], 3, ""),
    ([0x0a, 0x05, 0x12, 0x03, 0x62, 0x61, 0x64], 0, "bad"),
    ([0x0a, 0x07, 0x08, 0x03, 0x12, 0x03, 0x62, 0x61, 0x64], 3, "bad"),
    ([0x0a, 0x0b, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 0, ""),
    ([0x0a, 0x00], 0, ""), ([], 0, ""), ([0xff, 0xff, 0xff], 0, ""), ([0x0a, 0x7f, 0x08], 0, ""),
    ([0x0d, 1, 2, 3, 4, 0x0a, 0x02, 0x08, 0x05], 5, ""),
  ]

  @Test(arguments: messages) func readsProtobuf(_ bytes: [UInt8], _ rejected: Int, _ message: String) {
    #expect(PartialSuccess.read(bytes, isJSON: false) == PartialSuccess(rejected: rejected, message: message))
  }

  @Test func findsTheTimeToWaitInTheDetailsOfAStatus() {
    let name = Array("type.googleapis.com/google.rpc.RetryInfo".utf8)
    let duration: [UInt8] = [0x08, 2, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01]
    let info = [0x0a, UInt8(duration.count)] + duration
    let any = [0x0a, UInt8(name.count)] + name + [0x12, UInt8(info.count)] + info
    let status: [UInt8] = [0x08, 8, 0x12, 1, 0x78, 0x1a, UInt8(any.count)] + any
    #expect(RetryInfo.read(status) == 2.5)
    #expect(RetryInfo.read([0x08, 8, 0x12, 1, 0x78]) == nil)
    #expect(RetryInfo.read([0x1a, 2, 0x0a]) == nil)
  }
}
