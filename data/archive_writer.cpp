#include <ATen/ops/from_blob.h>
#include <caffe2/serialize/inline_container.h>
#include <fmt/core.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/export.h>

#include <exception>
#include <memory>
#include <string_view>

#include "dragoman/data/archive.h"
#include "dragoman/data/archive_manifest.h"
#include "dragoman/data/file.h"

namespace dragoman {

namespace {

/// Part of a dotted name, as an attribute of a TorchScript module may be called.
bool is_attribute_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  return !name.empty() && name.find_first_not_of(kAllowed) == std::string_view::npos;
}

/// On the CPU, contiguous, and alone in its storage, since whole storages are written. Copies only
/// what is not contiguous or elsewhere; a part of a larger storage is looked at in place.
at::Tensor as_record(const std::string& name, const at::Tensor& tensor) {
  TORCH_CHECK(tensor.defined() && tensor.layout() == at::kStrided, name,
              ": only dense tensors can be saved");
  const auto dense = tensor.detach().to(at::kCPU).contiguous();
  if (dense.storage().nbytes() == dense.nbytes()) return dense;
  if (dense.numel() == 0) return dense.clone();
  // The deleter keeps the larger storage alive.
  return at::from_blob(
      dense.data_ptr(), dense.sizes(), [dense](void*) {}, dense.options());
}

/// A tree of TorchScript modules, grown along dotted names.
class ModuleTree {
 public:
  ModuleTree() : root_(c10::QualifiedName("__torch__.dragoman.Model"), unit_) {}

  void add(const std::string& name, const at::Tensor& tensor) {
    const auto dot = name.rfind('.');
    auto parent = dot == std::string::npos ? root_ : module(name.substr(0, dot));
    const auto attribute = name.substr(dot == std::string::npos ? 0 : dot + 1);
    TORCH_CHECK(is_attribute_name(attribute) && !parent.hasattr(attribute), "the name ", name,
                " of a tensor is not possible in an archive");
    const bool is_buffer = !tensor.is_floating_point();
    parent.register_parameter(attribute, tensor, is_buffer);
  }

  /// Python's modules have this flag.
  void finish() {
    const auto set_flag = [](torch::jit::Module& module) {
      if (!module.hasattr("training"))
        module.register_attribute("training", c10::BoolType::get(), false);
    };
    set_flag(root_);
    for (auto& [path, module] : modules_)
      set_flag(module);
  }

  [[nodiscard]] const torch::jit::Module& root() const { return root_; }

 private:
  torch::jit::Module module(const std::string& path) {
    const auto found = modules_.find(path);
    if (found != modules_.end()) return found->second;
    const auto dot = path.rfind('.');
    auto parent = dot == std::string::npos ? root_ : module(path.substr(0, dot));
    const auto attribute = path.substr(dot == std::string::npos ? 0 : dot + 1);
    TORCH_CHECK(is_attribute_name(attribute) && !parent.hasattr(attribute), "the name ", path,
                " of a group of tensors is not possible in an archive");
    // One class per module, since classes list their attributes.
    const auto type = fmt::format("__torch__.dragoman.Part{}", modules_.size());
    torch::jit::Module child(c10::QualifiedName(type), unit_);
    parent.register_module(attribute, child);
    return modules_.emplace(path, child).first->second;
  }

  std::shared_ptr<torch::jit::CompilationUnit> unit_ =
      std::make_shared<torch::jit::CompilationUnit>();
  torch::jit::Module root_;
  std::map<std::string, torch::jit::Module> modules_;
};

}  // namespace

void save_archive(const Archive& archive, const std::string& path) {
  ModuleTree tree;
  for (const auto& [name, tensor] : archive.tensors)
    tree.add(name, as_record(name, tensor));
  tree.finish();
  torch::jit::ExtraFilesMap files(archive.files.begin(), archive.files.end());
  files[kManifestName] = make_manifest(archive);

  AtomicFile file(path);
  // LibTorch's zip writer is C code underneath: an exception must not pass through it, so the first
  // one waits until the writer is done.
  std::exception_ptr problem;
  const auto write = [&](const void* bytes, std::size_t size) {
    try {
      if (!problem) file.write(bytes, size);
    } catch (...) {
      problem = std::current_exception();
    }
    return size;
  };
  {
    caffe2::serialize::PyTorchStreamWriter writer(write);
    torch::jit::ScriptModuleSerializer serializer(writer);
    serializer.serialize(tree.root(), files, /*bytecode_format=*/false,
                         /*save_mobile_debug_info=*/false);
  }
  if (problem) std::rethrow_exception(problem);
  file.commit();
}

}  // namespace dragoman
