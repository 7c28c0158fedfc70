import Console
import Intake
import Telemetry

extension MetricsPage {
  /// What the UDP door tells about itself and its senders.
  mutating func add(_ vitals: UDPVitals, _ figures: [UDPFigures]) {
    family("garner_udp_packets_total", .counter, "Datagrams by what became of them.")
    for result in UDPResult.allCases {
      sample(
        "garner_udp_packets_total", [("door", vitals.door), ("result", result.rawValue)],
        Int64(vitals.packets(result)))
    }
    counter(
      "garner_udp_kernel_drops_total", "Datagrams that the kernel had no room for.", Int64(vitals.kernelDrops.value))
    counter("garner_udp_bytes_total", "Bytes of all datagrams.", Int64(vitals.bytes.value))
    gauge(
      "garner_udp_receive_buffer_bytes", "What the kernel keeps for a socket; net.core.rmem_max limits it.",
      Int64(vitals.receiveBuffer.value))
    counter(
      "garner_udp_abandoned_events_total", "Events that were received and could not be stored before the stop.",
      Int64(vitals.abandoned.value))
    family("garner_udp_events_total", .counter, "Events of each source by what became of them.")
    for source in figures {
      for (outcome, count) in [
        ("received", source.received), ("refused", source.refused), ("lost", source.lost),
        ("pending", source.pending), ("before", source.before), ("shed", source.shed),
      ] {
        sample(
          "garner_udp_events_total",
          [("source", source.source), ("signed", "\(source.isSigned)"), ("outcome", outcome)], Int64(clamping: count))
      }
    }
    family("garner_udp_source_packets_total", .counter, "Datagrams of each source that need a word.")
    for source in figures {
      for (kind, count) in [
        ("taken", source.packets), ("lost", source.lostPackets), ("late", source.latePackets),
        ("reordered", source.reorderedPackets), ("duplicate", source.duplicatePackets),
        ("auth_failed", source.authFailed),
      ] {
        sample(
          "garner_udp_source_packets_total",
          [("source", source.source), ("signed", "\(source.isSigned)"), ("kind", kind)], Int64(clamping: count))
      }
    }
  }
}
