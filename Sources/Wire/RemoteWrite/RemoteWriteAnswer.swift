/// What a receiver of remote write 2.0 says that it has written, from the headers of its answer (CONFORMANCE RW-08).
package struct RemoteWriteAnswer: Sendable, Equatable {
  package static let samplesHeader = "X-Prometheus-Remote-Write-Samples-Written"
  package static let histogramsHeader = "X-Prometheus-Remote-Write-Histograms-Written"
  package static let exemplarsHeader = "X-Prometheus-Remote-Write-Exemplars-Written"

  package var samples: Int
  package var histograms: Int
  package var exemplars: Int

  package init(samples: Int, histograms: Int, exemplars: Int) {
    self.samples = samples
    self.histograms = histograms
    self.exemplars = exemplars
  }

  /// Nil when none of the headers is a number: the receiver knows only 1.0 and has decoded nothing. A header that is not
  /// there counts as 0 beside one that is.
  package init?(samples: String?, histograms: String?, exemplars: String?) {
    let counts = [samples, histograms, exemplars].map { $0.flatMap(Self.count) }
    guard counts.contains(where: { $0 != nil }) else { return nil }
    self.samples = counts[0] ?? 0
    self.histograms = counts[1] ?? 0
    self.exemplars = counts[2] ?? 0
  }

  private static func count(_ text: String) -> Int? {
    let digits = text.utf8.drop { $0 == 0x20 || $0 == 0x09 }.reversed().drop { $0 == 0x20 || $0 == 0x09 }.reversed()
    guard !digits.isEmpty, digits.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
    return Int(String(decoding: Array(digits), as: UTF8.self))
  }
}
