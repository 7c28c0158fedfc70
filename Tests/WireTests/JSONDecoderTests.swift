import Telemetry
import Testing
import Wire

/// What OTLP/JSON may look like, and what it may not.
@Suite struct JSONDecoderTests {
  private func span(_ members: String) -> String {
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"5b8efff798038103d269b633813fc60c\","
      + "\"spanId\":\"eee19b7ec3c1b174\"\(members.isEmpty ? "" : "," + members)}]}]}]}"
  }

  private func attribute(_ value: String) -> String { span("\"attributes\":[{\"key\":\"v\",\"value\":\(value)}]") }

  // MARK: values

  @Test(arguments: [
    ("{\"intValue\":\"123\"}", "123"), ("{\"intValue\":123}", "123"), ("{\"intValue\":-0}", "0"),
    ("{\"intValue\":9007199254740993}", "9007199254740993"),
    ("{\"intValue\":\"-9223372036854775808\"}", "-9223372036854775808"),
    ("{\"intValue\":9223372036854775807}", "9223372036854775807"),
    ("{\"intValue\":1.0}", "1"), ("{\"intValue\":\"1e3\"}", "1000"), ("{\"intValue\":12.50e1}", "125"),
    ("{\"intValue\":9223372036854775807.0}", "9223372036854775807"), ("{\"intValue\":0e99999999999999999999}", "0"),
    ("{\"intValue\":100e-2}", "1"), ("{\"intValue\": 7 }", "7"), ("{ \"intValue\" : \"7\" }", "7"),
    ("{\"intValue\":\"000000000000000000000000012\"}", "12"),
    ("{\"doubleValue\":1.5}", "1.5"), ("{\"doubleValue\":3}", "3.0"), ("{\"doubleValue\":\"1.5\"}", "1.5"),
    ("{\"doubleValue\":-0.0}", "-0.0"), ("{\"doubleValue\":5e-324}", "5e-324"),
    ("{\"doubleValue\":1.7976931348623157e+308}", "1.7976931348623157e+308"), ("{\"doubleValue\":1e-999}", "0.0"),
    ("{\"doubleValue\":0.1}", "0.1"), ("{\"doubleValue\":123456789012345678}", "1.2345678901234568e+17"),
    ("{\"doubleValue\":\"NaN\"}", "{\"$double\":\"NaN\"}"),
    ("{\"doubleValue\":\"-Infinity\"}", "{\"$double\":\"-Infinity\"}"),
    ("{\"boolValue\":false}", "false"), ("{\"boolValue\":true}", "true"), ("{}", "null"), ("null", "null"),
    ("{\"stringValue\":null}", "null"), ("{\"stringValue\":\"\"}", "\"\""),
    ("{\"stringValue\":\"a\\u00e4\\ud83d\\ude00\\u0000\\/\\b\"}", "\"aä😀\\u0000/\\u0008\""),
    ("{\"stringValue\":\"Grüße 🎮 and some more plain text\"}", "\"Grüße 🎮 and some more plain text\""),
    ("{\"bytesValue\":\"+/+/AAECAw==\"}", "{\"$bytes\":\"+/+/AAECAw==\"}"),
    ("{\"bytesValue\":\"-_-_AAECAw\"}", "{\"$bytes\":\"+/+/AAECAw==\"}"),
    ("{\"bytesValue\":\"\\/+\\/+\"}", "{\"$bytes\":\"/+/+\"}"), ("{\"bytesValue\":\"\"}", "{\"$bytes\":\"\"}"),
    ("{\"arrayValue\":{}}", "[]"), ("{\"arrayValue\":{\"values\":[null,{},{\"intValue\":1}]}}", "[null,null,1]"),
    (
      "{\"kvlistValue\":{\"values\":[{\"value\":{\"intValue\":1},\"key\":\"k\"},{\"key\":\"n\"}]}}",
      "{\"k\":1,\"n\":null}"
    ),
    ("{\"stringValue\":\"a\",\"intValue\":5}", "5"), ("{\"intValue\":5,\"stringValue\":\"a\"}", "\"a\""),
    ("{\"stringValue\":\"a\",\"stringValue\":\"b\"}", "\"b\""), ("{\"intValue\":5,\"what\":[{}]}", "5"),
    ("{\"arrayValue\":{\"values\":[{\"intValue\":1}]},\"arrayValue\":{\"values\":[{\"intValue\":2}]}}", "[2]"),
    ("{\"stringValueStrindex\":4}", "null"), ("{\"\\u0069ntValue\":5}", "5"),
  ])
  func readsTheValue(json: String, stored: String) {
    let outcome = JSONOutcome(.traces, attribute(json))
    #expect(outcome.firstValue == stored, "\(outcome.error?.message ?? "")")
  }

