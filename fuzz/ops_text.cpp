// The parser of op programs as text: any text is a program or an error with its line, and a program that is printed and
// parsed again is the same.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <variant>

#include "ops/program.hpp"
#include "target.hpp"

namespace {

using namespace trestle::ops;

constexpr std::string_view kWords[] = {"stage zeroed=1 ",
                                       "stage policy=debug buffer_bytes=",
                                       "\nallocate slot=1 kind=new[] size=",
                                       "\nfree slot=3\n",
                                       "\nmisuse slot=2 what=",
                                       "\ncorrupt what=",
                                       "stage",
                                       "policy=",
                                       "fast",
                                       "hardened",
                                       "debug",
                                       "buffer_bytes=",
                                       "skew=",
                                       "zeroed=",
                                       "allocate ",
                                       "free ",
                                       "reallocate ",
                                       "slot=",
                                       "size=",
                                       "alignment=",
                                       "kind=",
                                       "malloc",
                                       "new",
                                       "new[]",
                                       "sized_free ",
                                       "trim ",
                                       "keep=",
                                       "wait ",
                                       "milliseconds=",
                                       "grow ",
                                       "shrink ",
                                       "by=",
                                       "relocate ",
                                       "check",
                                       "misuse ",
                                       "what=",
                                       "double_free",
                                       "run_on ",
                                       "thread=",
                                       "end_thread",
                                       "set ",
                                       "decay",
                                       "to=",
                                       "page_bytes=",
                                       "slot_limit=",
                                       "processors=",
                                       "table",
                                       "book",
                                       "corrupt ",
                                       "header",
                                       "at=",
                                       "refuse_nth=",
                                       "refuse_every=",
                                       "allocate_zeroed ",
                                       "#",
                                       " ",
                                       " ",
                                       "\n",
                                       "\n",
                                       "16",
                                       "64"};

[[noreturn]] void fail(const char* what, const std::string& text) {
  std::fprintf(stderr, "ERROR: %s in\n%s\n", what, text.c_str());
  std::abort();
}

}  // namespace

const trestle::fuzz::Input trestle_fuzz_input{.vocabulary = nullptr, .words = kWords};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  const std::variant<Program, TextError> parsed = parse(text);
  if (const auto* const error = std::get_if<TextError>(&parsed)) {
    if (error->line == 0 || error->line > lines || error->what.empty()) fail("an error without its line", text);
    return 0;
  }
  const auto& program = std::get<Program>(parsed);
  const std::variant<Program, TextError> again = parse(to_text(program));
  if (again != std::variant<Program, TextError>(program)) fail("another program when printed and parsed again", text);
  return 0;
}
