// Talking with a program that answers each question on its stdout.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::tool {

// The program lives as long as the object, at the longest; so one question can follow another without its start. Its stderr
// goes to /dev/null, and its locale is C.
class Dialogue {
 public:
  // Runs the program at the path words[0]. Throws Failure when it cannot be started: kNotFound or kNotExecutable.
  explicit Dialogue(const std::vector<std::string>& words);
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;
  ~Dialogue();

  // Sends the question and listens until `is_whole` takes what came for an answer. Returns what came by then, by the program's
  // end or by the time that it has, whichever is first; `trouble` tells which of the others it was.
  [[nodiscard]] std::string ask(std::string_view question, std::chrono::milliseconds patience,
                                const std::function<bool(std::string_view)>& is_whole);
  // Empty: it answers. Else why it does not, and never will: "did not answer within 5 s". It has ended then.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  [[nodiscard]] bool is_late() const { return is_late_; }

 private:
  void give_up(std::string why);
  void end_of_output();
  void stop();

  int stream_ = -1;
  pid_t program_ = -1;
  int status_ = 0;
  bool is_late_ = false;
  std::string trouble_;
};

}  // namespace trestle::tool