  @Test(arguments: [
    ("{\"intValue\":\"9223372036854775808\"}", DecodeError.Kind.outOfRange), ("{\"intValue\":1e19}", .outOfRange),
    ("{\"intValue\":1e999999999999}", .outOfRange), ("{\"intValue\":1.5}", .malformed),
    ("{\"intValue\":\"\"}", .malformed), ("{\"intValue\":\" 1\"}", .malformed), ("{\"intValue\":+1}", .malformed),
    ("{\"intValue\":01}", .malformed), ("{\"intValue\":true}", .malformed), ("{\"intValue\":0x1}", .malformed),
    ("{\"doubleValue\":1e400}", .outOfRange), ("{\"doubleValue\":\"-1e400\"}", .outOfRange),
    ("{\"doubleValue\":\"nan\"}", .malformed), ("{\"doubleValue\":NaN}", .malformed),
    ("{\"doubleValue\":\"0x1p3\"}", .malformed), ("{\"doubleValue\":.5}", .malformed),
    ("{\"doubleValue\":1.}", .malformed), ("{\"boolValue\":\"true\"}", .malformed), ("{\"boolValue\":1}", .malformed),
    ("{\"stringValue\":5}", .malformed), ("{\"stringValue\":\"a\nb\"}", .malformed),
    ("{\"stringValue\":\"\\x\"}", .malformed), ("{\"stringValue\":\"\\ud83d\"}", .malformed),
    ("{\"stringValue\":\"\\ude00\\ud83d\"}", .malformed), ("{\"stringValue\":\"\\u12g4\"}", .malformed),
    ("{\"bytesValue\":\"A\"}", .malformed), ("{\"bytesValue\":\"AA=A\"}", .malformed),
    ("{\"bytesValue\":\"A!==\"}", .malformed), ("[]", .malformed), ("\"text\"", .malformed),
    ("{\"arrayValue\":[]}", .malformed), ("{\"stringValue\":\"a\",}", .malformed),
    ("{\"stringValue\" \"a\"}", .malformed), ("{stringValue:\"a\"}", .malformed),
    ("{\"arrayValue\":{\"values\":[1]}}", .malformed),
  ])
  func refusesTheValue(json: String, kind: DecodeError.Kind) {
    #expect(JSONOutcome(.traces, attribute(json)).error?.kind == kind)
  }

  // MARK: fields

  @Test(arguments: [
    "\"kind\":\"SPAN_KIND_SERVER\"", "\"status\":{\"code\":\"STATUS_CODE_ERROR\"}", "\"traceId\":\"5b8e\\u0066f\"",
    "\"parentSpanId\":\"xyz\"", "\"parentSpanId\":\"abc\"", "\"flags\":4294967296", "\"flags\":-1",
    "\"kind\":2147483648", "\"startTimeUnixNano\":18446744073709551616", "\"startTimeUnixNano\":\"-1\"",
    "\"events\":{}", "\"events\":[null]",
    "\"name\":[]", "\"attributes\":[{\"key\":5}]", "\"attributes\":[,]", "\"attributes\":[{}}",
  ])
  func refusesTheField(json: String) {
    #expect(JSONOutcome(.traces, span(json)).error != nil)
  }

  @Test func takesThirtyTwoBitNumbersAsTexts() throws {
    let batch = try #require(JSONOutcome(.traces, span("\"flags\":\"257\",\"kind\":2")).batch)
    #expect(batch.rows[0].bits == 257 << Bits.flagsShift | 2 | Bits.spanUnnamed)
  }

  @Test func ignoresWhatItDoesNotKnow() {
    let plain = JSONOutcome(.traces, span("\"name\":\"op\"")).lines
    let odd = JSONOutcome(
      .traces,
      span(
        "\"\":1,\"b\\u00e4d\":{\"x\":[[]]},\"instrumentationLibrarySpans\":[{\"@type\":\"t\"}],\"name\":\"op\""))
    #expect(odd.lines == plain)
    #expect(odd.batch?.warnings == [])
  }

