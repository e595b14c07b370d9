#include "tests/unit/connection_model/explorer.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>

namespace runtime_agent::connection_model {
namespace {

/// 128 bits of a key: enough for no two of some millions to meet.
struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const Digest&) const = default;
};
struct DigestHash {
  std::size_t operator()(const Digest& digest) const { return digest.low; }
};

Digest digest_of(const std::string& key) {
  Digest digest{0xcbf29ce484222325, 0x9e3779b97f4a7c15};
  for (const char c : key) {
    digest.high = (digest.high ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    digest.low = (digest.low + static_cast<unsigned char>(c)) * 0xd6e8feb86659fd93;
    digest.low ^= digest.low >> 32;
  }
  return digest;
}

using Index = std::uint32_t;
constexpr Index nowhere = ~Index(0);

struct Node {
  Index parent = nowhere;
  Happening by = Happening::count;
  std::uint8_t settled = 0; ///< 0: not looked at, 1: leads to a settled state
  Index ordinary = nowhere; ///< where the ordinary course leads
  std::uint32_t depth = 0;
};

/// By the number of disturbances, so that a counterexample has as few as possible; between two of them breadth first.
/// What the last disturbance leads to is explored at once, and only the states before it are kept.
class Search {
public:
  explicit Search(unsigned most_disturbances) : most_disturbances_(most_disturbances) {}

  Exploration run(const std::vector<WorldModel>& beginnings) {
    std::vector<Found> layer; // the states that so many disturbances lead to
    std::vector<Found>* kept = most_disturbances_ > 0 ? &layer : nullptr;
    beginnings_ = beginnings;
    for (std::size_t i = 0; i < beginnings.size(); ++i) {
      beginning_of_[static_cast<Index>(nodes_.size())] = i;
      meet(beginnings[i], nowhere, Happening::count);
      follow(kept);
    }
    for (unsigned disturbances = 1; disturbances <= most_disturbances_; ++disturbances) {
      std::vector<Found> next_layer;
      kept = disturbances < most_disturbances_ ? &next_layer : nullptr;
      for (const Found& found : layer)
        for (auto i = static_cast<int>(Happening::crash); i < static_cast<int>(Happening::count); ++i) {
          take(found, static_cast<Happening>(i));
          follow(kept);
        }
      layer = std::move(next_layer);
    }
    if (result_.violation.empty())
      follow_ordinary_courses();
    result_.states = nodes_.size();
    return std::move(result_);
  }

private:
  struct Found {
    Index index;
    WorldModel world;
  };

  /// Everything that is reached without a further disturbance.
  void follow(std::vector<Found>* kept) {
    for (; !queue_.empty() && result_.violation.empty(); queue_.pop_front()) {
      const Found& found = queue_.front();
      nodes_[found.index].settled = found.world.unsettled().empty() ? 1 : 0;
      for (auto i = 0; i < static_cast<int>(Happening::crash); ++i)
        take(found, static_cast<Happening>(i));
      if (kept)
        kept->push_back(std::move(queue_.front()));
    }
  }

  void take(const Found& found, Happening happening) {
    if (!result_.violation.empty())
      return;
    WorldModel world = found.world;
    if (!world.happen(happening))
      return;
    ++result_.transitions;
    note_edge(found.world, world);
    const Index index = meet(world, found.index, happening);
    if (happening == found.world.ordinary_course())
      nodes_[found.index].ordinary = index;
    if (!world.violation().empty())
      result_.violation =
          world.violation() + "\n" + story(found.index) + " > " + std::string(to_string(happening)) + "\n";
  }

  /// The index of the state, which is explored later where it is a new one.
  Index meet(const WorldModel& world, Index parent, Happening by) {
    const auto [found, is_new] = known_.emplace(digest_of(world.key()), static_cast<Index>(nodes_.size()));
    if (!is_new)
      return found->second;
    Node node{.parent = parent, .by = by};
    node.depth = parent == nowhere ? 0 : nodes_[parent].depth + 1;
    result_.depth = std::max<std::size_t>(result_.depth, node.depth);
    nodes_.push_back(node);
    queue_.push_back({found->second, world});
    return found->second;
  }

  void note_edge(const WorldModel& before, const WorldModel& after) {
    if (after.last_event().empty())
      return;
    const auto edge = std::pair(before.standing(), after.standing());
    if (edge.first != edge.second)
      result_.edges[edge].insert(after.last_event());
  }

  void follow_ordinary_courses() {
    for (Index start = 0; start < nodes_.size(); ++start) {
      std::vector<Index> path;
      Index at = start;
      std::set<Index> seen;
      while (nodes_[at].settled == 0 && seen.insert(at).second) {
        path.push_back(at);
        at = nodes_[at].ordinary;
      }
      if (nodes_[at].settled == 0) {
        result_.violation = "the ordinary course never settles\n" + story(start) + why_unsettled(start);
        return;
      }
      for (const Index index : path)
        nodes_[index].settled = 1;
    }
  }

  std::string story(Index index) const {
    std::vector<Happening> happenings;
    for (; nodes_[index].parent != nowhere; index = nodes_[index].parent)
      happenings.push_back(nodes_[index].by);
    std::string text;
    std::for_each(happenings.rbegin(), happenings.rend(),
                  [&](Happening one) { text += " > " + std::string(to_string(one)) + "\n"; });
    return text;
  }

  /// Goes the same way once more, and then round the ordinary course.
  std::string why_unsettled(Index index) const;

  const unsigned most_disturbances_;
  std::vector<WorldModel> beginnings_;
  std::map<Index, std::size_t> beginning_of_; ///< its place in `beginnings_`, by its node
  std::deque<Found> queue_;
  std::vector<Node> nodes_;
  std::unordered_map<Digest, Index, DigestHash> known_;
  Exploration result_;
};

std::string Search::why_unsettled(Index index) const {
  std::vector<Happening> happenings;
  Index root = index;
  for (; nodes_[root].parent != nowhere; root = nodes_[root].parent)
    happenings.push_back(nodes_[root].by);
  WorldModel world = beginnings_.at(beginning_of_.at(root));
  std::for_each(happenings.rbegin(), happenings.rend(), [&](Happening one) { world.happen(one); });
  std::string said = "then undisturbed:\n";
  for (int step = 0; step < 40; ++step) {
    const Happening next = world.ordinary_course();
    world.happen(next);
    said += " : " + std::string(to_string(next)) + ", " + world.last_event() + ": " + world.unsettled() + "\n";
  }
  return said;
}

} // namespace

Exploration explore(const std::vector<WorldModel>& beginnings, unsigned most_disturbances) {
  return Search(most_disturbances).run(beginnings);
}

} // namespace runtime_agent::connection_model
