#include "dragoman/data/archive.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>

#include <chrono>
#include <random>

#include "dragoman/data/archive_manifest.h"
#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/data/pickle_reader.h"
#include "dragoman/data/zip_reader.h"
#include "tests/support/catch.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

using Catch::Matchers::Contains;
using dragoman::Archive;
using dragoman_test::TemporaryFolder;
using std::string_literals::operator""s;

namespace {

Archive small_archive() {
  Archive archive;
  archive.tensors["encoder.layers.0.norm.weight"] = at::arange(6, at::kFloat).reshape({2, 3});
  archive.tensors["encoder.layers.0.norm.bias"] = at::arange(3, at::kFloat).div(7);
  archive.tensors["encoder.layers.10.norm.bias"] = at::ones({1, 1});
  archive.tensors["step"] = at::scalar_tensor(123456789012345, at::kLong);
  archive.files["config.json"] = "{\"model\": {}}";
  archive.files["source.spm"] = std::string("\0\1\xff binary", 10);
  return archive;
}

bool same(const Archive& left, const Archive& right) {
  if (left.files != right.files || left.tensors.size() != right.tensors.size()) return false;
  for (const auto& [name, tensor] : left.tensors) {
    const auto other = right.tensors.find(name);
    if (other == right.tensors.end() || other->second.scalar_type() != tensor.scalar_type() ||
        other->second.sizes() != tensor.sizes() || !other->second.equal(tensor)) {
      return false;
    }
  }
  return true;
}

std::string archive_bytes(const TemporaryFolder& folder) {
  dragoman::save_archive(small_archive(), folder.path("small.pt"));
  return folder.read("small.pt");
}

}  // namespace

TEST_CASE("tensors and files come back as they were saved", "[archive]") {
  const TemporaryFolder folder;
  auto archive = small_archive();
  for (const auto type : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16, at::kLong, at::kInt,
                          at::kShort, at::kChar, at::kByte, at::kBool}) {
    archive.tensors[std::string("types.") + c10::toString(type)] =
        at::arange(8).remainder(2).to(type);
  }
  archive.tensors["shapes.scalar"] = at::scalar_tensor(2.5);
  archive.tensors["shapes.empty"] = at::empty({0, 3});
  archive.tensors["shapes.wide"] = at::rand({3, 4, 5, 6});
  archive.files["empty"] = "";
  dragoman::save_archive(archive, folder.path("a.pt"));
  CHECK(same(dragoman::load_archive(folder.path("a.pt")), archive));
  CHECK(folder.files() == 1);
}

TEST_CASE("an archive without tensors or files is possible", "[archive]") {
  const TemporaryFolder folder;
  dragoman::save_archive({}, folder.path("a.pt"));
  CHECK(same(dragoman::load_archive(folder.path("a.pt")), {}));
}

TEST_CASE("the same content gives the same bytes", "[archive]") {
  const TemporaryFolder folder;
  dragoman::save_archive(small_archive(), folder.path("a.pt"));
  dragoman::save_archive(small_archive(), folder.path("b.pt"));
  CHECK(folder.read("a.pt") == folder.read("b.pt"));
}

TEST_CASE("views, transposed and shared tensors are saved by their values", "[archive]") {
  const TemporaryFolder folder;
  const auto base = at::rand({100, 50});
  Archive archive;
  archive.tensors["all"] = base;
  archive.tensors["again"] = base;
  archive.tensors["rows"] = base.slice(0, 10, 12);
  archive.tensors["columns"] = base.slice(1, 3, 5);
  archive.tensors["transposed"] = base.t();
  archive.tensors["expanded"] = at::ones({1, 3}).expand({4, 3});
  archive.tensors["trained"] = at::rand({3}).requires_grad_();
  dragoman::save_archive(archive, folder.path("a.pt"));
  CHECK(same(dragoman::load_archive(folder.path("a.pt")), archive));
  // A part of a storage does not drag the whole of it along.
  dragoman::save_archive({{{"rows", base.slice(0, 10, 12)}}, {}}, folder.path("b.pt"));
  CHECK(folder.read("b.pt").size() < 3000);
}

TEST_CASE("names that are words of Python are possible", "[archive]") {
  const TemporaryFolder folder;
  Archive archive;
  for (const auto* name : {"0", "class", "in.lambda", "training.step", "forward", "a.training",
                           "None", "x.1.y", "self"}) {
    archive.tensors[name] = at::rand({2});
  }
  dragoman::save_archive(archive, folder.path("a.pt"));
  CHECK(same(dragoman::load_archive(folder.path("a.pt")), archive));
}

