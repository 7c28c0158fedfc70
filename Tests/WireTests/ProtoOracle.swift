import COTLP
import Telemetry

/// A request as lines of text: once as protobuf-c understands it, once as the batch has it.
struct OracleLines: Equatable {
  var resources: [String] = []
  var scopes: [String] = []
  var rows: [String] = []
  /// Reasons and positions of refused records.
  var rejections: [String] = []
  var recordIndex = 0

  typealias Texts = OracleText

  // MARK: from the batch

  init(_ batch: Batch) {
    resources = batch.resources.map {
      "\(batch.text($0.attributes)) \(batch.text($0.schemaURL)) \(batch.text($0.entityRefs)) \($0.droppedAttributes)"
    }
    scopes = batch.streams.map {
      "\($0.resource) \(batch.text($0.name)) \(batch.text($0.version)) \(batch.text($0.attributes)) "
        + "\(batch.text($0.schemaURL)) \($0.droppedAttributes)"
    }
    rows = batch.rows.map { row in
      var line = OracleRow(kind: row.kind, scope: Int(row.stream), name: batch.text(batch.names[Int(row.name)].event))
      line.time = row.time
      line.bits = row.bits
      line.severity = row.severity
      if row.present.contains(.duration) && row.kind == .span { line.duration = row.duration }
      if row.present.contains(.auxiliary) { line.auxiliary = row.auxiliary }
      if row.present.contains(.trace) { line.trace = withUnsafeBytes(of: row.trace) { Array($0) } }
      if row.present.contains(.span) { line.span = withUnsafeBytes(of: row.span) { Array($0) } }
      if row.present.contains(.parent) { line.parent = withUnsafeBytes(of: row.parent) { Array($0) } }
      if row.present.contains(.integer) || row.present.contains(.double) { line.value = row.value }
      line.isDouble = row.present.contains(.double)
      if row.present.contains(.data) { line.data = batch.text(row.data) }
      if row.present.contains(.ext) { line.ext = batch.text(row.ext) }
      if row.series >= 0 {
        let series = batch.series[Int(row.series)]
        let metric = batch.metrics[Int(series.metric)]
        line.series =
          "\(metric.type) \(batch.text(metric.name)) \(batch.text(metric.unit)) \(batch.text(metric.description)) "
          + "\(batch.text(metric.metadata)) \(metric.temporality) \(metric.monotonic) \(batch.text(series.attributes))"
      }
      return line.text
    }
    rejections = batch.rejections.map { "\($0.index) \($0.reason)" }
    recordIndex = batch.recordCount + batch.rejectedCount
  }

  // MARK: from protobuf-c. Resources and scopes without rows are not kept.

  init(_ request: Otlp__ExportTraceServiceRequest) {
    for resource in Texts.all(request.n_resource_spans, request.resource_spans) {
      let rowsBefore = rows.count
      add(resource.pointee.resource, resource.pointee.schema_url)
      for scope in Texts.all(resource.pointee.n_scope_spans, resource.pointee.scope_spans) {
        let rowsBeforeScope = rows.count
        add(scope.pointee.scope, schemaURL: scope.pointee.schema_url)
        for span in Texts.all(scope.pointee.n_spans, scope.pointee.spans) { add(span.pointee) }
        if rows.count == rowsBeforeScope { scopes.removeLast() }
      }
      if rows.count == rowsBefore { resources.removeLast() }
    }
  }

  init(_ request: Otlp__ExportLogsServiceRequest) {
    for resource in Texts.all(request.n_resource_logs, request.resource_logs) {
      let rowsBefore = rows.count
      add(resource.pointee.resource, resource.pointee.schema_url)
      for scope in Texts.all(resource.pointee.n_scope_logs, resource.pointee.scope_logs) {
        let rowsBeforeScope = rows.count
        add(scope.pointee.scope, schemaURL: scope.pointee.schema_url)
        for log in Texts.all(scope.pointee.n_log_records, scope.pointee.log_records) { add(log.pointee) }
        if rows.count == rowsBeforeScope { scopes.removeLast() }
      }
      if rows.count == rowsBefore { resources.removeLast() }
    }
  }

  init(_ request: Otlp__ExportMetricsServiceRequest) {
    for resource in Texts.all(request.n_resource_metrics, request.resource_metrics) {
      let rowsBefore = rows.count
      add(resource.pointee.resource, resource.pointee.schema_url)
      for scope in Texts.all(resource.pointee.n_scope_metrics, resource.pointee.scope_metrics) {
        let rowsBeforeScope = rows.count
        add(scope.pointee.scope, schemaURL: scope.pointee.schema_url)
        for metric in Texts.all(scope.pointee.n_metrics, scope.pointee.metrics) { add(metric.pointee) }
        if rows.count == rowsBeforeScope { scopes.removeLast() }
      }
      if rows.count == rowsBefore { resources.removeLast() }
    }
  }

