// Damaged folders and checkpoints of foreign models: each is refused as one, or becomes a model
// that translates.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "dragoman/data/archive.h"
#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/inference/models/import/import_foreign.h"
#include "dragoman/inference/translator.h"
#include "tests/fuzz/damage.h"
#include "tests/fuzz/peak_memory.h"
#include "tests/support/catch.h"
#include "tests/support/foreign_models.h"
#include "tests/support/temporary_folder.h"

namespace {

namespace fs = std::filesystem;
using dragoman_test::damage_bytes;
using dragoman_test::damage_json;
using dragoman_test::damage_tokenizer;
using dragoman_test::draw;
using dragoman_test::PeakMemory;
using dragoman_test::Random;
using dragoman_test::TemporaryFolder;

/// Tiny models that transformers has written; null: there is no transformers.
const TemporaryFolder* foreign_models() {
  static const TemporaryFolder folder;
  static const bool is_made = dragoman_test::make_foreign_models(
      folder, "marian marian_npz t5:bin t5:json nllb:json fairseq_words");
  return is_made ? &folder : nullptr;
}

/// The header of JSON, with its length before it; or anything.
std::string damage_safetensors(const std::string& content, Random& random) {
  std::uint64_t length = 0;
  if (draw(random, 3) == 0 || content.size() < sizeof length) return damage_bytes(content, random);
  std::memcpy(&length, content.data(), sizeof length);
  const std::string header = damage_json(content.substr(sizeof length, length), random);
  const std::string numbers = content.substr(sizeof length + length);
  length = header.size();
  std::string size(sizeof length, '\0');
  std::memcpy(size.data(), &length, sizeof length);
  return size + header + numbers;
}

std::string damage_checkpoint(const std::string& path, const std::string& content, Random& random) {
  if (draw(random, 4) == 0) return damage_bytes(content, random);
  auto members = dragoman_test::read_members(path);
  const std::size_t kind = draw(random, 3);
  if (kind == 0) return dragoman_test::zip_of(members, &random);
  const auto pickle = std::ranges::find_if(
      members, [](const auto& each) { return each.name.ends_with("/data.pkl"); });
  auto& member =
      kind == 1 && pickle != members.end() ? *pickle : members[draw(random, members.size())];
  member.content = damage_bytes(member.content, random);
  return dragoman_test::zip_of(members);
}

std::string damaged(const fs::path& path, Random& random) {
  const std::string content = dragoman::read_file(path.string());
  const std::string kind = path.extension();
  if (kind == ".json") return damage_json(content, random);
  if (kind == ".safetensors") return damage_safetensors(content, random);
  if (kind == ".bin" || kind == ".pt" || kind == ".npz")
    return damage_checkpoint(path.string(), content, random);
  if (kind == ".yml" || kind == ".txt") return damage_bytes(content, random);
  return damage_tokenizer(content, random);
}

std::string import_outcome(const std::string& model, const std::string& output) {
  try {
    dragoman::save_archive(dragoman::to_archive(dragoman::import_foreign(model, {})), output);
    const dragoman::Translator translator(output, {.threads = 1});
    dragoman::DecodingOptions options = translator.defaults();
    options.beam_size = std::min<std::int64_t>(options.beam_size, 4);
    options.max_length = std::min<std::int64_t>(options.max_length, 12);
    static_cast<void>(translator.translate("two dogs play", options));
    return "imported";
  } catch (const dragoman::ModelError&) {
    return "refused";
  } catch (const dragoman::UsageError&) {
    return "refused";
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// `made`: a folder; `subject`: what is imported, the whole folder when it is empty.
void check_damage(const fs::path& made, const std::string& subject, std::uint64_t count) {
  std::vector<fs::path> files;
  for (const char* name :
       {"config.json", "generation_config.json", "vocab.json", "source.spm", "spiece.model",
        "tokenizer.json", "model.safetensors", "pytorch_model.bin", "model.npz",
        "opus.spm32k-spm32k.vocab.yml", "decoder.yml", "copies.pt", "checkpoint_best.pt",
        "dict.en.txt", "dict.de.txt"})
    if (fs::exists(made / name)) files.push_back(made / name);
  REQUIRE((files.size() >= 3 || !subject.empty()));
  const TemporaryFolder work;
  fs::copy(made, work.path("model"));
  const std::string model = work.path("model") + (subject.empty() ? "" : "/" + subject);
  REQUIRE(import_outcome(model, work.path("m.pt")) == "imported");
  std::map<std::string, std::uint64_t> outcomes;
  constexpr unsigned kMostSeconds = 60;
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    Random random(seed);
    const fs::path& file = files[draw(random, files.size())];
    const std::string content = damaged(file, random);
    work.write("model/" + file.filename().string(), content);
    CAPTURE(made.string(), seed, file.filename().string());
    const PeakMemory memory;
    alarm(kMostSeconds);
    const std::string what = import_outcome(model, work.path("m.pt"));
    alarm(0);
    ++outcomes[what];
    CHECK((what == "imported" || what == "refused"));
    CHECK(memory.bytes() < 32 * static_cast<std::int64_t>(content.size()) + (256 << 20));
    fs::copy_file(file, work.path("model/" + file.filename().string()),
                  fs::copy_options::overwrite_existing);
  }
  if (count >= 1000)
    WARN(made.filename().string() << ": " << count << " models, " << outcomes["imported"]
                                  << " imported, " << outcomes["refused"] << " refused");
  CHECK(outcomes["refused"] > count / 4);
}

void check_folders(const std::string& family, std::uint64_t count,
                   const std::string& subject = "") {
  const TemporaryFolder* made = foreign_models();
  if (made == nullptr) {
    WARN("skipped: there is no Python with transformers");
    return;
  }
  check_damage(made->path(family), subject, count);
}

}  // namespace

TEST_CASE("a damaged folder of a foreign model is refused or imported", "[fuzz]") {
  check_folders("marian", 40);
  check_folders("t5", 20);
  check_folders("t5_json", 20);
  check_folders("nllb_json", 20);
  check_folders("marian_npz", 40);
}

TEST_CASE("a damaged checkpoint of OpenNMT-py is refused or imported", "[fuzz]") {
  check_damage(DRAGOMAN_SOURCE_DIR "/tests/inference/opennmt", "copies.pt", 40);
}

TEST_CASE("a damaged checkpoint of fairseq is refused or imported", "[fuzz]") {
  check_folders("fairseq_words", 40, "checkpoint_best.pt");
}

TEST_CASE("thousands of damaged folders of foreign models are refused or imported",
          "[fuzz][.slow]") {
  check_folders("marian", 2000);
  check_folders("t5", 2000);
  check_folders("t5_json", 1500);
  check_folders("nllb_json", 1500);
  check_folders("marian_npz", 1500);
  check_folders("fairseq_words", 1500, "checkpoint_best.pt");
  check_damage(DRAGOMAN_SOURCE_DIR "/tests/inference/opennmt", "copies.pt", 1500);
}