TEST_CASE("impossible names are refused before anything is written", "[archive]") {
  const TemporaryFolder folder;
  for (const auto* name : {"", ".", "a.", ".a", "a..b", "a b", "a\"b"}) {
    CHECK_THROWS_AS(dragoman::save_archive({{{name, at::ones({1})}}, {}}, folder.path("a.pt")),
                    c10::Error);
  }
  const Archive clash{{{"a", at::ones({1})}, {"a.b", at::ones({1})}}, {}};
  CHECK_THROWS_AS(dragoman::save_archive(clash, folder.path("a.pt")), c10::Error);
  CHECK(folder.files() == 0);
}

TEST_CASE("methods are compiled when they are saved, and only named when they are outlined",
          "[archive]") {
  const TemporaryFolder folder;
  auto archive = small_archive();
  archive.methods["encoder.layers.0"] =
      "def scaled(self, x: Tensor) -> Tensor:\n    return x * self.norm.weight\n";
  archive.methods[""] =
      "def forward(self, x: Tensor, times: int=2) -> List[Tensor]:\n"
      "    return [getattr(self.encoder.layers, \"0\").scaled(x)] * times\n"
      "def _hidden(self) -> int:\n    return 1\n";
  dragoman::save_archive(archive, folder.path("a.pt"));
  CHECK(same(dragoman::load_archive(folder.path("a.pt")), archive));
  const auto outline = dragoman::outline_archive(folder.path("a.pt"));
  CHECK(outline.methods ==
        std::vector<std::string>{"forward(x: Tensor, times: int=2) -> List[Tensor]"});
  CHECK(outline.files == archive.files);
  archive.methods[""] = "def forward(self) -> Tensor:\n    return self.missing\n";
  CHECK_THROWS(dragoman::save_archive(archive, folder.path("b.pt")));
  CHECK(folder.files() == 1);
}

TEST_CASE("files that are no archives are refused with the reason", "[archive]") {
  const TemporaryFolder folder;
  std::mt19937 random(1);
  std::string noise(5000, '\0');
  for (auto& byte : noise)
    byte = static_cast<char>(random());
  const auto load = [&](const std::string& name) {
    return dragoman::load_archive(folder.path(name));
  };
  folder.write("empty.pt", "");
  folder.write("text.pt", "This is no model.\n");
  folder.write("noise.pt", noise);
  folder.write("pickle.pt", "\x80\2}q\0X\1\0\0\0aK\1s."s);
  folder.write("zip.pt", "PK\5\6"s + std::string(18, '\0'));
  CHECK_THROWS_AS(load("none.pt"), dragoman::ModelError);
  CHECK_THROWS_WITH(load("none.pt"), Contains("none.pt: no such file"));
  CHECK_THROWS_WITH(load(""), Contains("is a folder"));
  CHECK_THROWS_WITH(load("empty.pt"), Contains("is empty"));
  CHECK_THROWS_WITH(load("text.pt"), Contains("is no model file"));
  CHECK_THROWS_WITH(load("noise.pt"), Contains("is no model file"));
  CHECK_THROWS_WITH(load("pickle.pt"), Contains("is no model file"));
  CHECK_THROWS_WITH(load("zip.pt"), Contains("no TorchScript archive"));
  CHECK_THROWS_AS(dragoman::load_archive("/dev/zero"), dragoman::ModelError);
}

TEST_CASE("an archive cut at any byte is refused", "[archive]") {
  const TemporaryFolder folder;
  const auto bytes = archive_bytes(folder);
  for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 500) {
    folder.write("cut.pt", bytes.substr(0, size));
    INFO("cut at " << size);
    CHECK_THROWS_AS(dragoman::load_archive(folder.path("cut.pt")), dragoman::ModelError);
  }
  folder.write("cut.pt", bytes.substr(0, bytes.size() / 2));
  CHECK_THROWS_WITH(dragoman::load_archive(folder.path("cut.pt")), Contains("is truncated"));
}

TEST_CASE("an archive with flipped bits loads unchanged or is refused", "[archive]") {
  const TemporaryFolder folder;
  const auto bytes = archive_bytes(folder);
  const auto expected = small_archive();
  std::mt19937 random(7);
  int refused = 0;
  for (int trial = 0; trial < 1500; ++trial) {
    auto damaged = bytes;
    const auto flips = 1 + trial % 3;
    for (int flip = 0; flip < flips; ++flip) {
      auto& byte = damaged[random() % damaged.size()];
      byte = static_cast<char>(byte ^ (1 << random() % 8));
    }
    folder.write("damaged.pt", damaged);
    try {
      const auto loaded = dragoman::load_archive(folder.path("damaged.pt"));
      INFO("trial " << trial);
      CHECK(same(loaded, expected));
    } catch (const dragoman::ModelError&) {
      ++refused;
    }
  }
  CHECK(refused > 300);
}

