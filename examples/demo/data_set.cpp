#include "examples/demo/data_set.h"

#include <span>
#include <unordered_set>

#include "examples/demo/sentences.h"

namespace demo {

namespace {

struct SentenceKind {
  int weight;
  Phrase (*make)(Chooser& chooser);
};

constexpr SentenceKind kKinds[] = {
    {30, plain},
    {10, asking},
    {10, with_subordinate},
    {8, reporting},
    {8, coordinated},
    {5, with_purpose},
    {5, relative_subject},
    {5, relative_object},
    {5, polite_command},
    {4, liking},
    {7, describing},
    {6, comparing},
    {5, profession},
    {6, passive},
    {3, lying},
    {3, putting},
    {8, owning},
    {4, reflexive},
    {3, weather},
    {5, birth},
    {6, appointment},
    {5, cost},
    {5, quantity},
    {5, measurement},
    {5, reference},
    {5, address},
    {5, percentage},
    {4, age},
    {5, train},
    {5, history},
};

constexpr int total_weight() {
  int total = 0;
  for (const SentenceKind& kind : kKinds)
    total += kind.weight;
  return total;
}

std::vector<Phrase> make_set(std::uint64_t seed, Part part, std::size_t size,
                             std::unordered_set<std::string>& known) {
  std::vector<Phrase> set;
  for (std::uint64_t index = 0; set.size() < size; ++index) {
    Chooser chooser(dragoman::Random{seed, index}, part);
    Phrase pair = any_sentence(chooser);
    if (part == Part::unseen && !chooser.shows_special(pair.english)) continue;
    if (known.insert(pair.english).second) set.push_back(std::move(pair));
  }
  return set;
}

}  // namespace

Phrase any_sentence(Chooser& chooser) {
  auto draw = chooser.between(1, total_weight());
  for (const SentenceKind& kind : kKinds) {
    draw -= kind.weight;
    if (draw <= 0) return kind.make(chooser);
  }
  return plain(chooser);
}

DataSet make_data_set(std::uint64_t seed, const Sizes& sizes) {
  std::unordered_set<std::string> known;
  std::vector<Phrase> seen =
      make_set(seed, Part::seen, sizes.train + sizes.dev + sizes.test, known);
  const auto take = [&](std::size_t from, std::size_t count) {
    const auto first = seen.begin() + static_cast<std::ptrdiff_t>(from);
    return std::vector<Phrase>(first, first + static_cast<std::ptrdiff_t>(count));
  };
  return {.train = take(sizes.dev + sizes.test, sizes.train),
          .dev = take(0, sizes.dev),
          .test = take(sizes.dev, sizes.test),
          .test_unseen = make_set(seed + 1, Part::unseen, sizes.test_unseen, known)};
}

}  // namespace demo
