// A program that a test writes: a shell script in a folder of its own, as long as the object lives.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <string>

namespace trestle {

class Script {
 public:
  Script(const std::string& name, const std::string& text) : folder_("/tmp/trestle-script-XXXXXX") {
    if (mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("no folder in /tmp");
    path_ = folder_ + "/" + name;
    std::ofstream(path_) << "#!/bin/sh\n" << text;
    chmod(path_.c_str(), 0700);
  }
  ~Script() {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  [[nodiscard]] const char* path() const { return path_.c_str(); }

 private:
  std::string folder_;
  std::string path_;
};

}  // namespace trestle
