# How each dependency is found. No third-party source lives here; README.md says what each is for.


# LibTorch: from CMAKE_PREFIX_PATH if the user gives one, else from the project's virtual environment,
# else from the Python that is first on the PATH.
find_package(Torch QUIET)
if(NOT Torch_FOUND)
  file(GLOB torch_from_venv ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch/share/cmake)
  find_package(Torch QUIET PATHS ${torch_from_venv} NO_DEFAULT_PATH)
endif()
if(NOT Torch_FOUND)
  message(FATAL_ERROR "LibTorch was not found. Run ./dev setup, or give its folder with "
                      "-DCMAKE_PREFIX_PATH=/path/to/libtorch")
endif()
find_package(OpenMP REQUIRED COMPONENTS CXX)
add_library(dragoman_torch INTERFACE)
target_include_directories(dragoman_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_link_libraries(dragoman_torch INTERFACE ${TORCH_LIBRARIES} OpenMP::OpenMP_CXX)
separate_arguments(torch_flags UNIX_COMMAND "${TORCH_CXX_FLAGS}")
target_compile_options(dragoman_torch INTERFACE ${torch_flags})

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

# LibTorch's include folder carries a newer fmt than most systems: header-only is the one way in
# which headers and code cannot disagree.
find_package(fmt REQUIRED)
add_library(dragoman_fmt INTERFACE)
target_link_libraries(dragoman_fmt INTERFACE fmt::fmt-header-only)

if(DRAGOMAN_APPS)
  find_package(CLI11 REQUIRED)
endif()
if(DRAGOMAN_TESTS)
  find_package(Catch2 REQUIRED)
endif()
