import Door
import HTTPTypes
import NIOCore
import NIOHTTP2
import Telemetry

/// How calls end.
extension GRPCConnection {
  func finish(_ id: HTTP2StreamID, _ answer: GRPCAnswer) {
    guard let call = calls[id] else { return }
    switch answer {
    case .failure(let error): refuse(call, error, isOver: true)
    case .notFound(let message):
      calls[id] = nil
      decline(id, true, .notFound(message))
    case .success(let bytes, let duplicate):
      calls[id] = nil
      write(id, .headers(.init(headers: duplicate ? GRPCAnswer.duplicateOpening : GRPCAnswer.opening)))
      write(id, .data(.init(data: .byteBuffer(GRPCAnswer.framed(bytes)))))
      write(id, .headers(.init(headers: duplicate ? GRPCAnswer.duplicateEnd : GRPCAnswer.end, endStream: true)))
      context?.flush()
      count(call.method.signal, status: 200, call.started)
    }
    closeIfDone()
  }

  func refuse(_ call: GRPCCall, _ error: DoorError, isOver: Bool) {
    call.drop()
    calls[call.id] = nil
    fail(call.id, error, GRPCStatus(error), signal: call.method.signal, started: call.started, isOver: isOver)
    closeIfDone()
  }

  func fail(
    _ id: HTTP2StreamID, _ error: DoorError, _ status: GRPCStatus, signal: Signal?, started: NIODeadline, isOver: Bool
  ) {
    if let cause = error.cause { service.vitals.countRefused(cause: cause) }
    say(id, isOver, status)
    count(signal, status: error.status.code, started)
  }

  /// For what is no call of ours at all.
  func decline(_ id: HTTP2StreamID, _ isOver: Bool, _ status: GRPCStatus) {
    say(id, isOver, status)
    count(nil, status: status.httpStatus == 200 ? 404 : status.httpStatus, lastCall)
  }

  private func say(_ id: HTTP2StreamID, _ isOver: Bool, _ status: GRPCStatus) {
    write(id, .headers(.init(headers: status.trailers, endStream: true)))
    context?.flush()
    if !isOver { linger(id) }
  }

  /// A client that goes on sending after its answer is heard out, for a while.
  func linger(_ id: HTTP2StreamID) {
    let until = NIODeadline.now() + TimeAmount(limits.lingerTimeout)
    deaf[id] = until
    if until < timerDeadline { watch() }
  }

  private func count(_ signal: Signal?, status: Int, _ started: NIODeadline) {
    service.vitals.countRequest(signal, status: status, nanoseconds: (.now() - started).nanoseconds)
  }
}