  private mutating func add(_ pointer: UnsafeMutablePointer<Otlp__Resource>?, _ schemaURL: UnsafeMutablePointer<CChar>?)
  {
    guard let resource = pointer?.pointee else {
      resources.append("{} \(Texts.text(schemaURL))  0")
      return
    }
    let entities = Texts.all(resource.n_entity_refs, resource.entity_refs).map { entity in
      let keys = { (count: Int, keys: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> String? in
        count == 0
          ? nil : "[" + Texts.all(count, keys).map { Texts.quoted(Texts.text($0)) }.joined(separator: ",") + "]"
      }
      return Texts.object([
        ("schema_url", Self.member(entity.pointee.schema_url)), ("type", Self.member(entity.pointee.type)),
        ("id_keys", keys(entity.pointee.n_id_keys, entity.pointee.id_keys)),
        ("description_keys", keys(entity.pointee.n_description_keys, entity.pointee.description_keys)),
      ]) ?? "{}"
    }
    resources.append(
      "\(Texts.attributes(resource.n_attributes, resource.attributes)) \(Texts.text(schemaURL)) "
        + "\(entities.isEmpty ? "" : "[" + entities.joined(separator: ",") + "]") \(resource.dropped_attributes_count)")
  }

  private mutating func add(
    _ pointer: UnsafeMutablePointer<Otlp__InstrumentationScope>?, schemaURL: UnsafeMutablePointer<CChar>?
  ) {
    guard let scope = pointer?.pointee else {
      scopes.append("\(resources.count - 1)   {} \(Texts.text(schemaURL)) 0")
      return
    }
    scopes.append(
      "\(resources.count - 1) \(Texts.text(scope.name)) \(Texts.text(scope.version)) "
        + "\(Texts.attributes(scope.n_attributes, scope.attributes)) \(Texts.text(schemaURL)) "
        + "\(scope.dropped_attributes_count)")
  }

  // MARK: parts

  /// A text member, nil when empty.
  static func member(_ text: UnsafeMutablePointer<CChar>?) -> String? {
    let text = Texts.text(text)
    return text.isEmpty ? nil : Texts.quoted(text)
  }

  static func member(_ number: UInt32) -> String? { number == 0 ? nil : String(number) }

  /// An id member, nil when empty or zero.
  static func member(_ id: ProtobufCBinaryData) -> String? {
    let bytes = Texts.bytes(id)
    return bytes.allSatisfy { $0 == 0 } ? nil : "\"\(Texts.hex(bytes))\""
  }

  static func lateTime(_ time: UInt64) -> String? { time > UInt64(Int64.max) ? "\"\(time)\"" : nil }

  static func isID(_ bytes: [UInt8], _ count: Int) -> Bool { bytes.count == count && bytes.contains { $0 != 0 } }

  mutating func reject(_ reason: Rejection.Reason) {
    rejections.append("\(recordIndex) \(reason)")
    recordIndex += 1
  }

  func row(_ kind: RowKind, _ name: String, fallback: String) -> OracleRow {
    OracleRow(kind: kind, scope: scopes.count - 1, name: name.isEmpty ? fallback : name)
  }
}

/// What of a row is compared: everything but what attributes promote and the door knows.
struct OracleRow {
  var kind: RowKind
  var scope: Int
  var name: String
  var time: Int64 = 0
  var bits: Int64 = 0
  var severity: Severity = .info
  var duration: Int64?
  var auxiliary: Int64?
  var trace: [UInt8] = []
  var span: [UInt8] = []
  var parent: [UInt8] = []
  var value: Int64?
  var isDouble = false
  var data: String?
  var ext: String?
  var series: String?

  init(kind: RowKind, scope: Int, name: String) {
    self.kind = kind
    self.scope = scope
    self.name = name
  }

  /// Row time and its bit.
  mutating func setTime(_ nanoseconds: UInt64) {
    time = nanoseconds > UInt64(Int64.max) ? .max : Int64(nanoseconds)
    if nanoseconds > UInt64(Int64.max) { bits |= 1 << 6 }
  }

  var text: String {
    let ids = [trace, span, parent].map(OracleText.hex).joined(separator: "/")
    return "\(kind) \(scope) \(name) \(time) \(bits) \(severity) \(duration as Any) \(auxiliary as Any) \(ids) "
      + "\(value as Any) \(isDouble) \(data ?? "-") \(ext ?? "-") \(series ?? "-")"
  }
}
