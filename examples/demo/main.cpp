// dragoman-demo-data FOLDER [SEED]: writes the built-in English-German data set.
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "examples/demo/data_set.h"

namespace {

bool write(const std::filesystem::path& folder, const std::string& name,
           const std::vector<demo::Phrase>& set) {
  std::ofstream english(folder / (name + ".en"), std::ios::binary);
  std::ofstream german(folder / (name + ".de"), std::ios::binary);
  for (const auto& pair : set) {
    english << pair.english << '\n';
    german << pair.german << '\n';
  }
  english.close();
  german.close();
  if (!english || !german) {
    std::fprintf(stderr,
                 "dragoman-demo-data: %s: cannot write %s.en and %s.de. Is the disk full?\n",
                 folder.c_str(), name.c_str(), name.c_str());
    return false;
  }
  std::printf("%s/%s.en, .de: %zu pairs\n", folder.c_str(), name.c_str(), set.size());
  return true;
}

/// The sentences, and NAME.words: for each sentence "kind TAB word TAB kind TAB word ...".
bool write(const std::filesystem::path& folder, const std::string& name,
           const std::vector<demo::CopyCase>& cases) {
  std::vector<demo::Phrase> set;
  const std::filesystem::path path = folder / (name + ".words");
  std::ofstream words(path, std::ios::binary);
  for (const demo::CopyCase& copy_case : cases) {
    set.push_back(copy_case.pair);
    std::string line;
    for (const demo::SpecialWord& word : copy_case.words)
      line.append(line.empty() ? "" : "\t").append(demo::name(word.kind)).append("\t" + word.text);
    words << line << '\n';
  }
  words.close();
  if (!words) {
    std::fprintf(stderr, "dragoman-demo-data: %s: cannot write. Is the disk full?\n", path.c_str());
    return false;
  }
  return write(folder, name, set);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  const std::string_view seed_text = argc == 3 ? argv[2] : "1";
  const auto parsed = std::from_chars(seed_text.data(), seed_text.data() + seed_text.size(), seed);
  if (argc < 2 || argc > 3 || parsed.ec != std::errc() ||
      parsed.ptr != seed_text.data() + seed_text.size()) {
    std::fputs("Usage: dragoman-demo-data FOLDER [SEED]\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    std::fprintf(stderr, "dragoman-demo-data: %s: cannot make this folder: %s.\n", folder.c_str(),
                 error.message().c_str());
    return 5;
  }
  const demo::DataSet data = demo::make_data_set(seed, {});
  const bool written = write(folder, "train", data.train) && write(folder, "dev", data.dev) &&
                       write(folder, "test", data.test) &&
                       write(folder, "test_unseen", data.test_unseen) &&
                       write(folder, "test_copies", data.test_copies);
  return written ? 0 : 5;
}
