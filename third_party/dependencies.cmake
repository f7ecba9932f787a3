# How each dependency is found. No third-party source lives here; README.md says what each is for.

include(third_party/libtorch.cmake)

find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)

find_path(SENTENCEPIECE_INCLUDE_DIR sentencepiece_processor.h REQUIRED)
find_library(SENTENCEPIECE_LIBRARY sentencepiece REQUIRED)
find_library(SENTENCEPIECE_TRAIN_LIBRARY sentencepiece_train REQUIRED)
add_library(dragoman_sentencepiece INTERFACE)
target_include_directories(dragoman_sentencepiece SYSTEM INTERFACE ${SENTENCEPIECE_INCLUDE_DIR})
target_link_libraries(dragoman_sentencepiece INTERFACE ${SENTENCEPIECE_TRAIN_LIBRARY}
                                                       ${SENTENCEPIECE_LIBRARY})

find_path(STEMMER_INCLUDE_DIR libstemmer.h REQUIRED)
find_library(STEMMER_LIBRARY stemmer REQUIRED)
add_library(dragoman_stemmer INTERFACE)
target_include_directories(dragoman_stemmer SYSTEM INTERFACE ${STEMMER_INCLUDE_DIR})
target_link_libraries(dragoman_stemmer INTERFACE ${STEMMER_LIBRARY})

# LibTorch's include folder carries a newer fmt than most systems, without its library. Headers alone
# would cost every source file five seconds, so what they leave to the library is compiled here once.
find_path(FMT_INCLUDE_DIR fmt/format-inl.h HINTS ${torch_prefix}/include REQUIRED)
add_library(dragoman_fmt STATIC third_party/fmt.cpp)
target_include_directories(dragoman_fmt SYSTEM PUBLIC ${FMT_INCLUDE_DIR})
target_compile_features(dragoman_fmt PUBLIC cxx_std_20)
set_target_properties(dragoman_fmt PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_link_libraries(dragoman_torch INTERFACE dragoman_fmt)  # LibTorch's headers use it too

# Headers only: the code is in LibTorch. Without them training runs in one process.
find_path(GLOO_INCLUDE_DIR gloo/rendezvous/store.h)
if(NOT GLOO_INCLUDE_DIR)
  message(STATUS "Gloo's headers were not found: training runs in one process (libgloo-dev).")
endif()

if(DRAGOMAN_APPS)
  find_package(CLI11 REQUIRED)
endif()
if(DRAGOMAN_TESTS)
  find_package(Catch2 REQUIRED)
endif()
