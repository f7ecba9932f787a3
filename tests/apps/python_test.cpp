// Model files in Python: the code of docs/python.md, and what dragoman export writes.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "dragoman/data/archive.h"
#include "tests/apps/tiny_task.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"

using Catch::Matchers::Contains;
using dragoman_test::run_program;
using dragoman_test::run_shell;
using dragoman_test::TemporaryFolder;
using dragoman_test::tiny_model;

namespace {

bool has_python() {
  if (!dragoman_test::python().empty()) return true;
  WARN("skipped: no Python with PyTorch; set DRAGOMAN_PYTHON");
  return false;
}

/// The Python code of a page of the documentation.
std::string python_code(const std::string& page) {
  std::ifstream file(DRAGOMAN_SOURCE_DIR "/docs/" + page);
  std::string code;
  bool is_code = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("```"))
      is_code = line == "```python";
    else if (is_code)
      code += line + "\n";
  }
  return code;
}

}  // namespace

TEST_CASE("the code of the page on Python translates as dragoman does, and trains a model further",
          "[program][python]") {
  if (!has_python()) return;
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  folder.write("input.txt", "1 2 3\n4 5 6\n9 0\n");
  folder.write("code.py", python_code("python.md"));
  run_shell(folder, "cp " + tiny_model() + " model.pt");
  const auto python = run_shell(folder, "'" + dragoman_test::python() + "' code.py");
  INFO(python.err);
  REQUIRE(python.status == 0);
  const std::string greedy = " -i input.txt --beam-size 1 --max-length 100 --max-length-ratio 1000";
  const auto before = run_program(folder, "translate --model model.pt" + greedy);
  CHECK(python.out == before.out);
  const auto inspected = run_program(folder, "inspect tuned.pt");
  INFO(inspected.err);
  CHECK_THAT(inspected.out, Contains("decode_step(last: Tensor, state: List[Tensor])"));
  const auto score = [&folder](const std::string& model) {
    const auto result =
        run_program(folder, "score --source train.src --target train.tgt --model " + model);
    CHECK(result.status == 0);
    double sum = 0.0;
    std::istringstream lines(result.out);
    for (std::string line; std::getline(lines, line);)
      sum += std::stod(line);
    return sum;
  };
  CHECK(score("tuned.pt") > 0.7 * score("model.pt"));  // negative: less is lost
  CHECK(run_program(folder, "translate --model tuned.pt" + greedy).status == 0);
}

TEST_CASE("an export with methods runs in Python, and inspect says what there is",
          "[program][export]") {
  const TemporaryFolder folder;
  auto archive = dragoman::load_archive(tiny_model());
  dragoman::save_archive(archive, folder.path("old.pt"));
  CHECK_THAT(run_program(folder, "inspect old.pt").out, Contains("methods     none"));
  const auto result = run_program(folder, "export old.pt --format torchscript -o new.pt");
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(dragoman::outline_archive(folder.path("new.pt")).methods.size() == 3);
  CHECK_THAT(run_program(folder, "inspect new.pt --format json").out,
             Contains("\"encode(ids: Tensor, mask: Optional[Tensor]=None) -> List[Tensor]\""));
  CHECK(folder.read("new.pt") == [] {
    std::ifstream file(tiny_model(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }());
}

TEST_CASE("quantised and averaged models have methods too", "[program][export]") {
  const TemporaryFolder folder;
  const auto small = run_program(folder, "quantize " + tiny_model() + " --force -o small.pt");
  INFO(small.err);
  REQUIRE(small.status == 0);
  CHECK(dragoman::outline_archive(folder.path("small.pt")).methods.size() == 3);
  const auto mean =
      run_program(folder, "average " + tiny_model() + " " + tiny_model() + " -o mean.pt");
  INFO(mean.err);
  REQUIRE(mean.status == 0);
  CHECK(dragoman::outline_archive(folder.path("mean.pt")).methods.size() == 3);
}

TEST_CASE("an export to safetensors holds every tensor as it is stored",
          "[program][export][python]") {
  if (!has_python()) return;
  const TemporaryFolder folder;
  run_program(folder, "quantize " + tiny_model() + " --precision bf16 --force -o bf16.pt");
  run_program(folder, "quantize " + tiny_model() + " --precision int8 --force -o int8.pt");
  run_shell(folder, "cp " + tiny_model() + " fp32.pt");
  for (const std::string name : {"fp32", "bf16", "int8"}) {
    const auto result =
        run_program(folder, "export " + name + ".pt --format safetensors -o " + name);
    INFO(result.err);
    REQUIRE(result.status == 0);
    CHECK(dragoman_test::run_python(DRAGOMAN_SOURCE_DIR "/tests/apps/safetensors_reference.py",
                                    folder.path(name + ".pt") + " " + folder.path(name)) == 0);
  }
}

TEST_CASE("a scripted model is shown, not run, and needs leave to translate", "[program][python]") {
  if (!has_python()) return;
  const TemporaryFolder folder;
  folder.write("model.py", R"(from typing import List, Tuple
import sys
import torch
from torch import Tensor

class Copyist(torch.nn.Module):
    def __init__(self, pieces: int):
        super().__init__()
        self.pieces = pieces

    @torch.jit.export
    def encode(self, ids: Tensor, mask: Tensor) -> List[Tensor]:
        return [ids, torch.zeros_like(ids[:, :1])]

    @torch.jit.export
    def step(self, last: Tensor, state: List[Tensor]) -> Tuple[Tensor, List[Tensor]]:
        wanted = state[0].gather(1, state[1].clamp_max(state[0].size(1) - 1))
        logits = torch.zeros([last.size(0), self.pieces], device=last.device).scatter(1, wanted, 9.0)
        return torch.log_softmax(logits, -1), [state[0], state[1] + 1]

files = {"source.spm": ""}
tiny = torch.jit.load(sys.argv[1], _extra_files=files)
model = Copyist(tiny.source_embedding.weight.size(0))
torch.jit.script(model).save("copyist.pt", _extra_files=files)
)");
  const auto written =
      run_shell(folder, "'" + dragoman_test::python() + "' model.py " + tiny_model());
  INFO(written.err);
  REQUIRE(written.status == 0);
  const auto inspected = run_program(folder, "inspect copyist.pt");
  CHECK(inspected.status == 0);
  CHECK_THAT(inspected.out,
             Contains("step(last: Tensor, state: List[Tensor]) -> Tuple[Tensor, List[Tensor]]") &&
                 Contains("source.spm"));
  const auto refused = run_shell(folder, "echo 1 | \"$DRAGOMAN\" translate --model copyist.pt");
  CHECK(refused.status == 2);
  CHECK_THAT(refused.err, Contains("--allow-scripts"));
  const std::string translate = "echo 1 2 3 | \"$DRAGOMAN\" translate --quiet --allow-scripts ";
  const auto allowed = run_shell(folder, translate + "--model copyist.pt");
  INFO(allowed.err);
  CHECK(allowed.status == 0);
  CHECK(allowed.out == "1 2 3\n");
  const auto both = run_shell(folder, translate + "--model copyist.pt --model " + tiny_model());
  CHECK(both.status == 0);
  CHECK(both.out == "1 2 3\n");
  const auto wrong =
      run_shell(folder, translate + "--model copyist.pt --source-tokenizer none.spm");
  CHECK(wrong.status == 3);
  CHECK_THAT(wrong.err, Contains("none.spm"));
}
