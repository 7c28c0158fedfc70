import HTTPTypes
package import Hummingbird
import NIOCore
package import Wire

/// A body that was read whole: plain bytes in one piece, and the part of the budget that pays for them.
package struct Body: Sendable {
  package var content: OwnedBytes
  package var permit: Permit
  /// As sent, before decompression.
  package var wireBytes: Int
}

/// Bytes from the socket, counted against the limit and the budget, inflated if need be. The only place that inflates.
package struct BodyReader: Sendable {
  package let limits: DoorLimits
  package let budget: Budget
  /// Seconds in `Retry-After` when the budget has nothing left: requests in flight last milliseconds.
  private static let retryAfterSeconds = 1
  /// First piece of a body of unknown length.
  private static let chunkedStart = 64 << 10

  package init(limits: DoorLimits, budget: Budget) {
    self.limits = limits
    self.budget = budget
  }

  package func read(
    _ request: Request, _ coding: ContentCoding, _ context: DoorContext
  ) async throws(DoorError) -> Body {
    let declared = request.headers[.contentLength].flatMap { Int($0) }
    if let declared, declared > limits.bodyBytes { throw .tooLarge(limitBytes: limits.bodyBytes) }
    let permit =
      if let declared { budget.reserve(beginningOf: declared) } else {
        budget.reserve(min(Self.chunkedStart, limits.bodyBytes))
      }
    guard let permit else { throw Self.noRoom }
    if request.headers[.expect] != nil { await invite(context) }
    return try unpack(try await collect(request.body, declared, permit), coding, permit)
  }

  /// A body that came in whole, paid for by `permit`, to plain bytes.
  package func unpack(
    _ sent: OwnedBytes, _ coding: ContentCoding, _ permit: Permit
  ) throws(DoorError) -> Body {
    guard coding != .identity else { return Body(content: sent, permit: permit, wireBytes: sent.count) }
    let plain = try inflate(sent, coding, permit)
    permit.settle(at: plain.capacity)
    return Body(content: plain, permit: permit, wireBytes: sent.count)
  }

  package static let noRoom = DoorError.unavailable(cause: "queue_full", retryAfterSeconds: retryAfterSeconds)

  /// The client waits for this word before it sends the body (CONFORMANCE HTTP-05). When the connection is gone, reading
  /// finds out.
  private func invite(_ context: DoorContext) async {
    _ = try? await context.channel.triggerUserOutboundEvent(BodyInvitation()).get()
  }

  private func collect(_ body: RequestBody, _ declared: Int?, _ permit: Permit) async throws(DoorError) -> OwnedBytes {
    let content = OwnedBytes(capacity: permit.bytes)
    do {
      for try await piece in body {
        let total = content.count + piece.readableBytes
        guard total <= limits.bodyBytes else { throw DoorError.tooLarge(limitBytes: limits.bodyBytes) }
        if total > content.capacity {
          guard permit.grow(holding: total, of: declared ?? limits.bodyBytes) else { throw Self.noRoom }
          content.grow(to: permit.bytes)
        }
        piece.withUnsafeReadableBytes { content.append($0) }
      }
    } catch let error as DoorError {
      throw error
    } catch {
      throw .badRequest("the body could not be read to its end")
    }
    // A cancelled stream ends like a finished one.
    guard !Task.isCancelled, declared == nil || declared == content.count else {
      throw .badRequest("the body ended early")
    }
    return content
  }

  private func inflate(_ sent: OwnedBytes, _ coding: ContentCoding, _ permit: Permit) throws(DoorError) -> OwnedBytes {
    let held = permit.bytes
    do {
      return try Inflater.inflate(sent.bytes, coding, limitBytes: limits.bodyBytes) { permit.grow(to: held + $0) }
    } catch {
      switch error {
      case .overLimit: throw .tooLarge(limitBytes: limits.bodyBytes)
      case .noRoom: throw Self.noRoom
      case .truncated: throw .badRequest("the compressed body ends early")
      case .malformed(let text): throw .badRequest("the body does not decompress: \(text)")
      }
    }
  }
}

/// Sent down the pipeline by a reader that is ready for the body of a request with `Expect: 100-continue`.
struct BodyInvitation: Sendable {}
