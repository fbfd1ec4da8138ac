// IP addresses as texts and as the kernel has them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace millrace {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  bool is_ipv6() const { return storage.ss_family == AF_INET6; }
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
