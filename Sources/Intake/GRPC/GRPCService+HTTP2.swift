import Door
import NIOCore
import NIOHTTP2

extension GRPCService {
  var http2Connection: NIOHTTP2Handler.ConnectionConfiguration {
    var connection = NIOHTTP2Handler.ConnectionConfiguration()
    connection.initialSettings = [
      HTTP2Setting(parameter: .maxConcurrentStreams, value: options.streams),
      HTTP2Setting(parameter: .initialWindowSize, value: options.windowBytes),
      // What is over the limit of a call is refused with a status; only over this one does the connection end.
      HTTP2Setting(parameter: .maxHeaderListSize, value: 4 * options.limits.headerBytes),
      // Fewer frames for large messages; nothing is buffered for one.
      HTTP2Setting(parameter: .maxFrameSize, value: 256 << 10),
    ]
    // Some clients measure the line with a ping for each answer: as many as there can be answers are no attack.
    connection.controlFrameRateLimit.maximumCount = 2000
    connection.controlFrameRateLimit.windowLength = .seconds(1)
    return connection
  }

  /// Resets and errors of streams: the library's own limits, 200 in 30 s, then the connection ends.
  var http2Streams: NIOHTTP2Handler.StreamConfiguration { NIOHTTP2Handler.StreamConfiguration() }
}
