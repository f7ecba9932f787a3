#include "dragoman/data/example_sample.h"

#include <algorithm>
#include <string>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/pair_filter.h"
#include "dragoman/data/parallel_reader.h"

namespace dragoman {

std::vector<Example> first_examples(const DataConfig& config, const PairEncoder& encoder,
                                    std::size_t limit) {
  std::vector<CorpusConfig> corpora = config.train;
  std::erase_if(corpora, [](const CorpusConfig& corpus) { return corpus.weight == 0.0; });
  std::vector<Example> examples;
  FilterCounts counts;
  std::string source;
  std::string target;
  for (std::size_t corpus = 0; corpus < corpora.size(); ++corpus) {
    ParallelReader reader(with_folder(corpora[corpus], config.folder), config.invalid_text);
    const std::size_t end = limit * (corpus + 1) / corpora.size();
    while (examples.size() < end && reader.next(source, target)) {
      Example example = encoder.encode(
          source, target,
          {.max_source_length = config.max_source_length, .seed = {}, .links = reader.links()});
      if (passes_filter(config, std::ssize(example.source), std::ssize(example.target), counts))
        examples.push_back(std::move(example));
    }
  }
  if (examples.empty())
    throw DataError(
        "training corpora: not one pair passes the filters, so that no batch can be tried out. "
        "Check data.min_length, data.max_length and data.max_length_ratio.");
  return examples;
}

}  // namespace dragoman
