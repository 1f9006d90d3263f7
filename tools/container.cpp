// `trestle container`: hands over to the source directory's ci/container.sh.
#include <memory>

#include "commands.hpp"
#include "harness.hpp"

namespace trestle::tool {
namespace {

constexpr const char* kExamples =
    R"(The corpus and what fails lie in build/container/corpus, which is the container's /corpus. The exit status is that of what
ran in the container.

Examples:
  trestle container                                     build the image and print what it can do
  trestle container -- fuzz heap_ops --seconds 60
  trestle container --engine buildah -- test            without Docker, as root)";

struct ContainerHelp : CLI::Formatter {
  [[nodiscard]] std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: trestle container [OPTIONS] [-- WORDS OF THE TRESTLE INSIDE]\n";
  }
};

}  // namespace

void add_container(CLI::App& app, const Rest& rest) {
  const auto engine = std::make_shared<std::string>();
  CLI::App* const command = app.add_subcommand("container", "Build the container image and run trestle in it");
  command->formatter(std::make_shared<ContainerHelp>());
  command->add_option("--engine", *engine, "docker or buildah (default: docker where one answers)")
      ->check(CLI::IsMember({"docker", "buildah"}));
  command->footer(kExamples);
  command->callback([engine, &rest] {
    std::vector<std::string> words{(source_directory("container") / "ci/container.sh").string()};
    if (!engine->empty()) words.insert(words.end(), {"--engine", *engine});
    words.emplace_back("--");
    words.insert(words.end(), rest.words.begin(), rest.words.end());
    hand_over(words);
  });
}

}  // namespace trestle::tool
