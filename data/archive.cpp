#include "dragoman/data/archive.h"

#include <ATen/ops/empty.h>
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "dragoman/data/archive_manifest.h"
#include "dragoman/data/pickle_reader.h"
#include "dragoman/data/script_signatures.h"
#include "dragoman/data/torch_checkpoint.h"
#include "dragoman/data/zip_reader.h"

namespace dragoman {

namespace {

constexpr std::uint64_t kMaxPickleSize = 256 << 20;
constexpr std::uint64_t kMaxFileSize = std::uint64_t{1} << 31;
constexpr std::size_t kMaxDimensions = 64;

/// How often the tensors of a file may share its bytes on average. Tied weights of a foreign file
/// may be one storage under three names; thousands of names would be as many copies later on.
constexpr double kMaxSharing = 8.0;

/// One past the last element that a view touches, and the number of its elements; nothing when a
/// size or stride is negative or the numbers leave 64 bits.
struct Extent {
  std::int64_t end = 0;
  std::int64_t elements = 1;
};
std::optional<Extent> extent_of(const StoredTensor& tensor) {
  if (tensor.offset < 0 || tensor.sizes.size() != tensor.strides.size() ||
      tensor.sizes.size() > kMaxDimensions) {
    return {};
  }
  Extent extent{tensor.offset, 1};
  bool is_empty = false;
  for (std::size_t axis = 0; axis < tensor.sizes.size(); ++axis) {
    const auto size = tensor.sizes[axis];
    if (size < 0 || tensor.strides[axis] < 0) return {};
    is_empty = is_empty || size == 0;
    std::int64_t reach = 0;
    if (size > 0 && (__builtin_mul_overflow(extent.elements, size, &extent.elements) ||
                     __builtin_mul_overflow(size - 1, tensor.strides[axis], &reach) ||
                     __builtin_add_overflow(extent.end, reach, &extent.end))) {
      return {};
    }
  }
  if (is_empty) return Extent{tensor.offset, 0};
  if (__builtin_add_overflow(extent.end, std::int64_t{1}, &extent.end)) return {};
  return extent;
}

class ArchiveReader {
 public:
  explicit ArchiveReader(const std::string& path) : path_(path), zip_(path) {
    for (const auto& [name, record] : zip_.records()) {
      const auto slash = name.find('/');
      if (slash != std::string::npos && name.substr(slash) == "/data.pkl")
        prefix_ = name.substr(0, slash + 1);
    }
    if (prefix_.empty()) {
      zip_.fail(
          "is a zip file but no TorchScript archive (it has no data.pkl). Give a .pt file that "
          "Dragoman or torch.jit.save wrote");
    }
  }

  Archive read() {
    check_byte_order();
    Archive archive;
    archive.files = files();
    for (const auto& [name, stored] : read_tensor_pickle(text("data.pkl", kMaxPickleSize), path_)) {
      archive.tensors[name] = tensor(name, stored);
    }
    return archive;
  }

  TorchCheckpoint checkpoint(const std::string& without) {
    check_byte_order();
    const PickledData pickled = read_pickle(text("data.pkl", kMaxPickleSize), path_);
    TorchCheckpoint result{.tensors = {}, .data = pickled.data};
    for (const auto& [name, stored] : pickled.tensors)
      if (!name.starts_with(without + ".")) result.tensors[name] = tensor(name, stored);
    return result;
  }

  ArchiveOutline outline() {
    const auto module_class = root_class(text("data.pkl", kMaxPickleSize));
    const auto dot = module_class.rfind('.');
    if (dot == std::string::npos) return {files(), {}};
    auto source = "code/" + module_class.substr(0, dot) + ".py";
    std::replace(source.begin(), source.end() - 3, '.', '/');
    if (find(source) == nullptr) return {files(), {}};
    return {files(), script_signatures(text(source, kMaxPickleSize), module_class.substr(dot + 1))};
  }

 private:
  void check_byte_order() {
    if (find("byteorder") != nullptr && text("byteorder", 16) != "little") {
      zip_.fail("was written on a big-endian machine, which is not supported");
    }
  }