TEST_CASE("every flipped bit of a tensor or file is found", "[archive]") {
  const TemporaryFolder folder;
  const auto bytes = archive_bytes(folder);
  const dragoman::ZipReader zip(folder.path("small.pt"));
  for (const auto& [name, record] : zip.records()) {
    const bool is_content = name.find("/data/") != std::string::npos ||
                            name.find("/extra/") != std::string::npos ||
                            name.ends_with("/data.pkl");
    if (!is_content || record.size == 0) continue;
    auto damaged = bytes;
    damaged[record.start + record.size / 2] =
        static_cast<char>(damaged[record.start + record.size / 2] ^ 4);
    folder.write("damaged.pt", damaged);
    INFO(name);
    CHECK_THROWS_WITH(dragoman::load_archive(folder.path("damaged.pt")), Contains("has checksum"));
  }
}

TEST_CASE("a manifest finds what is missing, added or of another shape", "[archive]") {
  auto archive = small_archive();
  archive.files[dragoman::kManifestName] = dragoman::make_manifest(archive);
  CHECK_NOTHROW(dragoman::check_manifest(archive, "a.pt"));
  auto other = archive;
  other.tensors.erase("step");
  CHECK_THROWS_WITH(dragoman::check_manifest(other, "a.pt"), Contains("step is missing"));
  other = archive;
  other.tensors["new"] = at::ones({1});
  CHECK_THROWS_WITH(dragoman::check_manifest(other, "a.pt"), Contains("new does not belong there"));
  other = archive;
  other.tensors["step"] = at::ones({2});
  CHECK_THROWS_WITH(dragoman::check_manifest(other, "a.pt"),
                    Contains("step is {\"type\":\"Float\",\"shape\":[2]}"));
  other = archive;
  other.files["config.json"] = "{}";
  CHECK_THROWS_WITH(dragoman::check_manifest(other, "a.pt"), Contains("config.json is"));
}

TEST_CASE("a failing disk leaves the old archive and no temporary file", "[archive]") {
  const TemporaryFolder folder;
  dragoman::save_archive(small_archive(), folder.path("a.pt"));
  auto larger = small_archive();
  larger.tensors["large"] = at::rand({1 << 20});
  {
    const dragoman_test::FileSizeLimit limit(1 << 20);
    CHECK_THROWS_AS(dragoman::save_archive(larger, folder.path("a.pt")), dragoman::SystemError);
  }
  CHECK(same(dragoman::load_archive(folder.path("a.pt")), small_archive()));
  CHECK(folder.files() == 1);
}

TEST_CASE("a pickle with any changed byte is read or refused, never run", "[archive]") {
  const TemporaryFolder folder;
  archive_bytes(folder);
  const dragoman::ZipReader zip(folder.path("small.pt"));
  const auto& record = zip.records().at("archive/data.pkl");
  const auto pickle = zip.read("archive/data.pkl", record);
  REQUIRE(dragoman::read_tensor_pickle(pickle, "a").size() == 4);
  std::mt19937 random(3);
  int refused = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    auto damaged = pickle;
    for (int change = 0; change <= trial % 4; ++change)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    try {
      (void)dragoman::read_tensor_pickle(damaged, "a");
    } catch (const dragoman::ModelError&) {
      ++refused;
    }
  }
  CHECK(refused > 5000);
}

