/// One record refused out of an otherwise good request. Counted, named in `partial_success` and written to the reject log.
package struct Rejection: Sendable {
  /// Why, from a closed list: the same words in the reject log, in answers and as metric label.
  package enum Reason: String, Sendable, CaseIterable {
    case zeroTraceID = "zero_trace_id"
    case badTraceID = "bad_trace_id"
    case zeroSpanID = "zero_span_id"
    case badSpanID = "bad_span_id"
    case zeroTime = "zero_time"
    case noValue = "no_value"
    case badHistogram = "bad_histogram"
    case badSummary = "bad_summary"
    case tooDeep = "too_deep"
    case tooLarge = "too_large"
    case tooManyAttributes = "too_many_attributes"
    case valueTooLong = "value_too_long"
    case keyTooLong = "key_too_long"
    case missingRequired = "missing_required"
    case badUTF8 = "bad_utf8"
    case badJSON = "bad_json"
    case badName = "bad_name"
    case badCSV = "bad_csv"
    case badFrame = "bad_frame"
  }

  package struct Tally: Sendable, Hashable {
    package var source: String
    package var reason: Reason
    package init(source: String, reason: Reason) {
      self.source = source
      self.reason = reason
    }
  }

  /// How many of one batch are kept with their text.
  package static let limitPerBatch = 1000

  /// Refused records of which nothing is kept but their number.
  package struct Rest: Sendable, Equatable {
    package var reason: Reason
    /// Nil: of several.
    package var source: String?
    package var count: Int
    package init(reason: Reason, source: String?, count: Int) {
      self.reason = reason
      self.source = source
      self.count = count
    }
  }

  package var reason: Reason
  /// Position of the record among the records of its request, in wire order.
  package var index: Int
  /// Where, e.g. `resourceSpans[0].scopeSpans[0].spans[3].traceId`.
  package var path: String
  /// The source of the record, as the books name it.
  package var source: String
  /// The decoded record as one JSON object (name, ids, attributes …), empty when there is nothing to show.
  package var record: String

  package init(reason: Reason, index: Int, path: String, source: String, record: String) {
    self.reason = reason
    self.index = index
    self.path = path
    self.source = source
    self.record = record
  }
}
