#!/usr/bin/env bash
# Writes an archive that runs where nothing can be installed and nothing is there but Python's torch: the program,
# launch/, scripts/, configs/, Open MPI, and every shared library but those of glibc, LibTorch and CUDA.
#   launch/bundle.sh                    of the CPU build, built if needed
#   launch/bundle.sh --cuda             of the CUDA build
#   ... --out FILE.tar.gz               by default build/causalfm-VERSION-cpu.tar.gz or build-cuda/causalfm-VERSION-cuda.tar.gz
#   ... --with PROGRAM                  adds a program of the build folder, as tests/comm/test_comm_gpu; may be repeated
set -euo pipefail
from=$PWD
cd "$(dirname "$0")/.."

fail() {
  echo "bundle.sh: $1" >&2
  exit 2
}

kind=cpu folder=build out='' programs=() build=()
while [ $# -gt 0 ]; do
  case "$1" in
    --cuda) kind=cuda folder=build-cuda build=(--cuda) ;;
    --out | --with)
      [ $# -gt 1 ] || fail "$1 needs a value; see launch/bundle.sh --help"
      if [ "$1" = --out ]; then out=$2; else programs+=("$2"); fi
      shift
      ;;
    -h | --help)
      sed -n '2,7s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) fail "unknown argument '$1'; see launch/bundle.sh --help" ;;
  esac
  shift
done

launch/build.sh "${build[@]}" --target causalfm_app "${programs[@]##*/}"
version=$(sed -n 's/^project(causalfm VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
out=${out:-$PWD/$folder/causalfm-$version-$kind.tar.gz}
[[ $out == /* ]] || out=$from/$out
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bundle=$work/causalfm-$version
mkdir -p "$bundle"/{bin,libexec,lib/openmpi,lib/standard,share/causalfm,share/openmpi}

path_of() { ompi_info --path "$1" --parsable | head -n 1 | cut -d: -f3-; }

for program in causalfm "${programs[@]}"; do
  cp "$folder/$program" "$bundle/libexec/" || fail "no program $folder/$program: name it as below $folder"
done
cp -L "$(command -v orterun)" "$bundle/libexec/mpirun"
cp -L "$(command -v orted)" "$bundle/libexec/"
cp "$(path_of pkglibdir)"/*.so "$bundle/lib/openmpi/"
cp "$(path_of pkgdatadir)"/*.{txt,ini} "$bundle/share/openmpi/"
git ls-files -z launch scripts configs | xargs -0 cp --parents -t "$bundle/share/causalfm"

# Libraries that the machine has: glibc's, LibTorch with CUDA, and the driver's.
foreign='^(linux-vdso|ld-linux|libc|libm|libmvec|libpthread|librt|libdl|libutil|libresolv|libanl|libBrokenLocale|libnss_[a-z]+|libcuda)\.so|^lib(torch|c10|nccl|nv|cudart|cudnn|cublas|cufft|cufile|cupti|curand|cusolver|cusparse)'
find "$bundle/libexec" "$bundle/lib/openmpi" -type f -exec ldd {} + |
  awk '$2 == "=>" && $3 ~ /^\// {print $1, $3}' | sort -u |
  while read -r name file; do
    [[ $file == *site-packages* || $name =~ $foreign ]] && continue
    case "$name" in
      libstdc++.so.* | libgcc_s.so.*) cp -L "$file" "$bundle/lib/standard/$name" ;;
      *) cp -L "$file" "$bundle/lib/$name" ;;
    esac
  done
find "$bundle/libexec" "$bundle/lib" -type f -exec strip {} + 2>/dev/null || true

torch=$(sed -n 's/^torch==//p' launch/requirements.txt)
symbols=$(grep -ao 'GLIBCXX_3\.4\.[0-9]*' "$bundle/libexec/causalfm" | sort -uV | tail -n 1)
sed -e "s/@torch@/$torch/g; s/@kind@/$kind/g; s/@glibcxx@/$symbols/g" launch/bundle/start.sh >"$bundle/bin/causalfm"
chmod +x "$bundle/bin/causalfm"
for program in mpirun "${programs[@]##*/}"; do ln -s causalfm "$bundle/bin/$program"; done
tar czf "$out" -C "$work" "causalfm-$version"
echo "bundle.sh: $out has $(($(stat -c %s "$out") / 1000000)) MB; unpack it anywhere and run causalfm-$version/bin/causalfm"
