#!/usr/bin/env bash
# subproject_test.sh CMAKE BUILD SOURCE GENERATOR [FOLDER]: Dragoman as add_subdirectory in a service's tree. The service's own sources are
# compiled against the subproject and linked with the library of BUILD, which takes seconds; with FOLDER, the library is compiled there too.
set -euo pipefail
cmake=$1 build=$2 source=$3 generator=$4 folder=${5:-}
fail() { echo "FAILED: $1" >&2; exit 1; }
with_library=$folder
if [[ -z $folder ]]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder"
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }

"$cmake" -S "$source/tests/package/subproject" -B "$folder/build" -G "$generator" -DDRAGOMAN_SOURCE="$source" \
  -DCMAKE_PREFIX_PATH="$(cached CMAKE_PREFIX_PATH)" -DCMAKE_BUILD_TYPE=Release -DDRAGOMAN_UNITY=ON >"$folder/configure.log" 2>&1 ||
  fail "configure: $(cat "$folder/configure.log")"
! grep -q 'CMake Warning' "$folder/configure.log" || fail "warnings: $(cat "$folder/configure.log")"
[[ -d $folder/build/dragoman && ! -e $folder/build/libdragoman.so ]] || fail "where the subproject is built"

if [[ -n $with_library ]]; then
  "$cmake" --build "$folder/build" --parallel 2 --target service translate_from_c >"$folder/build.log" 2>&1 || fail "build: $(tail -n 40 "$folder/build.log")"
  [[ -e $folder/build/dragoman/libdragoman.so ]] || fail "no library was built"
  programs=$folder/build
else
  "$cmake" --build "$folder/build" --target service_objects translate_objects >"$folder/build.log" 2>&1 ||
    fail "build: $(tail -n 40 "$folder/build.log")"
  [[ ! -e $folder/build/dragoman/libdragoman.so ]] || fail "the library was built for the sake of the headers"
  programs=$folder
  for name in service translate; do
    objects=$(find "$folder/build/CMakeFiles/${name}_objects.dir" -name '*.o')
    "$(cached CMAKE_CXX_COMPILER)" -pthread -o "$folder/$name" $objects "$build/libdragoman.so" -Wl,-rpath,"$build" ||
      fail "link: $name"
  done
  mv "$folder/translate" "$folder/translate_from_c"
fi
for command in service "translate_from_c a"; do
  read -r program text <<<"$command"
  status=0
  "$programs/$program" "$folder/none.pt" $text </dev/null 2>"$folder/error" || status=$?
  [[ $status == 4 ]] && grep -q 'none.pt: no such file' "$folder/error" || fail "$program: status $status, $(cat "$folder/error")"
done
# What the service installs is its own affair.
"$cmake" --install "$folder/build" --prefix "$folder/prefix" >"$folder/install.log" 2>&1 || fail "install: $(cat "$folder/install.log")"
[[ -z $(find "$folder/prefix" -type f 2>/dev/null) ]] || fail "installed: $(find "$folder/prefix" -type f)"
echo "subproject_test: fine"
