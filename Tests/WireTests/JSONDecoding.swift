import Glibc
import Telemetry
import Wire

/// What became of one body, as lines of text in which every index is resolved, so that two bodies can be compared.
struct JSONOutcome {
  var batch: Batch?
  var error: DecodeError?

  static let now: Int64 = 1_700_000_000_000_000_042

  init(_ signal: Signal, _ body: [UInt8], depthLimit: Int = 256) {
    self.init(body, depthLimit) { (bytes, options) throws(DecodeError) in
      try OTLPDecoder.decodeJSON(signal, bytes, options: options)
    }
  }

  init(_ signal: Signal, _ body: String) { self.init(signal, Array(body.utf8)) }

  init(_ signal: Signal, protobuf body: [UInt8]) {
    self.init(body, 256) { (bytes, options) throws(DecodeError) in
      try OTLPDecoder.decodeProtobuf(signal, bytes, options: options)
    }
  }

  private init(
    _ body: [UInt8], _ depthLimit: Int, _ decode: (UnsafeRawBufferPointer, DecodeOptions) throws(DecodeError) -> Batch
  ) {
    var options = DecodeOptions(now: Self.now)
    options.depthLimit = depthLimit
    // A copy without spare room: a read past its end is found by tools that look for that.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: body.count, alignment: 1)
    copy.copyBytes(from: body)
    defer { copy.deallocate() }
    do throws(DecodeError) {
      batch = try decode(UnsafeRawBufferPointer(copy), options)
    } catch {
      self.error = error
    }
  }

  /// `data` of the first row.
  var firstData: JSONTree? {
    guard let batch, let row = batch.rows.first else { return nil }
    return JSONTree(Array(batch.bytes(row.data)))
  }

  /// The value of the attribute `v` of the first row, as it is stored.
  var firstValue: String? {
    guard let batch, let row = batch.rows.first else { return nil }
    let text = batch.text(row.data)
    return text.hasPrefix("{\"v\":") ? String(text.dropFirst(5).dropLast()) : text
  }

  var lines: [String] { batch.map(Self.lines) ?? ["refused"] }

  static func lines(_ batch: Batch) -> [String] {
    let oracle = OracleLines(batch)
    var lines = oracle.resources + oracle.scopes + oracle.rejections
    lines += batch.rejections.map { "\($0.path) \($0.record)" }
    for (row, line) in zip(batch.rows, oracle.rows) {
      let context = batch.contexts[Int(row.context)]
      var text = line + " category \(batch.text(batch.names[Int(row.name)].category))"
      for slice in [
        context.source, context.session, context.component, context.gameID, context.gameModule, context.modFingerprint,
        row.correlation, row.uid,
      ] { text += " | " + batch.text(slice) }
      lines.append(text + " \(row.present.rawValue) \(row.tick) \(row.duration)")
    }
    return lines
  }
}

/// Runs `work` on a thread with 512 KiB of stack, the least that a server thread may have.
func onSmallStack(_ work: @escaping @Sendable () -> Void) {
  final class Box: Sendable {
    let work: @Sendable () -> Void
    init(_ work: @escaping @Sendable () -> Void) { self.work = work }
  }
  // Allocated, because which module lends `pthread_attr_t` its initializer depends on the headers that others include.
  let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
  defer { attributes.deallocate() }
  pthread_attr_init(attributes)
  pthread_attr_setstacksize(attributes, 512 << 10)
  var thread = pthread_t()
  let box = Unmanaged.passRetained(Box(work)).toOpaque()
  let created = pthread_create(
    &thread, attributes,
    { box in
      if let box { Unmanaged<Box>.fromOpaque(box).takeRetainedValue().work() }
      return nil
    }, box)
  if created == 0 { pthread_join(thread, nil) }
  pthread_attr_destroy(attributes)
}

enum Fixture {
  /// A file below `Fixtures/otlp`.
  static func read(_ path: String) -> [UInt8]? {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    guard let file = fopen("/\(folder)/Fixtures/otlp/\(path)", "rb") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&piece, 1, piece.count, file)
      if count == 0 { return bytes }
      bytes += piece[..<count]
    }
  }
}
