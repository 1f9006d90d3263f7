// Graphs whose nodes and edges are objects of their own, in lists and sets: made, shortest paths found from several nodes, a
// third of the edges taken away, and found again. Along each edge that is left no path may become shorter.
#include <list>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "../support/workload.hpp"

namespace {

constexpr std::size_t kNodes = 12'000;
constexpr std::size_t kEdges = 40'000;
constexpr std::uint64_t kFar = UINT64_MAX;

struct Node;
struct Edge {
  Node* to;
  std::uint64_t length;
};
struct Node {
  std::size_t number = 0;
  std::uint64_t distance = kFar;
  std::list<Edge> edges;
};
using Graph = std::vector<std::unique_ptr<Node>>;

Graph make(bench::Random& random) {
  Graph graph;
  for (std::size_t i = 0; i < kNodes; ++i) {
    graph.push_back(std::make_unique<Node>());
    graph.back()->number = i;
  }
  for (std::size_t i = 0; i < kEdges; ++i) {
    Node& from = *graph[random.below(kNodes)];
    from.edges.push_back({graph[random.below(kNodes)].get(), random.between(1, 100)});
  }
  return graph;
}

// Dijkstra's, with a set for its queue.
void find_paths(const Graph& graph, std::size_t start) {
  for (const auto& node : graph) node->distance = kFar;
  std::set<std::pair<std::uint64_t, std::size_t>> queue;
  graph[start]->distance = 0;
  queue.insert({0, start});
  while (!queue.empty()) {
    const auto [distance, number] = *queue.begin();
    queue.erase(queue.begin());
    for (const Edge& edge : graph[number]->edges) {
      const std::uint64_t longer = distance + edge.length;
      if (longer >= edge.to->distance) continue;
      queue.erase({edge.to->distance, edge.to->number});
      edge.to->distance = longer;
      queue.insert({longer, edge.to->number});
    }
  }
}

std::uint64_t sum_of_paths(const Graph& graph) {
  std::uint64_t sum = 0;
  for (const auto& node : graph) {
    if (node->distance == kFar) continue;
    sum += node->distance;
    for (const Edge& edge : node->edges) {
      bench::require(edge.to->distance <= node->distance + edge.length, "a path is not the shortest");
    }
  }
  return sum;
}

}  // namespace

int main() {
  bench::Random random(12);
  const std::uint64_t rounds = bench::work(14);
  std::uint64_t sum = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const Graph graph = make(random);
    for (int turn = 0; turn < 4; ++turn) {
      find_paths(graph, random.below(kNodes));
      sum = sum * 31 + sum_of_paths(graph);
      for (const auto& node : graph) node->edges.remove_if([&](const Edge&) { return random.below(12) == 0; });
    }
  }
  bench::answer("sum", sum);
}
