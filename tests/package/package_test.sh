#!/usr/bin/env bash
# package_test.sh CMAKE BUILD SOURCE GENERATOR: the installed package, as a service's author meets it.
set -euo pipefail
cmake=$1 build=$2 source=$3 generator=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "FAILED: $1" >&2; exit 1; }

"$cmake" --install "$build" --prefix "$folder/prefix" >"$folder/install.log" || fail "install: $(cat "$folder/install.log")"
"$cmake" -S "$source/examples/service" -B "$folder/service" -G "$generator" -DCMAKE_PREFIX_PATH="$folder/prefix" \
  -DCMAKE_BUILD_TYPE=Release >"$folder/configure.log" 2>&1 || fail "configure: $(cat "$folder/configure.log")"
"$cmake" --build "$folder/service" >"$folder/build.log" 2>&1 || fail "build: $(cat "$folder/build.log")"

cd "$folder"
for number in {100..399}; do echo "$number ${number:0:1}"; done >train.src
sed 's/1/one/g; s/2/two/g; s/3/three/g' train.src >train.tgt
cat >run.json <<'JSON'
{"data": {"train": [{"source": "train.src", "target": "train.tgt"}], "batch_tokens": 512},
 "tokenizer": {"vocabulary_size": 60},
 "model": {"encoder": {"layers": 1, "dim": 32, "heads": 2, "feed_forward": 64},
           "decoder": {"layers": 1, "dim": 32, "heads": 2, "feed_forward": 64}},
 "training": {"max_steps": 4, "warmup_steps": 1, "validate_every": 0, "save_every": 4, "average_best": 0, "threads": 1,
              "tensorboard": false}}
JSON
prefix/bin/dragoman train run.json >train.log 2>&1 || fail "train: $(cat train.log)"
model=run/checkpoints/step-4.pt
printf '123\n\n321 3\n' >lines
prefix/bin/dragoman translate --model $model --input lines --quiet >expected

service/service $model <lines >answers || fail "the service ended with $?"
cut -f 2 answers | diff - expected || fail "the service translates otherwise than the program"
[[ $(cut -f 1 answers | sed -n 2p) == empty_input ]] || fail "no state in $(cat answers)"
printf '123\n\xff\n321 3\n' | service/service $model >answers_to_bad || fail "the service ended with $? after bad bytes"
[[ $(cut -f 1 answers_to_bad | sed -n 2p) == error && $(wc -l <answers_to_bad) == 3 ]] || fail "bad bytes: $(cat answers_to_bad)"
service/translate_from_c $model 123 "" "321 3" >from_c || fail "the C program ended with $?"
diff from_c answers || fail "C and C++ disagree"

status=0; service/service none.pt </dev/null 2>error || status=$?
[[ $status == 4 ]] && grep -q 'none.pt: no such file' error || fail "a missing model: status $status, $(cat error)"
status=0; service/translate_from_c none.pt a 2>error || status=$?
[[ $status == 4 ]] && grep -q 'none.pt: no such file' error || fail "a missing model in C: status $status, $(cat error)"
status=0; service/translate_from_c $model $'\xff' 2>error || status=$?
[[ $status == 2 ]] && grep -q 'UTF-8' error || fail "bad bytes in C: status $status, $(cat error)"

# What the library is made of stays inside, and a consumer needs none of its headers.
exported=$(nm -DC --defined-only prefix/lib*/libdragoman.so prefix/lib*/*/libdragoman.so 2>/dev/null | grep -c 'beam_search\|nlohmann\|sentencepiece' || true)
[[ $exported == 0 ]] || fail "$exported internal symbols are exported"
! grep -rlE '#include <(ATen|torch|nlohmann|fmt)' prefix/include || fail "an installed header includes a dependency"
echo "package_test: fine"