  @Test func warnsOfSnakeCase() throws {
    let batch = try #require(
      JSONOutcome(.traces, "{\"resource_spans\":[{}],\"dropped_attributes_count\":1}").batch)
    #expect(batch.recordCount == 0)
    #expect(
      batch.warnings == [
        "the request looks like snake_case: 1 keys such as resource_spans were ignored; OTLP/JSON keys are lowerCamelCase"
      ])
  }

  // MARK: the text as a whole

  @Test(arguments: [
    "", " ", "[]", "null", "\"\"", "{} {}", "{}x", "\u{FEFF}{}", "{", "{\"resourceSpans\":[}", "{\"a\":1,}", "{'a':1}",
    "{\"resourceSpans\":{}}", "{\"a\":tru}", "{\"a\":[1,2}}", "{\"a\"}", "//{}", "{\"a\":-}", "{\"a\":\"\\\"}",
  ])
  func refusesTheText(json: String) {
    #expect(JSONOutcome(.traces, json).error != nil)
  }

  @Test(arguments: ["{}", " \r\n\t{ } \n", "{\"resourceSpans\":[]}", "{\"resourceSpans\":null}", "{\"x\":{\"y\":[0]}}"])
  func takesAnEmptyRequest(json: String) {
    #expect(JSONOutcome(.traces, json).batch?.recordCount == 0)
  }

  @Test(arguments: [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]] as [[UInt8]])
  func refusesInvalidUTF8(bytes: [UInt8]) {
    let places = [
      "{\"stringValue\":\"?\"}", "{\"stringValue\":\"a longer text ? and its end\"}", "{\"unknown\":\"?\"}",
    ]
    for place in places {
      let text = Array(attribute(place).utf8)
      let at = text.firstIndex(of: UInt8(ascii: "?")) ?? 0
      let outcome = JSONOutcome(.traces, Array(text[..<at]) + bytes + Array(text[(at + 1)...]))
      #expect(outcome.error?.kind == .malformed)
    }
  }

  @Test func tellsWhereItWentWrong() {
    let error = JSONOutcome(.traces, "{\"resourceSpans\":[{\"resource\":7}]}").error
    #expect(error == DecodeError(.malformed, "JSON: an object is wanted here", at: 30))
  }

  @Test func forgetsWhatStoodUnderARepeatedKey() {
    let first = "{\"resource\":{\"attributes\":[{\"key\":\"a\",\"value\":{\"intValue\":1}}]},\"schemaUrl\":\"u\"}"
    let last = "{\"resource\":{\"attributes\":[{\"key\":\"b\",\"value\":{\"intValue\":2}}]}}"
    let twice = JSONOutcome(.logs, "{\"resourceLogs\":[\(first)],\"resourceLogs\":[\(last)]}")
    #expect(twice.lines == JSONOutcome(.logs, "{\"resourceLogs\":[\(last)]}").lines)
  }

  /// Each repetition costs a walk over its siblings.
  @Test func refusesToRepeatForEver() {
    let filler = String(repeating: "{\"key\":\"k\"},", count: 2000) + "{}"
    let scope = String(repeating: "\"links\":[],", count: 20_000)
    let outcome = JSONOutcome(.traces, span("\"attributes\":[\(filler)],\(scope)\"links\":[{}]"))
    #expect(outcome.error?.kind == .malformed)
  }

  // MARK: depth

  @Test(arguments: [(256, true), (257, false)])
  func bindsTheDepthOfValues(depth: Int, isTaken: Bool) {
    let outcome = JSONOutcome(.traces, VectorTests.Case.nestedArrays(depth))
    #expect((outcome.error == nil) == isTaken)
    #expect(isTaken || outcome.error?.kind == .tooDeep)
  }

  @Test func staysWithinASmallStack() {
    onSmallStack {
      let maps =
        String(repeating: "{\"kvlistValue\":{\"values\":[{\"value\":", count: 256) + "{}"
        + String(repeating: ",\"key\":\"k\"}]}}", count: 256)
      #expect(JSONOutcome(.traces, VectorTests.Case.nestedArrays(256)).error == nil)
      let log = "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":\(maps)}]}]}]}"
      #expect(JSONOutcome(.logs, log).error == nil)
      for one in VectorTests.cases where ["t17-depth-64", "t18-depth-20000", "t19-unknown-deep"].contains(one.id) {
        #expect((JSONOutcome(one.signal, one.body).error?.kind == .tooDeep) == (one.id != "t17-depth-64"))
      }
    }
  }
}
