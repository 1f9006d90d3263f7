#include "trace/rep.hpp"

#include <charconv>
#include <optional>
#include <unordered_set>

#include "trace/refusal.hpp"
#include "trace/resolve.hpp"
#include "trace/writer.hpp"

namespace trestle::trace {
namespace {

constexpr std::uint64_t kUsualAlignment = 16;

// Calls visit for each operation that the format has.
template <class Visit>
Resolver visit_all(Reader& reader, Visit visit) {
  reader.rewind();
  Resolver resolver(reader);
  for (Op op; resolver.next(op);) {
    refuse_what_no_heap_does(reader.path(), op);
    visit(op);
  }
  return resolver;
}

void write_op(std::ostream& out, const Op& op, std::uint64_t id) {
  if (op.effect == Effect::end) {
    out << "f " << id << '\n';
  } else {
    out << (op.effect == Effect::begin ? "a " : "r ") << id << ' ' << op.size << '\n';
  }
}

// The lines of such a text, and which one it is in.
class RepText {
 public:
  RepText(std::istream& in, const std::string& name) : in_(in), name_(name) {}

  // The words of the next line that has any. False: there is none.
  bool next(std::vector<std::string>& words) {
    words.clear();
    for (std::string text; words.empty() && std::getline(in_, text);) {
      ++line_;
      for (std::size_t at = 0; (at = text.find_first_not_of(" \t\r", at)) != std::string::npos;) {
        const std::size_t end = std::min(text.find_first_of(" \t\r", at), text.size());
        words.push_back(text.substr(at, end - at));
        at = end;
      }
    }
    return !words.empty();
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(name_ + ":" + std::to_string(line_) + ": " + what);
  }

  [[nodiscard]] std::uint64_t number(const std::string& word, std::uint64_t most, const char* what) const {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size())
      refuse("'" + word + "' is no number: " + what + " is wanted");
    if (value > most) refuse(word + " is too large: " + what + " is at most " + std::to_string(most));
    return value;
  }

 private:
  std::istream& in_;
  const std::string& name_;
  std::size_t line_ = 0;
};

struct RepHead {
  std::uint64_t ids = 0;
  std::uint64_t ops = 0;
};

RepHead read_head(RepText& text) {
  constexpr std::array kNumbers{"a heap size", "the number of ids", "the number of operations", "a weight"};
  std::array<std::uint64_t, kNumbers.size()> values{};
  std::vector<std::string> words;
  for (std::size_t i = 0; i < kNumbers.size(); ++i) {
    if (!text.next(words)) text.refuse(std::string("the text ends where ") + kNumbers[i] + " is wanted");
    if (words.size() != 1) text.refuse(std::string("more than ") + kNumbers[i]);
    values[i] = text.number(words[0], UINT64_MAX, kNumbers[i]);
  }
  return {values[1], values[2]};
}

Record record_of(const RepText& text, const std::vector<std::string>& words, const RepHead& head,
                 std::unordered_set<std::uint64_t>& live) {
  const bool frees = words[0] == "f";
  if (words[0] != "a" && words[0] != "r" && !frees) text.refuse("'" + words[0] + "' is no operation: a, r or f");
  if (words.size() != (frees ? 2 : 3)) text.refuse(std::string(frees ? "f ID" : words[0] + " ID SIZE") + " is wanted");
  if (head.ids == 0) text.refuse("the header says that there are no ids");
  constexpr std::uint64_t kMostIds = UINT64_MAX / 32;
  const std::uint64_t id = text.number(words[1], std::min(head.ids, kMostIds) - 1, "an id");
  const std::uint64_t address = (id + 1) * kUsualAlignment;
  if (words[0] == "a") {
    if (!live.insert(id).second) text.refuse("block " + words[1] + " lives already");
    return {.call = Call::malloc, .size = text.number(words[2], INT64_MAX, "a size"), .after = address};
  }
  if (!live.contains(id)) text.refuse("block " + words[1] + " does not live");
  if (!frees)
    return {
        .call = Call::realloc, .size = text.number(words[2], INT64_MAX, "a size"), .before = address, .after = address};
  live.erase(id);
  return {.call = Call::free, .before = address};
}

}  // namespace

RepLosses export_rep(Reader& reader, std::ostream& out) {
  RepLosses losses{.threads = reader.threads()};
  std::uint64_t ids = 0;
  std::uint64_t ops = 0;
  const Resolver whole = visit_all(reader, [&](const Op& op) {
    if (op.effect == Effect::fail) return void(++losses.failures);
    ++ops;
    if (op.effect == Effect::begin) ++ids;
    if (op.effect == Effect::begin && op.alignment > kUsualAlignment) ++losses.alignments;
  });
  out << (whole.peak_bytes() + kPage - 1) / kPage * kPage << '\n' << ids << '\n' << ops << "\n1\n";
  std::vector<std::uint64_t> id_of(whole.slots());
  std::uint64_t given = 0;
  visit_all(reader, [&](const Op& op) {
    if (op.effect == Effect::fail) return;
    if (op.effect == Effect::begin) id_of[op.slot] = given++;
    write_op(out, op, id_of[op.slot]);
  });
  return losses;
}

void import_rep(std::istream& in, const std::string& name, const std::string& path) {
  RepText text(in, name);
  const RepHead head = read_head(text);
  Writer writer(path, name);
  std::unordered_set<std::uint64_t> live;
  std::vector<std::string> words;
  std::uint64_t ops = 0;
  for (; text.next(words); ++ops) writer.put(0, record_of(text, words, head, live));
  if (ops != head.ops)
    text.refuse(std::to_string(ops) + " operations, where the header says " + std::to_string(head.ops));
  writer.finish();
}

}  // namespace trestle::trace
