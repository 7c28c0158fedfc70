import Door
import NIOCore
import NIOHTTP2

/// How a connection ends.
extension GRPCConnection {
  /// The door closes: what is on its way is answered, what has not arrived in a moment is not waited for.
  func quiesce() {
    let until = NIODeadline.now() + TimeAmount(limits.drainTimeout)
    for call in calls.values { call.bodyDeadline = min(call.bodyDeadline, until) }
    sayGoodbye()
  }

  /// Two steps: a client may have opened a stream that is still on its way here. Its echo of the ping comes behind all those.
  func sayGoodbye() {
    guard case .no = closing else { return }
    closing = .asked(.now() + Self.farewell)
    endTalks()
    writeGoAway(.maxID)
    write(.rootStream, .ping(Self.goodbye, ack: false))
    context?.flush()
    watch()
  }

  func shutForCalls() {
    guard case .asked = closing else { return }
    closing = .last
    writeGoAway(lastStream)
    context?.flush()
    closeIfDone()
  }

  func closeIfDone() {
    if case .last = closing, calls.isEmpty { leave() }
  }

  /// Half closed first: the kernel resets a connection with unread bytes, and takes the answers with it.
  func leave() {
    guard let context else { return }
    if case .gone = closing { return }
    closing = .gone(.now() + TimeAmount(limits.lingerTimeout))
    for call in calls.values { call.drop() }
    calls = [:]
    talks = [:]
    context.flush()
    let halved = context.eventLoop.makePromise(of: Void.self)
    halved.futureResult.assumeIsolated().whenFailure { _ in self.context?.close(promise: nil) }
    context.close(mode: .output, promise: halved)
    watch()
  }

  private func writeGoAway(_ last: HTTP2StreamID) {
    write(.rootStream, .goAway(lastStreamID: last, errorCode: .noError, opaqueData: nil))
  }
}
