# Defines dragoman_torch: LibTorch's headers and libraries, and the one OpenMP runtime of the process.
#
# Torch's own CMake package is left aside: for a CUDA build it demands the CUDA toolkit with its compiler,
# which code like ours, that calls LibTorch and no kernel of its own, does not need.

# LibTorch: from CMAKE_PREFIX_PATH if the user gives one (the folder itself or its share/cmake),
# else from the virtual environment that ./dev setup makes.
file(GLOB torch_from_venv ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
find_library(torch_library torch
  PATHS ${torch_from_venv} PATH_SUFFIXES lib ../../lib
  NO_CACHE NO_CMAKE_SYSTEM_PATH NO_SYSTEM_ENVIRONMENT_PATH)
if(NOT torch_library)
  message(FATAL_ERROR "LibTorch was not found. Run ./dev setup, or give its folder: "
                      "cmake --preset release -DCMAKE_PREFIX_PATH=/path/to/libtorch")
endif()
get_filename_component(torch_library ${torch_library} ABSOLUTE)
get_filename_component(torch_lib ${torch_library} DIRECTORY)
get_filename_component(torch_prefix ${torch_lib} DIRECTORY)

set(torch_version_header ${torch_prefix}/include/torch/headeronly/version.h)
if(NOT EXISTS ${torch_version_header})
  message(FATAL_ERROR "${torch_prefix} holds no LibTorch of version 2.11 to 2.13: it has no "
                      "include/torch/headeronly/version.h.")
endif()
file(STRINGS ${torch_version_header} torch_version_lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
string(REGEX REPLACE "[^0-9;]" "" torch_version "${torch_version_lines}")
string(REPLACE ";" "." torch_version "${torch_version}")
if(torch_version VERSION_LESS 2.11 OR torch_version VERSION_GREATER_EQUAL 2.14)
  message(WARNING "LibTorch ${torch_version} in ${torch_prefix}: tested are 2.11 to 2.13.")
endif()

add_library(dragoman_torch INTERFACE)
target_include_directories(dragoman_torch SYSTEM INTERFACE
  ${torch_prefix}/include ${torch_prefix}/include/torch/csrc/api/include)
target_compile_definitions(dragoman_torch INTERFACE
  USE_C10D_GLOO USE_DISTRIBUTED USE_RPC USE_TENSORPIPE)

# CUDA kernels register themselves when their library is loaded; nothing of ours refers to it by name.
set(torch_device cpu)
if(EXISTS ${torch_lib}/libtorch_cuda.so)
  set(torch_device cuda)
  target_compile_definitions(dragoman_torch INTERFACE USE_C10D_NCCL)
  target_link_libraries(dragoman_torch INTERFACE
    "-Wl,--push-state,--no-as-needed,${torch_lib}/libtorch_cuda.so,--pop-state")
endif()
target_link_libraries(dragoman_torch INTERFACE ${torch_lib}/libtorch_cpu.so ${torch_lib}/libc10.so)
message(STATUS "LibTorch ${torch_version} (${torch_device}): ${torch_prefix}")

# at::parallel_for is serial in code that is compiled without OpenMP. The wheel brings its own OpenMP
# runtime; linking that one keeps a second runtime, with threads of its own, out of the process.
find_package(OpenMP REQUIRED COMPONENTS CXX)
target_compile_options(dragoman_torch INTERFACE ${OpenMP_CXX_FLAGS})
file(GLOB torch_openmp ${torch_lib}/libgomp*.so* ${torch_lib}/libiomp5.so)
if(torch_openmp)
  list(GET torch_openmp 0 torch_openmp)
  target_link_libraries(dragoman_torch INTERFACE ${torch_openmp})
else()
  target_link_libraries(dragoman_torch INTERFACE ${OpenMP_CXX_LIBRARIES})
endif()

# Where an installed program finds them.
set(dragoman_torch_folders ${torch_lib})
if(torch_openmp)
  get_filename_component(torch_openmp_folder ${torch_openmp} DIRECTORY)
  list(APPEND dragoman_torch_folders ${torch_openmp_folder})
  list(REMOVE_DUPLICATES dragoman_torch_folders)
endif()
