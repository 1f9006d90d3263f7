// An interpreter as scripting languages have them: a Lisp whose numbers, pairs, closures and environments are small objects
// with reference counts, so that every step of the program it runs allocates and frees.
#include <string>
#include <string_view>
#include <utility>

#include "../support/workload.hpp"

namespace {

enum class Kind : std::uint8_t { number, symbol, pair, closure };

struct Cell;

// A counted reference; null is the empty list.
class Ref {
 public:
  Ref() = default;
  explicit Ref(Cell* cell) : cell_(cell) {}
  Ref(const Ref& other);
  Ref(Ref&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(cell_, other.cell_);
    return *this;
  }
  ~Ref();

  Cell* operator->() const { return cell_; }
  explicit operator bool() const { return cell_ != nullptr; }
  [[nodiscard]] bool is(const Ref& other) const { return cell_ == other.cell_; }

 private:
  Cell* cell_ = nullptr;
};

struct Cell {
  std::uint32_t count = 1;
  Kind kind = Kind::number;
  std::int64_t number = 0;
  std::string name;  // a symbol's
  Ref head;          // a pair's; a closure's parameters and body
  Ref tail;          // a pair's; a closure's environment
};

Ref::Ref(const Ref& other) : cell_(other.cell_) {
  if (cell_ != nullptr) ++cell_->count;
}

// A long list is let go of in a loop, not by recursion.
Ref::~Ref() {
  while (cell_ != nullptr && --cell_->count == 0) {
    Cell* const dead = cell_;
    cell_ = std::exchange(dead->tail.cell_, nullptr);
    delete dead;
  }
}

std::uint64_t made = 0;

Ref make(Kind kind) {
  ++made;
  auto* const cell = new Cell;
  cell->kind = kind;
  return Ref(cell);
}

Ref number(std::int64_t value) {
  Ref cell = make(Kind::number);
  cell->number = value;
  return cell;
}

Ref cons(Ref head, Ref tail, Kind kind = Kind::pair) {
  Ref cell = make(kind);
  cell->head = std::move(head);
  cell->tail = std::move(tail);
  return cell;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Ref read() {
    skip();
    if (text_[at_] == '(') {
      ++at_;
      return read_list();
    }
    const std::size_t start = at_;
    while (at_ < text_.size() && std::strchr(" \n()", text_[at_]) == nullptr) ++at_;
    const std::string word(text_.substr(start, at_ - start));
    if (word[0] >= '0' && word[0] <= '9') return number(std::strtoll(word.c_str(), nullptr, 10));
    Ref symbol = make(Kind::symbol);
    symbol->name = word;
    return symbol;
  }

 private:
  void skip() {
    while (text_[at_] == ' ' || text_[at_] == '\n') ++at_;
  }
  Ref read_list() {
    skip();
    if (text_[at_] == ')') {
      ++at_;
      return {};
    }
    Ref first = read();
    return cons(std::move(first), read_list());
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// An environment is a list of pairs of a symbol and its value.
Ref bind(const Ref& name, Ref value, Ref environment) {
  return cons(cons(name, std::move(value)), std::move(environment));
}

Ref& lookup(const Ref& name, const Ref& environment) {
  for (Ref at = environment; at; at = at->tail) {
    if (at->head->head->name == name->name) return at->head->tail;
  }
  bench::fail(name->name.c_str());
}

Ref evaluate(const Ref& form, const Ref& environment);

Ref arithmetic(char operation, const Ref& left, const Ref& right) {
  const std::int64_t a = left->number;
  const std::int64_t b = right->number;
  switch (operation) {
    case '+':
      return number(a + b);
    case '-':
      return number(a - b);
    case '*':
      return number(a * b % 1'000'003);
    case '%':
      return number(a % b);
    case '<':
      return a < b ? number(1) : Ref();
    default:
      bench::fail("an operation that there is not");
  }
}

Ref call(const Ref& form, const Ref& environment) {
  const Ref closure = lookup(form->head, environment);
  Ref frame = closure->tail;
  Ref parameter = closure->head->head;
  for (Ref word = form->tail; word; word = word->tail) {
    frame = bind(parameter->head, evaluate(word->head, environment), std::move(frame));
    parameter = parameter->tail;
  }
  return evaluate(closure->head->tail->head, frame);
}

Ref evaluate_word(const std::string& word, const Ref& form, const Ref& environment) {
  const auto argument = [&](int index) {
    Ref at = form->tail;
    for (; index > 0; --index) at = at->tail;
    return evaluate(at->head, environment);
  };
  if (word == "if") return argument(0) ? argument(1) : argument(2);
  if (word == "cons") return cons(argument(0), argument(1));
  if (word == "car") return argument(0)->head;
  if (word == "cdr") return argument(0)->tail;
  if (word == "fn") return cons(form->tail, environment, Kind::closure);
  if (word.size() == 1 && std::strchr("+-*%<", word[0]) != nullptr)
    return arithmetic(word[0], argument(0), argument(1));
  return call(form, environment);
}

Ref evaluate(const Ref& form, const Ref& environment) {
  if (!form || form->kind == Kind::number) return form;
  if (form->kind == Kind::symbol) return form->name == "nil" ? Ref() : lookup(form, environment);
  return evaluate_word(form->head->name, form, environment);
}

constexpr std::pair<const char*, const char*> kProgram[] = {
    {"fib", "(fn (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))"},
    {"range", "(fn (n) (if (< 0 n) (cons n (range (- n 1))) nil))"},
    {"map", "(fn (f l) (if l (cons (f (car l)) (map f (cdr l))) nil))"},
    {"fold", "(fn (f a l) (if l (fold f (f a (car l)) (cdr l)) a))"},
    {"keep", "(fn (f l) (if l (if (f (car l)) (cons (car l) (keep f (cdr l))) (keep f (cdr l))) nil))"},
    {"join", "(fn (a b) (if a (cons (car a) (join (cdr a) b)) b))"},
    {"sort",
     "(fn (l) (if l (join (sort (keep (fn (x) (< x (car l))) (cdr l))) (cons (car l) (sort (keep (fn (x) "
     "(if (< x (car l)) nil 1)) (cdr l))))) nil))"},
};

// The globals are bound first and filled in then, so that each sees all; they are let go of by hand, being a circle.
Ref load_globals() {
  Ref globals;
  for (const auto& [name, text] : kProgram) globals = bind(Reader(name).read(), {}, std::move(globals));
  for (const auto& [name, text] : kProgram) {
    lookup(Reader(name).read(), globals) = evaluate(Reader(text).read(), globals);
  }
  return globals;
}

std::int64_t value_of(const char* text, const Ref& globals) { return evaluate(Reader(text).read(), globals)->number; }

}  // namespace

int main() {
  const Ref globals = load_globals();
  bench::require(value_of("(fib 15)", globals) == 610, "fib 15");
  const std::uint64_t rounds = bench::work(120);
  std::int64_t sum = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    sum += value_of("(fib 13)", globals);
    sum +=
        value_of("(fold (fn (a b) (+ (* a 31) b)) 7 (sort (map (fn (x) (% (* x 7919) 1009)) (range 200))))", globals);
    sum += value_of("(fold (fn (a b) (+ a b)) 0 (map (fn (x) (* x x)) (range 300)))", globals);
  }
  for (Ref at = globals; at; at = at->tail) at->head->tail = {};
  bench::answer("sum", static_cast<std::uint64_t>(sum));
  bench::answer("cells", made);
}
