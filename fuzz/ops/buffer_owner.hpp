// The owner of a buffer with a heap of any kind in it: lengthens, shortens and copies it elsewhere between two ops, and has
// AddressSanitizer report every access to what is not the buffer's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "base/engine.hpp"
#include "ops/instrument.hpp"
#include "ops/program.hpp"

namespace trestle::ops {

template <class E>
class BufferOwner {
 public:
  using EngineType = E;

  [[nodiscard]] EngineType& engine() { return *heap_; }
  [[nodiscard]] const std::byte* last() const { return at_ + heap_->size(); }
  [[nodiscard]] const char* wrong() const { return nullptr; }
  const char* stop() {
    heap_ = nullptr;
    return nullptr;
  }
  [[nodiscard]] bool is_accessible(const std::byte*, std::size_t) const { return true; }
  void save() { std::memcpy(saved_.get(), at_, saved_bytes_ = heap_->size()); }
  void restore() { std::memcpy(at_, saved_.get(), saved_bytes_); }

  [[nodiscard]] std::size_t size() const { return heap_->size(); }
  [[nodiscard]] std::size_t smallest_size() const { return heap_->smallest_size(); }
  bool grow(std::size_t bytes) {
    const std::size_t before = size();
    permit_access(at_ + before, bytes - before);
    std::memset(at_ + before, fresh_byte(zeroed_), bytes - before);
    const bool grown = heap_->grow(bytes, zeroed_);
    fence_in(size());
    return grown;
  }
  bool shrink(std::size_t bytes) {
    const bool shrunk = heap_->shrink(bytes);
    fence_in(size());
    return shrunk;
  }
  std::optional<std::ptrdiff_t> relocate(std::size_t skew) {
    std::swap(here_, there_);
    std::byte* const to = place(here_, skew);
    const std::size_t bytes = size();
    permit_access(here_.get(), kStorage);
    std::memcpy(to, at_, bytes);
    const std::ptrdiff_t distance = to - at_;
    std::memset(at_, kScribble, bytes);
    forbid_access(there_.get(), kStorage);
    at_ = to;
    fence_in(bytes);
    heap_ = EngineType::attach(to, bytes - 1) == nullptr ? EngineType::attach(to, bytes) : nullptr;
    if (heap_ == nullptr) return std::nullopt;
    return distance;
  }

 protected:
  // A fresh heap, made by create(buffer, bytes, zeroed). False: create answered null.
  template <class Create>
  bool start(const Stage& stage, Create create) {
    zeroed_ = stage.zeroed;
    at_ = place(here_, stage.skew);
    permit_access(here_.get(), kStorage);
    std::memset(at_, fresh_byte(zeroed_), stage.buffer_bytes);
    fence_in(stage.buffer_bytes);
    heap_ = create(at_, stage.buffer_bytes, zeroed_);
    if (heap_ != nullptr) fence_in(size());
    return heap_ != nullptr;
  }
  [[nodiscard]] std::byte* at() const { return at_; }
  [[nodiscard]] const EngineType& heap() const { return *heap_; }

 private:
  // AddressSanitizer reports every access to the storage outside of the buffer's first `bytes`.
  void fence_in(std::size_t bytes) {
    forbid_access(here_.get(), static_cast<std::size_t>(at_ - here_.get()));
    forbid_access(at_ + bytes, static_cast<std::size_t>(here_.get() + kStorage - (at_ + bytes)));
  }

  static constexpr std::size_t kSkews = 256;
  static constexpr std::size_t kStorage = 4096 + kSkews * kMinAlignment + kLargestBuffer;
  static constexpr int kDirt = 0xA5;
  static constexpr int kScribble = 0xEE;

  [[nodiscard]] static constexpr int fresh_byte(bool zeroed) { return zeroed ? 0 : kDirt; }
  [[nodiscard]] static std::byte* place(const std::unique_ptr<std::byte[]>& storage, std::size_t skew) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage.get());
    return storage.get() + (4096 - address % 4096) % 4096 + skew % kSkews * kMinAlignment;
  }

  std::unique_ptr<std::byte[]> here_{new std::byte[kStorage]};
  std::unique_ptr<std::byte[]> there_{new std::byte[kStorage]};
  std::unique_ptr<std::byte[]> saved_{new std::byte[kLargestBuffer]};
  std::size_t saved_bytes_ = 0;
  std::byte* at_ = nullptr;
  EngineType* heap_ = nullptr;
  bool zeroed_ = false;
};

}  // namespace trestle::ops
