import Door
import NIOCore
import NIOHTTP2

/// What happens because nothing happens.
extension GRPCConnection {
  func watch() {
    guard let context else { return }
    let next = nextDeadline()
    guard next < timerDeadline || timer == nil else { return }
    timer?.cancel()
    timerDeadline = next
    timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: next) { self.expire() }
  }

  private func nextDeadline() -> NIODeadline {
    var next = NIODeadline.distantFuture
    for call in calls.values { next = min(next, call.nextDeadline) }
    for talk in talks.values { next = min(next, talk.deadline) }
    for until in deaf.values { next = min(next, until) }
    switch closing {
    case .no:
      let idle = TimeAmount(limits.idleTimeout)
      if calls.isEmpty && talks.isEmpty { next = min(next, lastCall + idle) }
      next = min(next, pinged.map { $0 + Self.pingAnswer } ?? lastHeard + quiet)
    case .asked(let until), .gone(let until): next = min(next, until)
    case .last: break
    }
    return next
  }

  private func expire() {
    timer = nil
    timerDeadline = .distantFuture
    let now = NIODeadline.now()
    if case .gone(let until) = closing {
      if until <= now { context?.close(promise: nil) }
      return watch()
    }
    expireCalls(now)
    expireTalks(now)
    for (id, until) in deaf where until <= now {
      deaf[id] = nil
      write(id, .rstStream(.noError))
    }
    switch closing {
    case .asked(let until): if until <= now { shutForCalls() }
    case .no: expireSilence(now)
    case .last, .gone: break
    }
    context?.flush()
    watch()
  }

  private func expireCalls(_ now: NIODeadline) {
    for call in Array(calls.values) where call.nextDeadline <= now {
      if call.deadline <= now {
        refuse(call, .deadlinePassed, isOver: false)
      } else if case .no = closing {
        refuse(call, .slowBody, isOver: false)
        // Whoever sends this slowly once does it again.
        sayGoodbye()
      } else {
        refuse(call, .unavailable(cause: "draining", retryAfterSeconds: 5), isOver: false)
      }
    }
  }

  private func expireSilence(_ now: NIODeadline) {
    let idle = TimeAmount(limits.idleTimeout)
    if calls.isEmpty && talks.isEmpty && lastCall + idle <= now {
      service.vitals.countRequest(status: 0, reason: "idle")
      sayGoodbye()
    } else if let pinged {
      guard pinged + Self.pingAnswer <= now else { return }
      service.vitals.countRequest(status: 0, reason: "idle")
      context?.close(promise: nil)
    } else if lastHeard + quiet <= now {
      pinged = now
      write(.rootStream, .ping(Self.keepAlive, ack: false))
    }
  }
}
