#include "serve.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "channel.hpp"
#include "coverage.hpp"
#include "trial.hpp"

namespace trestle::conform {
namespace {

void tell_edges(void* channel) { copy_edges(static_cast<Channel*>(channel)->taken, kMostEdges); }

void try_input(Channel& channel, unsigned seconds) {
  // Its memory is used again: nothing that this process takes is given back.
  static ops::Program program;
  ops::decode(ops::kForeignVocabulary, {channel.input, channel.input_bytes}, program);
  const Tried tried = try_program(program, seconds, tell_edges, &channel);
  std::snprintf(channel.how, sizeof channel.how, "%s", tried.how.c_str());
  std::snprintf(channel.detail, sizeof channel.detail, "%s", tried.outcome.detail);
}

}  // namespace

int serve(int memory, int turns, unsigned seconds_per_program) {
  void* const place = mmap(nullptr, sizeof(Channel), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  if (place == MAP_FAILED) return EXIT_FAILURE;
  Channel& channel = *static_cast<Channel*>(place);
  channel.edges = count_edges();
  for (char turn = 0; write(turns, &turn, 1) == 1 && read(turns, &turn, 1) == 1;) {
    forget_edges();
    try_input(channel, seconds_per_program);
  }
  return EXIT_SUCCESS;
}

}  // namespace trestle::conform
