#include "dragoman/data/metrics/common_subsequence.h"

#include <algorithm>
#include <random>

#include "tests/support/catch.h"

namespace {

using Words = std::vector<std::uint32_t>;

/// The usual table, and the path through it that rouge-score takes.
struct PlainTable {
  PlainTable(const Words& rows, const Words& columns)
      : values(rows.size() + 1, std::vector<std::int64_t>(columns.size() + 1, 0)),
        in_common(rows.size(), false) {
    for (std::size_t row = 1; row <= rows.size(); ++row) {
      for (std::size_t column = 1; column <= columns.size(); ++column)
        values[row][column] = rows[row - 1] == columns[column - 1]
                                  ? values[row - 1][column - 1] + 1
                                  : std::max(values[row - 1][column], values[row][column - 1]);
    }
    std::size_t row = rows.size();
    std::size_t column = columns.size();
    while (row > 0 && column > 0) {
      if (rows[row - 1] == columns[column - 1]) {
        in_common[--row] = true;
        --column;
      } else if (values[row][column - 1] > values[row - 1][column]) {
        --column;
      } else {
        --row;
      }
    }
  }

  std::vector<std::vector<std::int64_t>> values;
  std::vector<bool> in_common;
};

}  // namespace

TEST_CASE("longest common subsequences are those of the plain table, whatever the lengths") {
  std::mt19937 generator(5);
  const auto words = [&generator](std::size_t length, std::uint32_t vocabulary) {
    Words result(length);
    for (auto& word : result)
      word = static_cast<std::uint32_t>(generator()) % vocabulary;
    return result;
  };
  dragoman::CommonSubsequence common;
  for (const std::size_t width : {0, 1, 2, 7, 63, 64, 65, 127, 128, 130, 300}) {
    for (const std::size_t height : {0, 1, 5, 64, 150}) {
      for (const std::uint32_t vocabulary : {1U, 2U, 5U, 100U}) {
        const Words columns = words(width, vocabulary);
        const Words rows = words(height, vocabulary + 1);
        INFO(width << " columns, " << height << " rows, " << vocabulary << " words");
        const PlainTable expected(rows, columns);
        common.set_columns(columns);
        CHECK(common.length(rows) == expected.values.back().back());
        std::vector<bool> in_common(rows.size(), false);
        common.mark(rows, in_common);
        CHECK(in_common == expected.in_common);
      }
    }
  }
}
