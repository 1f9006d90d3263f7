#include "preload.hpp"

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "failure.hpp"

namespace trestle::tool {
namespace {

class Preload : public testing::Test {
 protected:
  Preload() {
    std::string name = testing::TempDir() + "trestle-preload-XXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~Preload() override { std::filesystem::remove_all(directory_); }

  // A 64-bit program with `segments` headers of which the last is of type `last`; only the headers are there.
  std::string program(Elf64_Half segments, Elf64_Word last) {
    Elf64_Ehdr header = {};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_phoff = sizeof header;
    header.e_phnum = segments;
    const std::string path = directory_ / "program";
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&header), sizeof header);
    for (Elf64_Half i = 1; i <= segments; ++i) {
      Elf64_Phdr segment = {};
      segment.p_type = i == segments ? last : PT_LOAD;
      file.write(reinterpret_cast<const char*>(&segment), sizeof segment);
    }
    return path;
  }

  std::filesystem::path directory_;
};

TEST_F(Preload, FindsNoObstacleInAProgramWithAnInterpreter) {
  EXPECT_EQ(obstacle_in(program(3, PT_INTERP)), std::nullopt);
}

TEST_F(Preload, KnowsAStaticProgram) { EXPECT_EQ(obstacle_in(program(3, PT_LOAD)), "is statically linked"); }

TEST_F(Preload, LeavesATruncatedProgramToTheKernel) {
  const std::string path = program(3, PT_LOAD);
  std::filesystem::resize_file(path, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
  EXPECT_EQ(obstacle_in(path), std::nullopt);
}

TEST_F(Preload, KnowsASetuidProgramOfAnother) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const std::string path = program(1, PT_INTERP);
  ASSERT_EQ(chown(path.c_str(), 1, 0), 0);
  ASSERT_EQ(chmod(path.c_str(), 04755), 0);
  EXPECT_NE(obstacle_in(path).value_or("").find("setuid"), std::string::npos);
}

TEST_F(Preload, HasNothingToSayOfAScriptOrAMissingProgram) {
  std::ofstream(directory_ / "script") << "#!/bin/sh\n";
  EXPECT_EQ(obstacle_in(directory_ / "script"), std::nullopt);
  EXPECT_EQ(obstacle_in(directory_ / "missing"), std::nullopt);
}

TEST_F(Preload, NamesTheLibraryThatIsMissing) {
  try {
    static_cast<void>(library_of("nosuch"));
    FAIL() << "found a library of policy nosuch";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status, kOwnFailure);
    EXPECT_NE(std::string(failure.what()).find("libtrestle-nosuch.so"), std::string::npos);
  }
}

}  // namespace
}  // namespace trestle::tool
