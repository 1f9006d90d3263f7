#include "frames.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <iterator>

#include "report/source.hpp"
#include "reports.hpp"

namespace trestle::tool {
namespace {

using nlohmann::json;

constexpr std::size_t kMostDigits = 9;      // of a frame's number
constexpr std::size_t kMostHexDigits = 18;  // with the 0x
using Told = Text<(std::size_t{8} << 10)>;  // two names, each byte of which may need six characters

std::string_view digits_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && end - at <= kMostDigits && std::isdigit(static_cast<unsigned char>(text[end])) != 0)
    ++end;
  return text.substr(at, end - at);
}

// "0x" and the digits behind it; empty where that does not stand there.
std::string_view hex_at(std::string_view text, std::size_t at) {
  if (text.substr(at, 2) != "0x") return {};
  std::size_t end = at + 2;
  while (end < text.size() && end - at <= kMostHexDigits && std::isxdigit(static_cast<unsigned char>(text[end])) != 0)
    ++end;
  return end > at + 2 && end - at <= kMostHexDigits ? text.substr(at, end - at) : std::string_view{};
}

// What begins at a '#': a number, an address, and anything or nothing behind it.
std::optional<FrameLine> frame_at(std::string_view line, std::size_t mark) {
  const std::string_view digits = digits_at(line, mark + 1);
  const std::size_t behind = mark + 1 + digits.size();
  if (digits.empty() || digits.size() > kMostDigits || line.substr(behind, 1) != " ") return std::nullopt;
  if (digits[0] == '0' && digits.size() > 1) return std::nullopt;  // as others count
  const std::string_view address = hex_at(line, behind + 1);
  if (address.empty()) return std::nullopt;
  FrameLine frame{line.substr(0, mark), 0, address, line.substr(behind + 1 + address.size()), {}, {}};
  if (!frame.rest.empty() && frame.rest[0] != ' ') return std::nullopt;
  std::from_chars(digits.data(), digits.data() + digits.size(), frame.number);
  return frame;
}

// Where the offset begins with which the line ends, as in "(/bin/p+0x12)"; npos: it does not end so.
std::size_t last_offset(std::string_view line) {
  if (line.empty() || line.back() != ')') return std::string_view::npos;
  const std::size_t window = std::min(line.size(), kMostHexDigits + 2);
  const std::size_t plus = line.substr(line.size() - window).rfind("+0x");
  if (plus == std::string_view::npos) return plus;
  const std::size_t at = line.size() - window + plus + 1;
  return hex_at(line, at).size() == line.size() - 1 - at ? at : std::string_view::npos;
}

// Behind the address stands the object alone, from `start` on.
void take_object(FrameLine& frame, std::string_view line, std::size_t offset) {
  constexpr std::string_view kOpen = " (";
  const std::size_t start = line.size() - frame.rest.size() + kOpen.size();
  if (!frame.rest.starts_with(kOpen) || offset == std::string_view::npos || offset <= start + 1) return;
  frame.object = line.substr(start, offset - 1 - start);
  frame.offset = line.substr(offset, line.size() - 1 - offset);
}

template <class Add>
std::string told(Add add) {
  Told text;
  add(text);
  return std::string(text.view());
}

std::string keys_of(const Place& place) {
  return told([&](Told& text) {
    const auto add = [&](const char* key, std::string_view value) {
      if (value.empty()) return;
      text.add(",\"").add(key).add("\":");
      add_quoted(text, head_of_characters(value, kLongestName));
    };
    add("function", place.function);
    add("location", place.location);
  });
}

// The characters of a text, which count how many of them were read: all copies add to one count.
class Counted {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Counted(std::string_view::iterator at, std::size_t& read) : at_(at), read_(&read) {}
  reference operator*() const { return *at_; }
  Counted& operator++() {
    ++at_;
    ++*read_;
    return *this;
  }
  Counted operator++(int) {
    Counted before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Counted& other) const { return at_ == other.at_; }
  bool operator!=(const Counted& other) const { return at_ != other.at_; }

 private:
  std::string_view::iterator at_;
  std::size_t* read_;
};

// Where a frame lies in its line, and behind which of its bytes the source is to stand; and whose it is, "" for the report's own
// call and otherwise the key of another.
struct Spot {
  std::string call;
  std::size_t from, address, to;
};

