#include "examples/demo/data_set.h"

#include <algorithm>
#include <span>
#include <string_view>
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
    {18, unusual},
};
constexpr WordKind kCopiedKinds[] = {WordKind::name, WordKind::number, WordKind::emoji,
                                     WordKind::script};

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

bool has(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

/// The words of the English sentence with three digits or more, without the punctuation after them.
std::vector<std::string> long_numbers(std::string_view sentence) {
  std::vector<std::string> numbers;
  while (!sentence.empty()) {
    const std::size_t space = sentence.find(' ');
    std::string word(sentence.substr(0, space));
    sentence = space == std::string_view::npos ? "" : sentence.substr(space + 1);
    while (!word.empty() && has(".,?!", std::string_view(&word.back(), 1)))
      word.pop_back();
    const auto digits =
        std::ranges::count_if(word, [](char letter) { return letter >= '0' && letter <= '9'; });
    if (digits >= 3) numbers.push_back(word);
  }
  return numbers;
}

/// What the chooser drew, and numbers, if they stand in both sentences and not in training.
std::vector<SpecialWord> copied_words(const Chooser& chooser, const Phrase& pair,
                                      std::string_view training) {
  std::vector<SpecialWord> drawn(chooser.specials().begin(), chooser.specials().end());
  for (std::string& number : long_numbers(pair.english))
    drawn.push_back({WordKind::number, std::move(number)});
  std::vector<SpecialWord> words;
  for (SpecialWord& word : drawn) {
    const bool is_known =
        std::ranges::any_of(words, [&](const auto& other) { return other.text == word.text; });
    if (!is_known && has(pair.english, word.text) && has(pair.german, word.text) &&
        !has(training, word.text))
      words.push_back(std::move(word));
  }
  return words;
}

/// As many cases of each kind, in turn.
std::vector<CopyCase> make_copies(std::uint64_t seed, std::size_t size,
                                  const std::vector<Phrase>& training,
                                  std::unordered_set<std::string>& known) {
  std::string training_text;
  for (const Phrase& pair : training)
    training_text += pair.english + '\n' + pair.german + '\n';
  std::vector<CopyCase> cases;
  for (std::uint64_t index = 0; cases.size() < size; ++index) {
    const std::uint64_t count = cases.size();
    const WordKind kind = kCopiedKinds[count % std::size(kCopiedKinds)];
    const bool is_plain = kind == WordKind::name || kind == WordKind::number;
    Chooser chooser(dragoman::Random{seed, index}, Part::unseen);
    Phrase pair = is_plain && index % 2 == 0 ? any_sentence(chooser) : unusual(chooser);
    std::vector<SpecialWord> words = copied_words(chooser, pair, training_text);
    if (std::ranges::none_of(words, [&](const auto& word) { return word.kind == kind; })) continue;
    if (known.insert(pair.english).second) cases.push_back({std::move(pair), std::move(words)});
  }
  return cases;
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
  DataSet data;
  data.train = take(sizes.dev + sizes.test, sizes.train);
  data.dev = take(0, sizes.dev);
  data.test = take(sizes.dev, sizes.test);
  data.test_unseen = make_set(seed + 1, Part::unseen, sizes.test_unseen, known);
  data.test_copies = make_copies(seed + 2, sizes.test_copies, data.train, known);
  return data;
}

}  // namespace demo
