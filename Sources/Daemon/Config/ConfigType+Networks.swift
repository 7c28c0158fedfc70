import Intake

extension ConfigType where Value == [String] {
  /// A list of blocks of addresses.
  static let networks = ConfigType(
    "list of networks",
    read: { node, _, faults in
      guard case .sequence(let items) = node.content else {
        faults.append(ConfigFault(message: "expected a list of networks, found \(node.kindName)", mark: node.mark))
        return nil
      }
      var networks: [String] = []
      for item in items {
        if case .scalar(let text, _) = item.content, UDPNetwork(text) != nil {
          networks.append(text)
        } else {
          faults.append(
            ConfigFault(message: "this is no network; write 10.0.0.0/8, fd00::/8 or an address", mark: item.mark))
          return nil
        }
      }
      return networks
    },
    show: { "[" + $0.map(JSONText.quoted).joined(separator: ", ") + "]" })
}
