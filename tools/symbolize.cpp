// `trestle symbolize`: reports that were printed without a symbolizer, again with functions and lines.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>

#include "commands.hpp"
#include "frames.hpp"
#include "lines.hpp"
#include "symbols.hpp"

namespace trestle::tool {
namespace {

constexpr const char* kExamples =
    R"(Everything but the frames that tell no function and line stays as it is, byte for byte; a frame may stand
behind what logs put before a line. Objects of which nothing is known are named on stderr.

Exit status:
  0, also where frames stay as they are; 1 if a FILE could not be read, 127 or 126 if there is no symbolizer
  that can be run (the text is then written as it is), 125 if trestle itself failed, 2 if the command line was wrong.

Examples:
  TRESTLE_OPTIONS=symbolizer=none trestle run -- ./server 2>server.log
  trestle symbolize server.log
  ./server 2>&1 | trestle symbolize                           as it runs
  trestle symbolize --json reports | trestle report --sarif -  what report=json:PATH left
  trestle symbolize --sysroot /srv/image server.log           what ran in another file system)";

struct Request {
  std::vector<std::string> files;
  std::string symbolizer;
  std::string sysroot;
  unsigned timeout = 30;
  bool json = false;
};

class Output {
 public:
  std::string& text() { return text_; }
  void flush() {
    for (std::string_view rest = text_; !rest.empty();) {
      const ssize_t written = write(STDOUT_FILENO, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) throw Failure(kOwnFailure, std::string("cannot write to stdout: ") + std::strerror(errno));
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    text_.clear();
  }
  void flush_if_large() {
    constexpr std::size_t kLarge = std::size_t{1} << 20;
    if (text_.size() >= kLarge) flush();
  }

 private:
  std::string text_;
};

class Input {
 public:
  explicit Input(const std::string& file) : name_(file == "-" ? "stdin" : file) {
    if (file != "-") file_ = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (file_ < 0 || fstat(file_, &about_) != 0) throw Failure(1, "cannot open " + name_ + ": " + std::strerror(errno));
    struct stat output{};
    const bool is_output = S_ISREG(about_.st_mode) && fstat(STDOUT_FILENO, &output) == 0 &&
                           output.st_dev == about_.st_dev && output.st_ino == about_.st_ino;
    if (is_output) throw Failure(1, "cannot read " + name_ + ": it is the output as well");
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input() {
    if (file_ > STDIN_FILENO) close(file_);
  }

  [[nodiscard]] int descriptor() const { return file_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  // Empty: it is not known when that, of which nobody knows when it was written, was.
  [[nodiscard]] std::string dated_name() const { return S_ISREG(about_.st_mode) ? name_ : ""; }
  [[nodiscard]] timespec written() const { return about_.st_mtim; }

 private:
  std::string name_;
  int file_ = STDIN_FILENO;
  struct stat about_ = {};
};

void complain(const std::string& text) { std::cerr << "trestle: " << text << '\n'; }

void rewrite(const Input& input, bool json, const Resolve& resolve, Output& output) {
  TextRewriter text(resolve);
  const LineVisitor visitor{
      .line =
          [&](std::string_view line, std::string_view end) {
            if (json)
              output.text().append(rewritten_json(line, resolve)).append(end);
            else
              text.rewrite(line, end, output.text());
            output.flush_if_large();
          },
      .piece = [&](std::string_view part) { output.text().append(part); },
      .pause = [&] { output.flush(); },
  };
  for_each_line(input.descriptor(), input.name(), visitor);
}

// Nobody is asked where there is no symbolizer; the text passes all the same.
std::unique_ptr<Symbols> symbols_for(const Request& request, int& status) {
  try {
    return std::make_unique<Symbols>(Symbols::Source{path_of_symbolizer(request.symbolizer), request.sysroot,
                                                     std::chrono::seconds(request.timeout)});
  } catch (const Failure& failure) {
    complain(failure.what());
    status = failure.status;
    return nullptr;
  }
}

void symbolize(const Request& request, int& status) {
  const std::unique_ptr<Symbols> symbols = symbols_for(request, status);
  const Places nothing;
  const Resolve resolve = [&](const std::string& object, const std::string& offset) -> const Places& {
    return symbols != nullptr ? symbols->places_of(object, offset) : nothing;
  };
  Output output;
  const std::vector<std::string> standard{"-"};
  for (const std::string& file : request.files.empty() ? standard : request.files) {
    try {
      const Input input(file);
      if (symbols != nullptr) symbols->reports_are_of(input.dated_name(), input.written());
      rewrite(input, request.json, resolve, output);
    } catch (const Failure& failure) {
      if (failure.status == kOwnFailure) throw;
      output.flush();
      complain(failure.what());
      if (status == 0) status = failure.status;
    }
  }
  if (symbols == nullptr) return;
  for (const std::string& warning : symbols->warnings()) complain(warning);
}

}  // namespace

void add_symbolize(CLI::App& app, int& status) {
  CLI::App* const command =
      app.add_subcommand("symbolize", "Write reports again with the functions and lines that they lack");
  const auto request = std::make_shared<Request>();
  command->add_option("FILE", request->files, "Text with reports in it; stdin where none is named, or as -");
  command->add_flag("--json", request->json, "The files hold lines of JSON, as report=json:PATH left them");
  command
      ->add_option("--symbolizer", request->symbolizer,
                   "An llvm-symbolizer or addr2line; else one of them by PATH. It reads addresses on its stdin")
      ->type_name("PATH");
  command->add_option("--sysroot", request->sysroot, "The folder below which the objects lie")->type_name("DIR");
  command->add_option("--timeout", request->timeout, "How long an answer of the symbolizer may take")
      ->check(CLI::Range(1U, 86400U))
      ->type_name("SECONDS")
      ->capture_default_str();
  command->footer(kExamples);
  command->callback([request, &status] { symbolize(*request, status); });
}

}  // namespace trestle::tool
