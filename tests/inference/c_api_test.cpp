#include <condition_variable>
#include <mutex>
#include <string>

#include "dragoman/inference/dragoman.h"
#include "tests/inference/tiny_file.h"
#include "tests/support/catch.h"

namespace {

using Catch::Contains;
using dragoman_test::TinyFile;

/// What on_ready is told to.
struct Bell {
  static void ring(void* bell) {
    auto& self = *static_cast<Bell*>(bell);
    const std::lock_guard lock(self.mutex);
    ++self.rings;
    self.changed.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return rings > 0; });
  }
  std::mutex mutex;
  std::condition_variable changed;
  int rings = 0;
};

struct Loaded {
  explicit Loaded(const char* options = R"({"threads": 1})") {
    REQUIRE(dragoman_load(file.path().c_str(), options, &translator, nullptr) == DRAGOMAN_OK);
  }
  ~Loaded() { dragoman_free(translator); }
  TinyFile file;
  dragoman_translator* translator = nullptr;
};

std::string taken(char* text) {
  const std::string message = text == nullptr ? "" : text;
  dragoman_free_text(text);
  return message;
}

}  // namespace

TEST_CASE("C: a submitted text becomes the translation of that text", "[c_api]") {
  const Loaded loaded;
  const char* text = "two dogs play in the snow";
  dragoman_translations* expected = nullptr;
  REQUIRE(dragoman_translate(loaded.translator, &text, 1, nullptr, &expected, nullptr) ==
          DRAGOMAN_OK);
  Bell bell;
  dragoman_request* request = nullptr;
  char* error = nullptr;
  REQUIRE(dragoman_submit(loaded.translator, text, nullptr, R"({"priority": 2})", Bell::ring, &bell,
                          &request, &error) == DRAGOMAN_OK);
  bell.wait();
  CHECK(dragoman_is_ready(request) == 1);
  dragoman_cancel(request);  // too late to matter
  dragoman_translations* found = nullptr;
  REQUIRE(dragoman_wait(request, &found, &error) == DRAGOMAN_OK);
  REQUIRE(dragoman_count(found) == 1);
  CHECK(std::string(dragoman_text(found, 0)) == dragoman_text(expected, 0));
  CHECK(std::string(dragoman_state(found, 0)) == dragoman_state(expected, 0));
  CHECK(bell.rings == 1);
  CHECK(dragoman_wait(request, &found, &error) == DRAGOMAN_USAGE_ERROR);
  CHECK_THAT(taken(error), Contains("was taken before"));
  CHECK(found == nullptr);
  dragoman_free_request(request);
  dragoman_free_translations(found);
  dragoman_free_translations(expected);
}

TEST_CASE("C: a request that waits can be cancelled", "[c_api]") {
  // No batch is begun within a minute unless two requests are there.
  const Loaded loaded(R"({"threads": 1, "batch_size": 2, "queue": {"max_wait_ms": 60000}})");
  dragoman_request* request = nullptr;
  dragoman_translations* found = nullptr;
  char* error = nullptr;
  REQUIRE(dragoman_submit(loaded.translator, "a dog", nullptr, nullptr, nullptr, nullptr, &request,
                          &error) == DRAGOMAN_OK);
  CHECK(dragoman_is_ready(request) == 0);
  dragoman_cancel(request);
  CHECK(dragoman_wait(request, &found, &error) == DRAGOMAN_CANCELLED);
  CHECK_THAT(taken(error), Contains("cancelled"));
  dragoman_free_request(request);
  CHECK(found == nullptr);

  // What has nothing to compute waits for nobody.
  dragoman_request* other = nullptr;
  REQUIRE(dragoman_submit(loaded.translator, "", nullptr, nullptr, nullptr, nullptr, &other,
                          &error) == DRAGOMAN_OK);
  CHECK(dragoman_wait(other, &found, &error) == DRAGOMAN_OK);
  CHECK(std::string(dragoman_state(found, 0)) == "empty_input");
  dragoman_free_request(other);
  dragoman_free_translations(found);
}

TEST_CASE("C: requests that cannot be met say why", "[c_api]") {
  const Loaded loaded;
  dragoman_request* request = nullptr;
  char* error = nullptr;
  const auto refusal = [&](const char* text, const char* decoding, const char* options) {
    CHECK(dragoman_submit(loaded.translator, text, decoding, options, nullptr, nullptr, &request,
                          &error) == DRAGOMAN_USAGE_ERROR);
    CHECK(request == nullptr);
    return taken(error);
  };
  CHECK_THAT(refusal("\xff", nullptr, nullptr), Contains("UTF-8"));
  CHECK_THAT(refusal(nullptr, nullptr, nullptr), Contains("text: is null"));
  CHECK_THAT(refusal("a", R"({"beam": 2})", nullptr), Contains("beam: unknown key"));
  CHECK_THAT(refusal("a", nullptr, R"({"timeout_ms": -1})"), Contains("timeout_ms"));
  CHECK(dragoman_wait(nullptr, nullptr, &error) == DRAGOMAN_USAGE_ERROR);
  CHECK_THAT(taken(error), Contains("request: is null"));
  CHECK(dragoman_is_ready(nullptr) == 0);
  dragoman_cancel(nullptr);
  dragoman_free_request(nullptr);
}
