// Runs one case, or names all: conform_cases --list | --where | NAME. Not a byte of this file's own comes from malloc,
// so that a broken one is seen by the case that asks about it and not by the telling.
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "case.hpp"

namespace trestle::conform {
namespace {

constexpr std::initializer_list<const Cases*> kAll{&kStartCases, &kMallocCases,  &kReallocCases, &kAlignedCases,
                                                   &kNewCases,   &kProcessCases, &kMisuseCases,  &kRobustnessCases};

void write_all(const char* text, std::size_t length) {
  while (length > 0) {
    const ssize_t written = write(STDOUT_FILENO, text, length);
    if (written <= 0) _exit(3);
    text += written;
    length -= static_cast<std::size_t>(written);
  }
}

// One line; what does not fit is cut.
void tell(const char* word, const char* format, va_list values) {
  char line[1024];
  const auto head = static_cast<std::size_t>(std::snprintf(line, sizeof line, "conform\t%s\t", word));
  const int wanted = std::vsnprintf(line + head, sizeof line - head - 1, format, values);
  const std::size_t length = std::min(head + static_cast<std::size_t>(wanted), sizeof line - 2);
  line[length] = '\n';
  write_all(line, length + 1);
}

void tell_text(const char* word, const char* format, ...) __attribute__((format(printf, 2, 3)));
void tell_text(const char* word, const char* format, ...) {
  va_list values;
  va_start(values, format);
  tell(word, format, values);
  va_end(values);
}

template <class Visit>
void for_each_case(const Visit& visit) {
  for (const Cases* const cases : kAll) {
    for (std::size_t i = 0; i < cases->count; ++i) visit(cases->first[i]);
  }
}

int list() {
  for_each_case([](const Case& one) {
    tell_text("case", "%s\t%s\t%s\t%s\t%s", one.area, one.name, one.rule, one.what, one.names);
  });
  return EXIT_SUCCESS;
}

// The file that serves this process's malloc.
int tell_where() {
  Dl_info place = {};
  if (dladdr(dlsym(RTLD_DEFAULT, "malloc"), &place) == 0) return EXIT_FAILURE;
  tell_text("malloc", "%s", place.dli_fname);
  return EXIT_SUCCESS;
}

int run(const char* name) {
  const Case* found = nullptr;
  for_each_case([&](const Case& one) {
    if (std::strcmp(one.name, name) == 0) found = &one;
  });
  if (found == nullptr) {
    std::fprintf(stderr, "conform_cases: no case %s\n", name);
    return 2;
  }
  found->run();
  tell_text("passed", "%s", "");
  return EXIT_SUCCESS;
}

}  // namespace

void violate(const char* format, ...) {
  va_list values;
  va_start(values, format);
  tell("violated", format, values);
  va_end(values);
  _exit(EXIT_FAILURE);
}

void fall_short(const char* format, ...) {
  va_list values;
  va_start(values, format);
  tell("short", format, values);
  va_end(values);
  _exit(EXIT_SUCCESS);
}

void leave_out(const char* why) {
  tell_text("absent", "%s", why);
  _exit(EXIT_SUCCESS);
}

void choose(const char* what, const char* answer) { tell_text("choice", "%s\t%s", what, answer); }

void about(const volatile void* address) { tell_text("about", "%p", const_cast<const void*>(address)); }

void pass() {
  tell_text("passed", "%s", "");
  _exit(EXIT_SUCCESS);
}

}  // namespace trestle::conform

int main(int count, char** words) {
  using namespace trestle::conform;
  if (count == 2 && std::strcmp(words[1], "--list") == 0) return list();
  if (count == 2 && std::strcmp(words[1], "--where") == 0) return tell_where();
  if (count == 2) return run(words[1]);
  std::fputs("usage: conform_cases --list | --where | NAME\n", stderr);
  return 2;
}
