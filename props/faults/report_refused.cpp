//: options symbolizer=none
//: each double_free header_corrupt past_end access leak
//: without fast [past_end access]: no canary, and no memory that is closed
// A fault ends its process by SIGABRT whatever becomes of the report, and a leak lets it end as it would: on a stderr that is
// closed, full, that nobody reads, on a full disk, or with a file of reports that takes nothing; in a thread, a handler of a
// signal, and the child of a fork. What can be read is there whole. Each case is a process of its own, this program once more.
// An alarm ends those that hang.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fault.h"

namespace {

// What goes wrong, and the report of it.
struct Kind {
  const char* name;
  const char* head;
  void (*prepare)();
  void (*provoke)();
};

constexpr size_t kMedium = size_t{200} << 10;
constexpr size_t kLarge = size_t{1000000} / 4096 * 4096;
char* volatile block;

void take(size_t size) {
  block = hidden(static_cast<char*>(malloc(size)));
  must(block != nullptr);
}
void release() {
  free(block);
  block = block;  // no tail call: the frame is to be found
}
void free_twice() {
  free(hidden(block));
  release();
}
void write_before() {
  for (int i = 1; i <= 16; ++i) block[-i] = static_cast<char>(block[-i] ^ 0xff);
  release();
}
void write_past_end() {
  block[100] = static_cast<char>(block[100] ^ 0xff);
  release();
}
void read_freed() {
  free(hidden(block));
  (void)*static_cast<volatile char*>(block + 5000);
}
__attribute__((noinline)) void lose_some() {
  for (int i = 0; i < 8; ++i) must(hidden(malloc(3000)) != nullptr);
}
void lose() {
  lose_some();
  forget();
}

const Kind kKinds[] = {
    {"double_free", "==ERROR: trestle: double free in free(0x", [] { take(100); }, free_twice},
    {"header_corrupt", "==ERROR: trestle: header corrupt in free(0x", [] { take(kMedium); }, write_before},
    {"past_end", "==ERROR: trestle: write past end in free(0x", [] { take(100); }, write_past_end},
    {"access", "==ERROR: trestle: access after free in a read\n", [] { take(kLarge); }, read_freed},
    {"leak", "==WARNING: trestle: leak in the check at exit\n", lose, [] { exit(0); }},
};

// In which part of the process.
struct Place {
  const char* name;
  void (*go)(void (*provoke)());
};

void (*provoked)();
void go_in_handler(void (*provoke)()) {
  provoked = provoke;
  signal(SIGUSR1, [](int) { provoked(); });
  raise(SIGUSR1);
}
void go_in_thread(void (*provoke)()) {
  pthread_t thread;
  provoked = provoke;
  const auto body = [](void*) -> void* {
    provoked();
    return nullptr;
  };
  must(pthread_create(&thread, nullptr, body, nullptr) == 0 && pthread_join(thread, nullptr) == 0);
}
// Ends as its child does.
void go_in_child(void (*provoke)()) {
  const pid_t child = fork();
  must(child >= 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    provoke();
    _exit(3);
  }
  int status = 0;
  must(waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) signal(WTERMSIG(status), SIG_DFL), raise(WTERMSIG(status));
  _exit(WEXITSTATUS(status));
}

// A handler of SIGABRT that ends the process by another fault: not for ever.
void go_in_last_handler(void (*provoke)()) {
  provoked = provoke;
  signal(SIGABRT, [](int) { provoked(); });
  abort();
}

const Place kPlaces[] = {
    {"main", [](void (*provoke)()) { provoke(); }}, {"thread", go_in_thread}, {"handler", go_in_handler},
    {"last_handler", go_in_last_handler},           {"child", go_in_child},
};

// What can be read: nothing; the report, whole; what there was room for; or also why there is no line of JSON.
enum class Left { none, whole, cut, told };
// What the program does with stderr itself, with a file that is there for it.
enum class Then { nothing, opens, closes_and_opens, redirects };

struct Case {
  const struct Output* output;
  const Place* place;
  pid_t pid;
  int error;     // stderr, as the process gets it
  int readable;  // where it, or what the program opens, can be read; -1: nowhere
  int file;      // for the JSON, or for the program to open; -1: none
};

struct Output {
  const char* name;
  Left left;
  void (*make)(Case& at);   // in the harness
  void (*begin)() = [] {};  // in the process, before the program is there
  Then then = Then::nothing;
  const char* reason = "";  // of Left::told
  bool is_late = false;     // it is read only when the report is under way
};

constexpr rlim_t kMostOfFile = 100;

void make_pipe(Case& at, int flags, bool full) {
  int ends[2];
  must(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  static const char page[4096] = {};
  while (full && write(ends[1], page, sizeof page) > 0) continue;
  must(fcntl(ends[1], F_SETFL, flags) == 0);
  at.readable = ends[0];
  at.error = ends[1];
}
void make_empty(Case& at) { make_pipe(at, 0, false); }
void make_full(Case& at) { make_pipe(at, 0, true); }
void make_full_at_once(Case& at) { make_pipe(at, O_NONBLOCK, true); }
void make_unread(Case& at) {
  make_empty(at);
  close(at.readable);
  at.readable = -1;
}
void make_device(Case& at, const char* path) { at.error = open(path, O_WRONLY | O_CLOEXEC); }
void make_file(Case& at) { at.readable = at.error = memfd_create("stderr", MFD_CLOEXEC); }
void make_file_beside(Case& at) {
  make_device(at, "/dev/null");
  at.readable = at.file = memfd_create("beside", MFD_CLOEXEC);
}
void make_json(Case& at, const char* path) {
  make_empty(at);
  at.file = open(path, O_PATH | O_CLOEXEC);
}
void make_json_to_nobody(Case& at) {
  char folder[] = "/tmp/trestle_fifo_XXXXXX";
  char fifo[64];
  must(mkdtemp(folder) != nullptr);
  (void)snprintf(fifo, sizeof fifo, "%s/fifo", folder);
  must(mkfifo(fifo, 0600) == 0);
  make_json(at, fifo);
  must(unlink(fifo) == 0 && rmdir(folder) == 0);
}
void make_json_to_full(Case& at) {
  Case other = at;
  make_full(other);  // its reader lives as long as the harness
  make_empty(at);
  at.file = other.error;
}
void make_json_to_file(Case& at) {
  make_empty(at);
  at.file = memfd_create("json", MFD_CLOEXEC);
}
void limit_files() {
  const rlimit most{kMostOfFile, kMostOfFile};
  must(setrlimit(RLIMIT_FSIZE, &most) == 0);
}
void close_stderr() { close(STDERR_FILENO); }

const Output kOutputs[] = {
    {"a full pipe", Left::none, make_full},
    {"a full pipe that does not block", Left::none, make_full_at_once},
    {"JSON to a full pipe", Left::told, make_json_to_full, [] {}, Then::nothing, "it takes no more"},
    {"a pipe", Left::whole, make_empty},
    {"a full pipe read late", Left::whole, make_full, [] {}, Then::nothing, "", true},
    {"one that does not block, read late", Left::whole, make_full_at_once, [] {}, Then::nothing, "", true},
    {"a pipe that nobody reads", Left::none, make_unread},
    {"a full disk", Left::none, [](Case& at) { make_device(at, "/dev/full"); }},
    {"a file that may not grow", Left::cut, make_file, limit_files},
    {"closed", Left::none, [](Case& at) { make_device(at, "/dev/null"); }, close_stderr},
    {"closed, and a file there", Left::none, make_file_beside, close_stderr, Then::opens},
    {"closed later, and a file there", Left::none, make_file_beside, [] {}, Then::closes_and_opens},
    {"another file later", Left::whole, make_file_beside, [] {}, Then::redirects},
    {"JSON to nobody", Left::told, make_json_to_nobody, [] {}, Then::nothing, "nobody reads it"},
    {"JSON to a full disk", Left::told, [](Case& at) { make_json(at, "/dev/full"); }, [] {}, Then::nothing,
     "the disk is full"},
    {"JSON to a file that may not grow", Left::told, make_json_to_file, limit_files, Then::nothing,
     "it is as long as a file may be"},
};

template <class Row, unsigned kCount>
const Row& row_named(const Row (&rows)[kCount], const char* name) {
  for (const Row& row : rows) {
    if (strcmp(row.name, name) == 0) return row;
  }
  failed(name, "such a row", 0);
  __builtin_unreachable();
}

// The process of a case: report_refused KIND PLACE THEN FILE.
int go_wrong(char** words) {
  const Kind& kind = row_named(kKinds, words[1]);
  const Then then = static_cast<Then>(strtol(words[3], nullptr, 10));
  if (then == Then::closes_and_opens) close(STDERR_FILENO);
  if (then == Then::opens) must(open(words[4], O_RDWR) == STDERR_FILENO);
  if (then == Then::closes_and_opens) must(open(words[4], O_RDWR | O_CLOEXEC) == STDERR_FILENO);
  if (then == Then::redirects) must(dup2(open(words[4], O_RDWR | O_CLOEXEC), STDERR_FILENO) == STDERR_FILENO);
  kind.prepare();
  row_named(kPlaces, words[2]).go(kind.provoke);
  return 3;
}

[[noreturn]] void become(const Case& at, const char* kind) {
  char path[64];
  char then[16];
  char options[256];
  const bool has_json = at.output->left == Left::told;
  (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getppid(), at.file);
  (void)snprintf(then, sizeof then, "%d", static_cast<int>(at.output->then));
  (void)snprintf(options, sizeof options, "symbolizer=none:sample=0:leak_check=%d%s%s", strcmp(kind, "leak") == 0,
                 has_json ? ":report=json:" : "", has_json ? path : "");
  must(setenv("TRESTLE_OPTIONS", options, 1) == 0);
  const char* const words[] = {"report_refused", kind, at.place->name, then, path, nullptr};
  must(dup2(at.error, STDERR_FILENO) == STDERR_FILENO);
  at.output->begin();
  execv("/proc/self/exe", const_cast<char* const*>(words));
  _exit(4);
}

constexpr int kCases = sizeof kOutputs / sizeof *kOutputs * (sizeof kPlaces / sizeof *kPlaces);
Case cases[kCases];

void begin(Case& at, const char* kind) {
  at.error = at.readable = at.file = -1;
  at.output->make(at);
  must(at.error >= 0);
  at.pid = fork();
  must(at.pid >= 0);
  if (at.pid == 0) become(at, kind);
  if (at.error != at.readable) close(at.error);
}

// What has been written, but for what had filled a pipe before; as text. `to_end`: until the process has ended.
char* read_rest(const Case& at, bool to_end) {
  static char text[1 << 18];
  size_t length = 0;
  for (ssize_t got = 1; got != 0;) {
    got = pread(at.readable, text + length, sizeof text - 1 - length, static_cast<off_t>(length));
    if (got < 0 && errno == ESPIPE) got = read(at.readable, text + length, sizeof text - 1 - length);
    if (got > 0) length += static_cast<size_t>(got);
    if (got < 0 && (errno != EAGAIN || !to_end)) break;
    if (got < 0) usleep(1000);
  }
  text[length] = '\0';
  char* first = text;
  while (first != text + length && *first == '\0') ++first;
  return first;
}

// Each piece after the one before.
bool has_in_order(const char* text, const char* const* pieces) {
  for (; *pieces != nullptr && text != nullptr; ++pieces) {
    text = strstr(text, *pieces);
    if (text != nullptr) text += strlen(*pieces);
  }
  return text != nullptr;
}

bool is_whole(const char* text, const Kind& kind, const Output& output) {
  const bool is_leak = strcmp(kind.name, "leak") == 0;
  const char* const pieces[] = {"==",
                                kind.head,
                                "  meaning    ",
                                "\n  address    ",
                                "\n  policy     ",
                                "\n  likely     ",
                                is_leak ? "\n" : "\n  called from:\n    #0 0x",
                                output.left == Left::told ? "\ntrestle: cannot append the report to /proc/" : "\n",
                                output.reason,
                                is_leak ? "\ntrestle: leaks: 8 blocks, " : "\n",
                                nullptr};
  return strncmp(text, "==", 2) == 0 && has_in_order(text, pieces) && text[strlen(text) - 1] == '\n';
}

bool is_as_told(const char* text, const Kind& kind, const Output& output) {
  if (output.left == Left::none) return text[0] == '\0';
  if (output.left == Left::cut) return strncmp(text, "==", 2) == 0 && strlen(text) == kMostOfFile;
  return is_whole(text, kind, output);
}

bool hold(const Case& at, const Kind& kind, const char* late) {
  int status = 0;
  must(waitpid(at.pid, &status, 0) == at.pid);
  const bool is_leak = strcmp(kind.name, "leak") == 0;
  const int wanted = is_leak ? 0 : SIGABRT;
  const char* const text = late != nullptr ? late : at.readable >= 0 ? read_rest(at, false) : "";
  const bool has_ended = status == wanted;
  const bool is_told = (late == nullptr && at.readable < 0) || is_as_told(text, kind, *at.output);
  if (!has_ended || !is_told) {
    print(STDERR_FILENO, "%s in %s, stderr %s: %s %d, %s\n", kind.name, at.place->name, at.output->name,
          WIFSIGNALED(status) ? "ended by signal" : "ended with",
          WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
          is_told ? "the report is as it should be" : "the report is not");
    print(STDERR_FILENO, "%.400s\n", text);
  }
  return has_ended && is_told;
}

void end_all(int) {
  for (const Case& at : cases) {
    if (at.pid > 0) kill(at.pid, SIGKILL);
  }
}

int hold_all(const Kind& kind) {
  signal(SIGALRM, end_all);
  alarm(14);
  bool held = true;
  Case* at = cases;
  for (const Output& output : kOutputs) {
    for (const Place& place : kPlaces) *at++ = {&output, &place, 0, -1, -1, -1};
  }
  for (Case& each : cases) begin(each, kind.name);
  for (Case& each : cases) {
    if (!each.output->is_late) continue;
    held &= hold(each, kind, read_rest(each, true));
    each.pid = 0;
  }
  for (Case& each : cases) {
    if (each.pid != 0) held &= hold(each, kind, nullptr);
    each.pid = 0;
  }
  return held ? ok() : 1;
}

}  // namespace

int main(int count, char** words) {
  if (count > 2) return go_wrong(words);
  return hold_all(row_named(kKinds, words[1]));
}