// A report and where its frames are. The parser reads no further than the end of a string or of an object to know it.
struct Located {
  json report;
  std::vector<Spot> spots;
};
Located locate(std::string_view line) {
  Located found;
  std::size_t read = 0;
  std::array<std::string, 5> keys;  // by depth: those that lead to where the parser is
  const auto note = [&](int depth, json::parse_event_t event, const json& parsed) {
    const auto level = static_cast<std::size_t>(depth);
    if (event == json::parse_event_t::key && level < keys.size()) keys[level] = parsed.get<std::string>();
    const bool is_own = keys[1] == "stack";
    const std::size_t at = is_own ? 2 : 3;  // the depth of frames
    const bool is_other = std::find(kOtherCalls.begin(), kOtherCalls.end(), keys[1]) != kOtherCalls.end();
    if (!is_own && !(is_other && keys[2] == "stack")) return true;
    if (event == json::parse_event_t::object_start && level == at)
      found.spots.push_back({is_own ? "" : keys[1], read - 1, 0, 0});
    if (found.spots.empty()) return true;
    if (event == json::parse_event_t::value && level == at + 1 && keys[level] == "address")
      found.spots.back().address = read;
    if (event == json::parse_event_t::object_end && level == at) found.spots.back().to = read;
    return true;
  };
  found.report = json::parse(Counted(line.begin(), read), Counted(line.end(), read), note, false);
  return found;
}

// The frame of each spot, of the stack that it is of; fewer or more where the line says something twice.
std::vector<const json*> frames_of(const Located& located) {
  std::vector<const json*> frames;
  std::vector<std::string> calls;
  for (const Spot& spot : located.spots) {
    if (!calls.empty() && calls.back() == spot.call) continue;
    if (std::find(calls.begin(), calls.end(), spot.call) != calls.end()) return {};
    calls.push_back(spot.call);
    const json& of = spot.call.empty() ? located.report : located.report.at(spot.call);
    for (const json& frame : of.at("stack")) frames.push_back(&frame);
  }
  return frames;
}

// The frame of that spot, once for each place.
std::string retold(std::string_view line, const Spot& spot, const Places& places) {
  std::string frames;
  for (const Place& place : places) {
    if (!frames.empty()) frames += ',';
    frames += line.substr(spot.from, spot.address - spot.from);
    frames += keys_of(place);
    frames += line.substr(spot.address, spot.to - spot.address);
  }
  return frames;
}

}  // namespace

std::string bytes_of_name(std::string_view told) {
  std::string bytes;
  while (!told.empty()) {
    const std::string_view character = head(told, std::max<std::size_t>(character_at_start(told), 1));
    if (is_odd_byte(character))
      bytes += static_cast<char>((character[1] & 3) << 6 | (character[2] & 0x3F));
    else
      bytes += character;
    told.remove_prefix(character.size());
  }
  return bytes;
}

std::optional<FrameLine> frame_in(std::string_view line) {
  std::optional<FrameLine> found;
  const std::size_t offset = last_offset(line);
  for (std::size_t at = line.find('#'); at != std::string_view::npos; at = line.find('#', at + 1)) {
    if (at != 0 && line[at - 1] != ' ' && line[at - 1] != '\t') continue;
    std::optional<FrameLine> frame = frame_at(line, at);
    if (!frame) continue;
    take_object(*frame, line, offset);
    if (!frame->object.empty()) return frame;
    if (!found) found = frame;
  }
  return found;
}

void TextRewriter::rewrite(std::string_view line, std::string_view end, std::string& out) {
  if (!end.empty()) last_end_ = end;
  const std::optional<FrameLine> frame = frame_in(line);
  if (!frame) {
    out.append(line).append(end);
    return;
  }
  if (frame->number != next_) added_ = 0;
  next_ = frame->number + 1;
  static const Places kUnknown{{}};
  const bool asks = !frame->object.empty();
  const Places& known = asks ? resolve_(std::string(frame->object), std::string(frame->offset)) : kUnknown;
  const Places& places = known.empty() ? kUnknown : known;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (i != 0) out.append(last_end_);
    const SourcePlace source{places[i].function, places[i].location};
    out.append(frame->lead).append("#").append(std::to_string(frame->number + added_ + i)).append(" ");
    out.append(frame->address).append(told([&](Told& text) { add_source(text, source); })).append(frame->rest);
  }
  out.append(end);
  added_ += places.size() - 1;
}

std::string rewritten_json(std::string_view line, const Resolve& resolve) {
  const Located located = locate(line);
  if (!is_report(located.report)) return std::string(line);
  const std::vector<const json*> frames = frames_of(located);
  if (frames.size() != located.spots.size()) return std::string(line);  // a key is there twice
  std::string out;
  std::size_t done = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const json& frame = *frames[i];
    const Spot& spot = located.spots[i];
    if (frame.contains("function") || frame.contains("location")) continue;
    if (!frame.contains("object") || !frame.contains("offset")) continue;
    const Places& places = resolve(bytes_of_name(frame["object"].get_ref<const std::string&>()), frame["offset"]);
    if (places.empty()) continue;
    out.append(line.substr(done, spot.from - done)).append(retold(line, spot, places));
    done = spot.to;
  }
  return out.append(line.substr(done));
}

}  // namespace trestle::tool
