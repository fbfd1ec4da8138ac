#include "addresses.h"

#include <arpa/inet.h>
#include <netdb.h>

namespace millrace {

namespace {

const sockaddr_in& AsIPv4(const sockaddr* address) { return *reinterpret_cast<const sockaddr_in*>(address); }
const sockaddr_in6& AsIPv6(const sockaddr* address) { return *reinterpret_cast<const sockaddr_in6*>(address); }

}  // namespace

bool ParseAddress(const std::string& host, int port, Address* address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;  // any: one answer is enough
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return false;
  const bool is_known = found->ai_family == AF_INET || found->ai_family == AF_INET6;
  if (is_known) {
    std::memcpy(&address->any, found->ai_addr, found->ai_addrlen);
    address->length = found->ai_addrlen;
  }
  freeaddrinfo(found);
  return is_known;
}

void FormatAddress(const sockaddr* address, std::string* host, int* port) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET6) {
    const in6_addr& ip = AsIPv6(address).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&ip)) {
      inet_ntop(AF_INET, ip.s6_addr + 12, text, sizeof text);
    } else {
      inet_ntop(AF_INET6, &ip, text, sizeof text);
    }
  } else {
    inet_ntop(AF_INET, &AsIPv4(address).sin_addr, text, sizeof text);
  }
  *host = text;
  *port = PortOf(address);
}

int PortOf(const sockaddr* address) {
  return ntohs(address->sa_family == AF_INET6 ? AsIPv6(address).sin6_port : AsIPv4(address).sin_port);
}

bool ConvertAddress(Address* address, bool to_ipv6) {
  if (address->is_ipv6() == to_ipv6) return true;
  const in_port_t port = htons(static_cast<uint16_t>(PortOf(&address->any)));
  if (to_ipv6) {
    sockaddr_in6 mapped{};
    mapped.sin6_family = AF_INET6;
    mapped.sin6_port = port;
    AddressBytes(&address->any, mapped.sin6_addr.s6_addr);
    address->ipv6 = mapped;
    address->length = sizeof mapped;
    return true;
  }
  const in6_addr ip = address->ipv6.sin6_addr;
  if (!IN6_IS_ADDR_V4MAPPED(&ip)) return false;
  sockaddr_in plain{};
  plain.sin_family = AF_INET;
  plain.sin_port = port;
  std::memcpy(&plain.sin_addr, ip.s6_addr + 12, sizeof plain.sin_addr);
  address->ipv4 = plain;
  address->length = sizeof plain;
  return true;
}

void AddressBytes(const sockaddr* address, uint8_t bytes[16]) {
  if (address->sa_family == AF_INET6) {
    std::memcpy(bytes, &AsIPv6(address).sin6_addr, 16);
    return;
  }
  std::memset(bytes, 0, 10);
  bytes[10] = bytes[11] = 0xff;
  std::memcpy(bytes + 12, &AsIPv4(address).sin_addr, 4);
}

}  // namespace millrace
