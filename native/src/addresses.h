// IP addresses as texts and as the kernel has them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace millrace {

// Of either family, and a quarter of a sockaddr_storage: there are thousands of them.
struct Address {
  union {
    sockaddr any;
    sockaddr_in ipv4;
    sockaddr_in6 ipv6{};
  };
  socklen_t length = sizeof(sockaddr_in6);

  bool is_ipv6() const { return any.sa_family == AF_INET6; }
};

// Of `host`, which is a number. False: it is none.
bool ParseAddress(const std::string& host, int port, Address* address);
// An IPv4 address that came in through an IPv6 socket is written as IPv4.
void FormatAddress(const sockaddr* address, std::string* host, int* port);
int PortOf(const sockaddr* address);
// The same address for a socket of the other family: IPv4 mapped into IPv6, or back. False: there is none.
bool ConvertAddress(Address* address, bool to_ipv6);
// Sixteen bytes that are the same for both families.
void AddressBytes(const sockaddr* address, uint8_t bytes[16]);

}  // namespace millrace