TEST_CASE("pickles that would run code, or eat memory or stack, are refused", "[archive]") {
  const auto read = [](const std::string& pickle) {
    return dragoman::read_tensor_pickle(pickle, "m.pt");
  };
  CHECK_THROWS_WITH(read("cos\nsystem\nX\2\0\0\0ls\x85R."s),
                    Contains("m.pt: ") && Contains("calls os system, which is not allowed"));
  CHECK_THROWS_WITH(read("cos\nPopen\n)\x81."s), Contains("no TorchScript module"));
  CHECK_THROWS_WITH(read("\x80\4\x8c\2os\x8c\6system\x93\x8c\2ls\x85R."s),
                    Contains("calls os system, which is not allowed"));
  CHECK_THROWS_WITH(read("ccollections\nOrderedDict\n)Rcos\nsystem\n)Rb."s),
                    Contains("calls os system, which is not allowed"));
  CHECK(read("ccollections\nOrderedDict\n)R}X\1\0\0\0aK\1sb."s).empty());
  CHECK_THROWS_WITH(read("(S'ls'\nios\nsystem\n."s),
                    Contains("instruction 0x53, which is not allowed"));
  CHECK_THROWS_WITH(read(")"s + std::string(100000, '\x85') + "."), Contains("nested too deeply"));
  CHECK_THROWS_WITH(read("]q\0h\0a."s), Contains("changes a value"));
  CHECK_THROWS_WITH(read("X\xff\xff\xff\xffls."s), Contains("ends too early"));
  CHECK_THROWS_WITH(read("}"s), Contains("ends too early"));
  CHECK_THROWS_WITH(read("K\1."s), Contains("holds no module"));
  // Each tuple holds the one before it ten times: 10^9 leaves in a few hundred bytes.
  auto bomb = "}X\1\0\0\0a(K\1q\0"s;
  for (char level = 0; level < 9; ++level) {
    bomb += "(";
    for (int copy = 0; copy < 10; ++copy)
      bomb += "h"s + level;
    bomb += "tq"s + static_cast<char>(level + 1);
  }
  CHECK_THROWS_WITH(read(bomb + "ts."), Contains("too often"));
}

TEST_CASE("saving and loading 50 MB takes well under a second", "[archive][.slow]") {
  const TemporaryFolder folder;
  Archive archive;
  for (int layer = 0; layer < 100; ++layer) {
    archive.tensors["encoder.layers." + std::to_string(layer) + ".weight"] = at::rand({128, 1024});
    archive.tensors["encoder.layers." + std::to_string(layer) + ".bias"] = at::rand({1024});
  }
  for (int round = 0; round < 3; ++round) {
    const auto start = std::chrono::steady_clock::now();
    dragoman::save_archive(archive, folder.path("a.pt"));
    const auto saved = std::chrono::steady_clock::now();
    const auto loaded = dragoman::load_archive(folder.path("a.pt"));
    const auto done = std::chrono::steady_clock::now();
    const std::chrono::duration<double> save_seconds = saved - start;
    const std::chrono::duration<double> load_seconds = done - saved;
    WARN("save " << save_seconds.count() << " s, load " << load_seconds.count() << " s");
    CHECK(save_seconds.count() < 1.0);
    CHECK(load_seconds.count() < 0.5);
    CHECK(same(loaded, archive));
  }
}

TEST_CASE("Python opens our archives and we open Python's", "[archive][.slow]") {
  if (dragoman_test::python().empty()) {
    WARN("skipped: no Python with PyTorch; set DRAGOMAN_PYTHON");
    return;
  }
  const TemporaryFolder folder;
  auto archive = small_archive();
  archive.tensors["half"] = at::arange(5).to(at::kHalf).div(4);
  dragoman::save_archive(archive, folder.path("ours.pt"));
  const auto script = std::string(DRAGOMAN_SOURCE_DIR) + "/tests/data/archive_reference.py";
  REQUIRE(dragoman_test::run_python(script, folder.path()) == 0);
  const auto theirs = dragoman::load_archive(folder.path("theirs.pt"));
  CHECK(theirs.files.at("note.txt") == "hello");
  CHECK(theirs.tensors.at("linear.weight").sizes() == at::IntArrayRef{2, 3});
  CHECK(theirs.tensors.at("linear.weight").equal(at::arange(6, at::kFloat).reshape({2, 3})));
  CHECK(theirs.tensors.at("tied").equal(theirs.tensors.at("linear.weight")));
  CHECK(theirs.tensors.at("counts").equal(at::arange(4, at::kLong)));
  CHECK(theirs.tensors.at("transposed").equal(at::arange(6, at::kFloat).reshape({2, 3}).t()));
  CHECK(theirs.tensors.at("list.1").equal(at::ones({2})));
  CHECK(theirs.tensors.at("table.a").equal(at::zeros({2})));
  CHECK(dragoman::load_archive(folder.path("state.pt"))
            .tensors.at("linear.bias")
            .equal(at::ones({2})));
  CHECK_THROWS_AS(dragoman::load_archive(folder.path("pickled.pt")), dragoman::ModelError);
  CHECK_THROWS_WITH(dragoman::load_archive(folder.path("code.pt")), Contains("not allowed"));
  CHECK_THROWS_WITH(dragoman::load_archive(folder.path("overlap.pt")),
                    Contains("does not fit into its record"));
}
