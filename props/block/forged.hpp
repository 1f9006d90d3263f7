// A BufferHeap of six live blocks side by side, and the means to forge its structures: the test knows the key.
#pragma once

#include "block/buffer.hpp"

namespace trestle {

template <class T>
class ForgedTest : public BufferHeapTest<T> {
 protected:
  static constexpr Policy kPolicy = T::kPolicy;

  void SetUp() override {
    for (std::byte*& at : live_) at = take(*buffer_, 112 - this->kLeastPad);
    ASSERT_TRUE(faults_of(*buffer_).empty());
  }
  [[nodiscard]] std::uint64_t place_of(const std::byte* at) { return static_cast<std::uint64_t>(at - buffer_.start()); }
  void forge(std::byte* payload, Header header) {
    std::byte* const at = payload - kHeaderBytes;
    store_header(buffer_->key(), place_of(at), at, header);
  }
  void forge_footer(std::byte* payload, std::size_t size) {
    std::byte* const at = payload - kHeaderBytes + size - kFooterBytes;
    store_footer(buffer_->key(), place_of(at), at, size);
  }
  [[nodiscard]] Header header_of(std::byte* payload) {
    std::byte* const at = payload - kHeaderBytes;
    return load_header(buffer_->key(), place_of(at), at).value();
  }
  void forge_link(std::byte* at, const std::byte* payload) {
    store_link(buffer_->key(), place_of(at), at, payload == nullptr ? 0 : place_of(payload - kHeaderBytes));
  }

  Buffer<kPolicy> buffer_{16 << 10, false, 64 << 10};
  std::byte* live_[6] = {};
};

}  // namespace trestle
