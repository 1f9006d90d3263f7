#include "report/json.hpp"

#include <algorithm>

#include "os/linux_os.hpp"

namespace trestle {
namespace {

class Json {
 public:
  explicit Json(ReportText& text) noexcept : text_(text) {}

  Json& open(char bracket) noexcept {
    separate();
    text_.add({&bracket, 1});
    first_ = true;
    return *this;
  }
  Json& close(char bracket) noexcept {
    text_.add({&bracket, 1});
    first_ = false;
    return *this;
  }
  Json& key(std::string_view name) noexcept {
    separate();
    add_quoted(text_, name);
    text_.add(":");
    first_ = true;
    return *this;
  }
  void string(std::string_view string) noexcept {
    separate();
    add_quoted(text_, string);
  }
  void number(std::uint64_t number) noexcept {
    separate();
    text_.add(number);
  }
  void boolean(bool value) noexcept {
    separate();
    text_.add(value ? "true" : "false");
  }
  [[nodiscard]] std::size_t room() const noexcept { return text_.room(); }
  // As a string: beyond 2^53 few readers keep a number.
  void hex(std::uint64_t number) noexcept {
    separate();
    text_.add("\"").add_hex(number).add("\"");
  }
  void address(const void* address) noexcept { hex(reinterpret_cast<std::uintptr_t>(address)); }

 private:
  void separate() noexcept {
    if (!first_) text_.add(",");
    first_ = false;
  }

  ReportText& text_;
  bool first_ = true;
};

void add_block(Json& json, const Reported& report) noexcept {
  const Fault& fault = report.fault;
  if (fault.block == nullptr) return;
  json.key("block").address(fault.block);
  if (report.knows_request()) json.key("requested").number(std::uint64_t{fault.requested});
  json.key("served").number(std::uint64_t{fault.served});
}

void add_leaked(Json& json, const Leaked& leaked) noexcept {
  json.key("leaked").open('{');
  json.key("blocks").number(std::uint64_t{leaked.blocks});
  json.key("bytes").number(std::uint64_t{leaked.bytes});
  json.key("indirect_blocks").number(std::uint64_t{leaked.indirect_blocks});
  json.key("indirect_bytes").number(std::uint64_t{leaked.indirect_bytes});
  json.close('}');
}

void add_stack(Json& json, const Reported& report, const ToldStack& told) noexcept {
  constexpr std::size_t kEscape = 6;  // characters that a byte may need
  constexpr std::size_t kRest = 512;  // keys, numbers and the line's end
  json.key("stack").open('[');
  const bool all = report.for_each_frame(told, [&](const void* address, const SourcePlace& source) {
    const CodePlace place = place_of_code(address);
    const std::size_t object =
        place.path != nullptr ? std::max(own_path().size(), std::string_view(place.path).size()) : 0;
    if (json.room() < kEscape * (2 * kLongestName + object) + kRest) return false;
    json.open('{').key("address").address(address);
    if (!source.function.empty()) json.key("function").string(head_of_characters(source.function, kLongestName));
    if (!source.location.empty()) json.key("location").string(head_of_characters(source.location, kLongestName));
    if (place.path != nullptr) {
      json.key("object").string(place.path[0] == '\0' ? own_path() : std::string_view(place.path));
      json.key("offset").hex(place.offset);
    }
    json.close('}');
    return true;
  });
  json.close(']');
  if (!all) json.key("truncated").boolean(true);
}

void add_other_call(Json& json, std::string_view key, const Reported& report, const ToldStack& told) noexcept {
  if (told.stack.depth == 0) return;
  json.key(key).open('{').key("thread").number(static_cast<std::uint64_t>(told.thread));
  add_stack(json, report, told);
  json.close('}');
}

}  // namespace

void add_json(ReportText& text, const Reported& report) noexcept {
  const Fault& fault = report.fault;
  const FaultTraits& traits = traits_of(fault.kind);
  Json json(text);
  json.open('{');
  json.key("severity").string(report.severity == Severity::fatal ? "error" : "warning");
  json.key("kind").string(traits.name);
  json.key("meaning").string(traits.meaning);
  if (traits.invariant != 0) json.key("invariant").number(static_cast<std::uint64_t>(traits.invariant));
  json.key("call").string(report.call.function);
  if (report.call.argument != nullptr) json.key("argument").address(report.call.argument);
  json.key("address").address(fault.address);
  if (report.offset != UINT64_MAX) json.key("heap_offset").hex(report.offset);
  add_block(json, report);
  if (report.leaked.blocks != 0) add_leaked(json, report.leaked);
  if (report.has_evidence()) {
    json.key("expected").hex(fault.expected);
    json.key("found").hex(fault.found);
  }
  json.key("policy").string(report.call.policy);
  json.key("pid").number(static_cast<std::uint64_t>(os::process_id()));
  json.key("thread").number(static_cast<std::uint64_t>(report.called.thread));
  json.key("program").string(own_path());
  json.key("likely").string(report.likely);
  add_stack(json, report, report.called);
  add_other_call(json, "allocated", report, report.allocated);
  add_other_call(json, "freed", report, report.freed);
  json.close('}');
  text.add("\n");
}

}  // namespace trestle
