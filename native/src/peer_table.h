// Who a datagram is from: a hash table from a socket and an address to the id of a peer. Open addressing, linear probing, no
// tombstones. Whoever can choose the addresses (a client names its ports) can't choose what they hash to.
#pragma once

#include <sys/random.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "addresses.h"

namespace millrace {

struct PeerKey {
  uint8_t address[16];
  int32_t socket;
  int32_t port;

  static PeerKey Of(int socket, const sockaddr* address) {
    PeerKey key;
    AddressBytes(address, key.address);
    key.socket = socket;
    key.port = PortOf(address);
    return key;
  }
  bool operator==(const PeerKey& other) const { return std::memcmp(this, &other, sizeof(PeerKey)) == 0; }
};
static_assert(sizeof(PeerKey) == 24, "compared and hashed as bytes: nothing stands between its fields");

class PeerTable {
 public:
  PeerTable() : slots_(kFirstSize) {
    // It may be interrupted, or refused by a filter; then what is on the stack is better than nothing.
    if (getrandom(seeds_, sizeof seeds_, GRND_NONBLOCK) != sizeof seeds_) seeds_[0] ^= reinterpret_cast<uint64_t>(&seeds_);
  }

  // -1: nobody is known by it.
  int Find(const PeerKey& key) const {
    for (size_t at = HashOf(key) & mask();; at = (at + 1) & mask()) {
      if (slots_[at].peer < 0) return -1;
      if (slots_[at].key == key) return slots_[at].peer;
    }
  }

  // It is not there yet.
  void Insert(const PeerKey& key, int peer) {
    if (2 * (count_ + 1) > slots_.size()) Grow();
    count_++;
    Place(key, peer);
  }

  void Erase(const PeerKey& key) {
    size_t hole = HashOf(key) & mask();
    while (!(slots_[hole].key == key)) hole = (hole + 1) & mask();
    count_--;
    // Who stands behind the hole and would have come before it moves into it.
    for (size_t at = (hole + 1) & mask(); slots_[at].peer >= 0; at = (at + 1) & mask()) {
      const size_t home = HashOf(slots_[at].key) & mask();
      if (((at - home) & mask()) < ((at - hole) & mask())) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = Slot();
  }

 private:
  struct Slot {
    PeerKey key{};
    int32_t peer = -1;
  };
  static constexpr size_t kFirstSize = 64;

  size_t mask() const { return slots_.size() - 1; }

  static uint64_t Fold(uint64_t a, uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  // After wyhash: products of secret numbers and the key.
  size_t HashOf(const PeerKey& key) const {
    uint64_t words[3];
    std::memcpy(words, &key, sizeof words);
    return static_cast<size_t>(Fold(Fold(words[0] ^ seeds_[0], words[1] ^ seeds_[1]) ^ seeds_[3], words[2] ^ seeds_[2]));
  }

  void Place(const PeerKey& key, int peer) {
    size_t at = HashOf(key) & mask();
    while (slots_[at].peer >= 0) at = (at + 1) & mask();
    slots_[at].key = key;
    slots_[at].peer = peer;
  }

  void Grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.peer >= 0) Place(slot.key, slot.peer);
    }
  }

  uint64_t seeds_[4] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93};
  std::vector<Slot> slots_;
  size_t count_ = 0;
};

}  // namespace millrace