  /// "__torch__.dragoman.Model": what a pickle begins with. Empty when it begins otherwise.
  static std::string root_class(const std::string& pickle) {
    const std::string_view begin =
        "\x80\x02"
        "c";
    if (!pickle.starts_with(begin)) return "";
    const auto line = pickle.find('\n');
    const auto next = line == std::string::npos ? line : pickle.find('\n', line + 1);
    if (next == std::string::npos) return "";
    return pickle.substr(begin.size(), line - begin.size()) + '.' +
           pickle.substr(line + 1, next - line - 1);
  }

  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> files;
    for (const auto& [name, record] : zip_.records()) {
      const auto start = prefix_ + "extra/";
      if (!name.starts_with(start) || name.size() == start.size()) continue;
      files[name.substr(start.size())] = text(name.substr(prefix_.size()), kMaxFileSize);
    }
    return files;
  }

  const ZipReader::Record* find(const std::string& name) const {
    const auto found = zip_.records().find(prefix_ + name);
    return found == zip_.records().end() ? nullptr : &found->second;
  }

  std::string text(const std::string& name, std::uint64_t limit) const {
    const auto* record = find(name);
    if (record == nullptr) zip_.fail(fmt::format("is damaged: record {} is missing", name));
    if (record->size > limit) {
      zip_.fail(fmt::format("has a record {} of {} bytes, at most {} are allowed", name,
                            record->size, limit));
    }
    return zip_.read(prefix_ + name, *record);
  }

  /// The bytes of one record, read once however many tensors share them.
  const at::Tensor& bytes(const std::string& record_name) {
    auto& bytes = storages_[record_name];
    if (bytes.defined()) return bytes;
    const auto name = "data/" + record_name;
    const auto* record = find(name);
    if (record == nullptr) zip_.fail(fmt::format("is damaged: record {} is missing", name));
    if (record->is_deflated)
      zip_.fail(fmt::format("has compressed tensors ({}), which is not supported", name));
    bytes = at::empty({static_cast<std::int64_t>(record->size)}, at::kByte);
    zip_.read(prefix_ + name, *record, bytes.data_ptr());
    return bytes;
  }

  at::Tensor tensor(const std::string& name, const StoredTensor& stored) {
    const auto& storage = bytes(stored.record);
    const auto item = static_cast<std::int64_t>(c10::elementSize(stored.type));
    const auto extent = extent_of(stored);
    const bool fits = extent && stored.storage >= 0 && stored.storage <= storage.numel() / item &&
                      extent->end <= stored.storage && extent->elements <= stored.storage;
    if (!fits) {
      zip_.fail(fmt::format(
          "is damaged: tensor {} with shape [{}] does not fit into its record of {} bytes", name,
          fmt::join(stored.sizes, ", "), storage.numel()));
    }
    viewed_ += static_cast<double>(extent->elements * item);
    if (viewed_ > kMaxSharing * static_cast<double>(zip_.file_size()))
      zip_.fail("has too many tensors that share the same bytes");
    const auto* first = storage.const_data_ptr<std::uint8_t>();
    if (stored.type == at::kBool &&
        std::any_of(first, first + storage.numel(), [](std::uint8_t byte) { return byte > 1; })) {
      zip_.fail(fmt::format("is damaged: tensor {} of bool holds other values", name));
    }
    auto tensor = at::empty({0}, stored.type);
    tensor.set_(storage.storage(), stored.offset, stored.sizes, stored.strides);
    return tensor;
  }

  const std::string& path_;
  ZipReader zip_;
  std::string prefix_;  ///< "NAME/", the folder that every record lies in
  std::map<std::string, at::Tensor> storages_;
  double viewed_ = 0.0;  ///< bytes of all tensors so far
};

}  // namespace

Archive load_archive(const std::string& path) {
  auto archive = ArchiveReader(path).read();
  check_manifest(archive, path);
  archive.files.erase(kManifestName);
  return archive;
}

TorchCheckpoint load_torch_checkpoint(const std::string& path, const std::string& without) {
  return ArchiveReader(path).checkpoint(without);
}

ArchiveOutline outline_archive(const std::string& path) {
  ArchiveOutline outline = ArchiveReader(path).outline();
  outline.files.erase(kManifestName);
  return outline;
}

}  // namespace dragoman
