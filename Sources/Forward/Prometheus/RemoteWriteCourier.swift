import Synchronization
import Telemetry
package import Wire

/// Remote write in the version that the receiver knows: 2.0 first, 1.0 when it does not say what it has written
/// (FORWARD §4, CONFORMANCE RW).
package final class RemoteWriteCourier: Courier {
  package enum Version: Sendable { case auto, first, second }

  private let url: String
  private let version: Version
  private let options: TransportOptions
  private let transport: HTTPTransport
  private let fallback: NativeFallback
  private let present: Mutex<Int>

  package init(url: String, version: Version, fallback: NativeFallback, _ options: TransportOptions) throws {
    self.url = url
    self.version = version
    self.options = options
    self.fallback = fallback
    transport = try HTTPTransport(options)
    present = Mutex(version == .first ? 1 : 2)
  }

  package var form: Int { present.withLock { $0 } }

  package func changeForm(from form: Int) -> Bool {
    guard version == .auto, form == 2 else { return false }
    present.withLock { $0 = 1 }
    return true
  }

  package func send(_ parcel: any Parcel, _ range: Range<Int>, form: Int) async -> Answer {
    guard let body = Snappy.compress(parcel.body(range, form: form)) else {
      return Answer(.silence("snappy has no memory", isTimeout: false))
    }
    let type = form == 2 ? "application/x-protobuf;proto=io.prometheus.write.v2.Request" : "application/x-protobuf"
    return await transport.post(
      url, body,
      headers: [
        ("content-type", type), ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", form == 2 ? "2.0.0" : "0.1.0"),
      ])
  }

  package func judge(_ answer: Answer, _ parcel: any Parcel, _ range: Range<Int>, form: Int) -> Verdict {
    let verdict = verdict(answer, parcel, range, form)
    fallback.note(verdict, isNative: (parcel as? RemoteWriteParcel)?.isNative ?? false)
    return verdict
  }

  private func verdict(_ answer: Answer, _ parcel: any Parcel, _ range: Range<Int>, _ form: Int) -> Verdict {
    let verdict = (form == 2 ? AnswerTable.remoteWrite2 : AnswerTable.remoteWrite1).verdict(answer)
    if case .otherForm = verdict { return version == .auto && form == 2 ? .otherForm : .stop }
    guard form == 2, case .accept = verdict else { return named(verdict, answer) }
    guard
      let written = RemoteWriteAnswer(
        samples: answer.header(RemoteWriteAnswer.samplesHeader.lowercased()),
        histograms: answer.header(RemoteWriteAnswer.histogramsHeader.lowercased()),
        exemplars: answer.header(RemoteWriteAnswer.exemplarsHeader.lowercased()))
    else {
      // It knows 1.0 only and has read nothing, whatever its status says.
      if version == .auto { return .otherForm }
      return answer.isSuccess ? .accepted : .split(reason: "invalid")
    }
    guard let sent = (parcel as? RemoteWriteParcel)?.sent(range) else { return .accepted }
    let missing = max(0, sent.samples + sent.histograms - written.samples - written.histograms)
    if missing == 0 && answer.isSuccess { return .accepted }
    // Of a histogram many samples are one record: what is missing is shared out.
    let all = max(1, sent.samples + sent.histograms)
    let refused = min(range.count, max(missing > 0 ? 1 : 0, missing * range.count / all))
    return .accept(refused: refused, reason: Self.reason(answer.words), message: answer.words)
  }

  private func named(_ verdict: Verdict, _ answer: Answer) -> Verdict {
    if case .split("invalid") = verdict { return .split(reason: Self.reason(answer.words)) }
    return verdict
  }

  static func reason(_ words: String) -> String {
    let text = words.lowercased()
    if text.contains("out of order") || text.contains("out-of-order") { return "out_of_order" }
    if text.contains("duplicate sample") { return "out_of_order" }
    if text.contains("too old") || text.contains("out of bounds") { return "too_old" }
    return "invalid"
  }

  package func close() async { await transport.close() }

  package var advice: String {
    "set storage.tsdb.out_of_order_time_window (24h) in Prometheus, or late and re-sent samples are refused"
  }
}

/// A receiver that refuses native histograms twenty times running is sent totals.
package final class NativeFallback: Sendable {
  private struct State {
    var running = 0
    var isOver = false
    /// Something else was taken since the last refusal.
    var tookOthers = false
  }

  private let state = Mutex(State())

  package init() {}

  package var isOver: Bool { state.withLock { $0.isOver } }

  func note(_ verdict: Verdict, isNative: Bool) {
    state.withLock { state in
      switch verdict {
      case .accept(0, _, _): if isNative { state.running = 0 } else { state.tookOthers = true }
      case .refuse, .split, .accept: if isNative { state.running += 1 }
      case .serverError:
        // Some that have them switched off say so; then all else is taken, which tells it from an outage.
        guard isNative && state.tookOthers else { return }
        state.tookOthers = false
        state.running += 1
      default: break
      }
      if state.running >= 20 { state.isOver = true }
    }
  }
}

/// Remote write's builder, which hears that native histograms are not wanted.
package final class PrometheusBuilder: ParcelBuilder {
  private let builder: RemoteWriteBuilder
  private let fallback: NativeFallback

  package init(_ options: PrometheusOptions, fallback: NativeFallback) {
    builder = RemoteWriteBuilder(options: options)
    self.fallback = fallback
  }

  package var pendingRecords: Int { builder.pendingRecords }
  package var pendingBytes: Int { builder.pendingBytes }
  package var heldRecords: Int { builder.heldRecords }

  package func add(_ record: OTLPRecord) -> ParcelTake {
    if record.kind == .distribution, builder.exponential == .native, fallback.isOver { builder.exponential = .totals }
    return builder.add(record)
  }

  package var activeSeries: Int? { builder.activeSeries }
  package func advance(_ now: Int64) { builder.advance(now) }
  package func cut(laneCount: Int) -> [any Parcel] { builder.cut(laneCount: laneCount) }
  package func state() -> [UInt8] { builder.state() }
  package func restore(_ state: [UInt8]) -> Bool { builder.restore(state) }
}
