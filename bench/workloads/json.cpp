// Texts of JSON to trees of maps, vectors and strings, changed, and back to text. A text that was written from a tree and read
// again must give the same text.
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../support/workload.hpp"

namespace {

struct Value {
  char kind = '0';  // '0' null, 'n' number, '"' string, '[' array, '{' object
  std::int64_t number = 0;
  std::string text;
  std::vector<std::unique_ptr<Value>> items;
  std::map<std::string, std::unique_ptr<Value>> members;
};
using Tree = std::unique_ptr<Value>;

Tree make(char kind) {
  auto value = std::make_unique<Value>();
  value->kind = kind;
  return value;
}

Tree invent(bench::Random& random, int depth) {
  if (depth == 0 || random.below(5) == 0) {
    Tree leaf = make("0n\""[random.below(3)]);
    leaf->number = static_cast<std::int64_t>(random.below(1'000'000));
    const std::size_t length = random.size(1, 8);  // the order of two arguments would be the compiler's
    if (leaf->kind == '"') leaf->text.assign(length, static_cast<char>('a' + random.below(26)));
    return leaf;
  }
  Tree branch = make(random.below(2) == 0 ? '[' : '{');
  const std::size_t count = random.between(2, 9);
  for (std::size_t i = 0; i < count; ++i) {
    if (branch->kind == '[') {
      branch->items.push_back(invent(random, depth - 1));
    } else {
      std::string name = std::to_string(random.below(1000)) + " is a member";
      branch->members[std::move(name)] = invent(random, depth - 1);
    }
  }
  return branch;
}

void write(const Value& value, std::string& text) {
  const char* separator = "";
  switch (value.kind) {
    case 'n':
      text += std::to_string(value.number);
      return;
    case '"':
      text.append(1, '"').append(value.text).append(1, '"');
      return;
    case '[':
      text += '[';
      for (const Tree& item : value.items) {
        text += separator;
        write(*item, text);
        separator = ",";
      }
      text += ']';
      return;
    case '{':
      text += '{';
      for (const auto& [name, member] : value.members) {
        text.append(separator).append(1, '"').append(name).append("\":");
        write(*member, text);
        separator = ",";
      }
      text += '}';
      return;
    default:
      text += "null";
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Tree read() {
    const char first = text_[at_];
    if (first == '[') return read_items();
    if (first == '{') return read_members();
    if (first == '"') {
      Tree string = make('"');
      string->text = read_string();
      return string;
    }
    if (first == 'n') {
      at_ += 4;
      return make('0');
    }
    return read_number();
  }

 private:
  std::string read_string() {
    const std::size_t end = text_.find('"', at_ + 1);
    std::string string(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return string;
  }
  Tree read_number() {
    Tree number = make('n');
    for (; text_[at_] >= '0' && text_[at_] <= '9'; ++at_) number->number = number->number * 10 + (text_[at_] - '0');
    return number;
  }
  Tree read_items() {
    Tree array = make('[');
    while (text_[at_++] != ']') array->items.push_back(read());
    return array;
  }
  Tree read_members() {
    Tree object = make('{');
    while (text_[at_++] != '}') {
      std::string name = read_string();
      ++at_;
      object->members[std::move(name)] = read();
    }
    return object;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// Strings grow, numbers are counted up, every tenth branch is lost.
void change(Value& value, bench::Random& random) {
  value.number += value.kind == 'n' ? 1 : 0;
  if (value.kind == '"') value.text += value.text.substr(0, random.below(20));
  for (Tree& item : value.items) {
    if (random.below(10) == 0) item = make('0');
    change(*item, random);
  }
  for (auto& [name, member] : value.members) change(*member, random);
}

std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 1;
  for (const char letter : text) hash = hash * 31 + static_cast<unsigned char>(letter);
  return hash;
}

}  // namespace

int main() {
  bench::Random random(11);
  const std::uint64_t rounds = bench::work(7);
  std::uint64_t sum = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    std::string text;
    write(*invent(random, 7), text);
    for (int turn = 0; turn < 3; ++turn) {
      Tree tree = Parser(text).read();
      change(*tree, random);
      std::string changed;
      write(*tree, changed);
      std::string again;
      write(*Parser(changed).read(), again);
      bench::require(again == changed, "a tree did not come back from its text");
      text = std::move(changed);
    }
    sum = sum * 31 + hash_of(text);
  }
  bench::answer("sum", sum);
}
