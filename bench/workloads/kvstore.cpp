// A store of keys and values as caches have it: a hash table of strings, the least recently used thrown out above a limit of
// bytes; values of 10 B to 2 KiB, some keys far more popular than others, a twentieth of the calls appending to a value.
#include <list>
#include <string>
#include <unordered_map>

#include "../support/workload.hpp"

namespace {

class Store {
 public:
  explicit Store(std::size_t limit) : limit_(limit) {}

  void set(const std::string& key, std::string value) {
    erase(key);
    bytes_ += key.size() + value.size();
    entries_.push_front({key, std::move(value)});
    index_[key] = entries_.begin();
    while (bytes_ > limit_) erase(std::string(entries_.back().key));
  }
  const std::string* get(const std::string& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->value;
  }
  void append(const std::string& key, const std::string& more) {
    const std::string* const old = get(key);
    if (old != nullptr && old->size() < 4096) set(key, *old + more);
  }
  void erase(const std::string& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    bytes_ -= key.size() + found->second->value.size();
    entries_.erase(found->second);
    index_.erase(found);
  }
  [[nodiscard]] std::size_t size() const { return index_.size(); }

 private:
  struct Entry {
    std::string key;
    std::string value;
  };
  std::list<Entry> entries_;
  std::unordered_map<std::string, std::list<Entry>::iterator> index_;
  std::size_t limit_;
  std::size_t bytes_ = 0;
};

// One of 300,000; half of the calls ask for one of a few thousand.
std::string key_of(bench::Random& random) {
  const std::size_t popular = random.below(random.below(2) == 0 ? 4'000 : 300'000);
  std::string key("user:");
  return key.append(std::to_string(popular)).append(":session:").append(std::to_string(popular % 7));
}

std::string value_of(const std::string& key, bench::Random& random) {
  std::string value = key + "=";
  value.resize(value.size() + random.size(3, 11), key.back());
  return value;
}

}  // namespace

int main() {
  bench::Random random(10);
  Store store(24U << 20);
  const std::uint64_t calls = bench::work(600'000);
  std::uint64_t hits = 0;
  std::uint64_t bytes = 0;
  for (std::uint64_t call = 0; call < calls; ++call) {
    const std::string key = key_of(random);
    const std::size_t kind = random.below(20);
    if (kind < 12) {
      const std::string* const value = store.get(key);
      if (value == nullptr) continue;
      bench::require(value->compare(0, key.size(), key) == 0, "a value is another key's");
      ++hits;
      bytes += value->size();
    } else if (kind < 18) {
      store.set(key, value_of(key, random));
    } else if (kind == 18) {
      store.append(key, std::to_string(call));
    } else {
      store.erase(key);
    }
  }
  bench::answer("hits", hits);
  bench::answer("bytes", bytes);
  bench::answer("left", store.size());
}
