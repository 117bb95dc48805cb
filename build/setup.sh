# shellcheck shell=bash
# Sourced by ./demo, ./test, ./bench, ./framelease and .ci/run: checks what the machine has, installs what it lacks, builds once.
#
#   fl_need TOOL…     dotnet, postgres, ffmpeg, kubectl, promtool: install through apt as root, else say the one command to run and exit 2
#   fl_dist           build the programs if their sources changed; sets FL_DIST to the directory that holds them
#   fl_build_all      build Platform.sln in Release, tests included
#   fl_build_bench    build the benchmarks; sets FL_BENCH to the program
#
# Builds of one checkout take turns (flock), and programs that run are never overwritten: every set of sources has a directory of its own.

FL_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
FL_ARTIFACTS=$FL_ROOT/artifacts
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE=1
export DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
# Build nodes and compilers must not outlive the command that needed them (see fl_stop_compilers).
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0

fl_say() { printf '%s\n' "$*" >&2; }
fl_fail() { fl_say "$@"; exit 1; }
fl_unusable() { fl_say "$@"; exit 2; }

# ---- what the machine has -------------------------------------------------------------------------------------------------------

fl_has() {
  case $1 in
    dotnet) command -v dotnet >/dev/null && dotnet --list-sdks 2>/dev/null | grep -q '^10\.' ;;
    postgres) command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null \
      || compgen -G '/usr/pgsql-*/bin/postgres' >/dev/null ;;
    ffmpeg) command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null ;;
    promtool) command -v promtool >/dev/null && command -v prometheus >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

fl_package() {
  case $1 in
    postgres) echo postgresql ;;
    kubectl) echo kubernetes-client ;;
    promtool) echo prometheus ;;
    redis-benchmark) echo redis-tools ;;
    *) echo "$1" ;;
  esac
}

# Makes every TOOL present. A distribution other than Debian's family is told what is missing, by name.
fl_need() {
  local tool missing=() packages=()
  for tool in "$@"; do
    fl_has "$tool" && continue
    if [ "$tool" = dotnet ]; then
      # A user's own installation is often not on the PATH of a script.
      if [ -x "$HOME/.dotnet/dotnet" ] && "$HOME/.dotnet/dotnet" --list-sdks 2>/dev/null | grep -q '^10\.'; then
        export PATH="$HOME/.dotnet:$PATH" DOTNET_ROOT="$HOME/.dotnet"
        continue
      fi
      fl_unusable "The .NET 10 SDK is needed and was not found. Install it (https://dot.net/download, or: apt install dotnet-sdk-10.0) and run this again."
    fi
    missing+=("$tool")
    packages+=("$(fl_package "$tool")")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  if ! command -v apt-get >/dev/null; then
    fl_unusable "Missing: ${missing[*]}. Install them with this system's package manager and run this again."
  fi
  if [ "$(id -u)" != 0 ]; then
    fl_unusable "Missing: ${missing[*]}. Run this once, then try again:" "  sudo apt-get update && sudo apt-get install -y ${packages[*]}"
  fi
  fl_say "installing with apt: ${packages[*]}"
  mkdir -p "$FL_ARTIFACTS"
  local log=$FL_ARTIFACTS/apt.$$.log
  # The platform runs a PostgreSQL of its own; the packaged service is not needed, so it is asked not to start (RUNLEVEL).
  if ! (
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    apt-get update -qq && apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "${packages[@]}"
  ) >"$log" 2>&1 </dev/null; then
    tail -n 25 "$log" >&2
    fl_fail "apt could not install ${packages[*]}; the whole output is in $log"
  fi
  rm -f "$log"
  for tool in "${missing[@]}"; do
    fl_has "$tool" || fl_fail "apt installed $(fl_package "$tool"), but $tool is still not found"
  done
}

# ---- building -------------------------------------------------------------------------------------------------------------------

fl_rid() {
  case $(uname -m) in
    x86_64) echo linux-x64 ;;
    aarch64) echo linux-arm64 ;;
    *) fl_unusable "Framelease is built for x86_64 and aarch64; this machine is $(uname -m)." ;;
  esac
}

# One line that names the sources: same line, same programs.
fl_fingerprint() {
  (
    cd "$FL_ROOT" || exit 1
    {
      dotnet --version
      if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files -co --exclude-standard -- src operator samples crds 'Directory.*' global.json BannedSymbols.txt .editorconfig
      else
        find src operator samples crds Directory.* global.json BannedSymbols.txt .editorconfig -type f \
          -not -path '*/bin/*' -not -path '*/obj/*' 2>/dev/null
      fi | LC_ALL=C sort -u | while IFS= read -r file; do [ -f "$file" ] && printf '%s\0' "$file"; done | xargs -0 sha256sum
    } | sha256sum | cut -c1-16
  )
}

# Runs a dotnet command with its output kept; shows one line that lives, and everything when it fails.
#   fl_quietly WHAT COMMAND…
fl_quietly() {
  local what=$1 log started=$SECONDS pid status=0
  shift
  log=$FL_ARTIFACTS/build.$$.log
  # Descriptor 9 is the lock: what the build leaves behind must not hold it.
  "$@" >"$log" 2>&1 </dev/null 9>&- &
  pid=$!
  # Ctrl-C does not reach a background command of a script by itself.
  trap 'kill "$pid" 2>/dev/null; fl_stop_compilers; exit 130' INT TERM
  if [ -t 2 ]; then
    while kill -0 "$pid" 2>/dev/null; do
      printf '\r%s %d s ' "$what" $((SECONDS - started)) >&2
      sleep 0.5
    done
  else
    fl_say "$what"
  fi
  wait "$pid" || status=$?
  trap - INT TERM
  fl_stop_compilers
  [ ! -t 2 ] || printf '\r%s %d s\n' "$what" $((SECONDS - started)) >&2
  FL_LOG=$log
  return $status
}

# One compiler server for the build of many projects is several times faster than none. Ours carries our id in its pipe's name, so that it
# can be ended with the build, and a user's other builds keep theirs.
fl_compiler_id() { echo "framelease-$$"; }
fl_dotnet() {
  local verb=$1
  shift
  # Diagnostic pipes of a compiler that is ended would stay in the temporary directory.
  export DOTNET_EnableDiagnostics=0
  # Only ever called in the background (fl_quietly), where exec makes $! the build itself.
  exec dotnet "$verb" "$@" -c Release -v q --nologo -p:UseSharedCompilation=true -p:SharedCompilationId="$(fl_compiler_id)"
}
fl_stop_compilers() {
  local id file pid
  id=$(fl_compiler_id)
  for file in /proc/[0-9]*/cmdline; do
    # A process that ends meanwhile is no news.
    if { tr '\0' ' ' <"$file"; } 2>/dev/null | grep -q -- "-pipename:$id"; then
      pid=${file#/proc/}
      kill "${pid%/cmdline}" 2>/dev/null || true
    fi
  done
  rm -f "${TMPDIR:-/tmp}/$id" # its socket
}

# Builds take turns; whoever waited finds the work done. The lock is held by descriptor 9 until fl_unlock.
fl_lock() {
  mkdir -p "$FL_ARTIFACTS"
  exec 9>"$FL_ARTIFACTS/.build.lock"
  if ! flock -n 9; then
    fl_say "waiting for another build of this checkout"
    flock 9
  fi
}
fl_unlock() { exec 9>&-; }

# Publishes the programs: framelease, and beside it framelease-localcluster, -shim, -operator and -worker.
# Analyzers judge the sources in fl_build_all, for whoever changes them; here they would only double the wait for a newcomer's first run.
fl_publish() {
  fl_dotnet publish "$FL_ROOT/src/Cli" -r "$(fl_rid)" --self-contained false -p:PublishReadyToRun="$2" -p:RunAnalyzers=false -o "$1"
}

fl_dist() {
  local key dir staging status=0
  # A packaged or prepared set of programs is used as it is.
  if [ -n "${FRAMELEASE_DIST:-}" ]; then
    [ -x "$FRAMELEASE_DIST/framelease" ] || fl_unusable "FRAMELEASE_DIST=$FRAMELEASE_DIST holds no program named framelease"
    FL_DIST=$FRAMELEASE_DIST
    return 0
  fi
  fl_lock
  key=$(fl_fingerprint)
  dir=$FL_ARTIFACTS/dist-$key
  if [ ! -x "$dir/framelease" ]; then
    staging=$FL_ARTIFACTS/.dist-$key.$$
    rm -rf "$staging"
    fl_quietly "building (the first time takes a minute or two) …" fl_publish "$staging" true || status=$?
    if [ $status -ne 0 ] && grep -qi crossgen "$FL_LOG"; then
      fl_say "no ReadyToRun compiler for this machine: building without it, programs will start more slowly"
      status=0
      rm -rf "$staging"
      fl_quietly "building …" fl_publish "$staging" false || status=$?
    fi
    if [ $status -ne 0 ]; then
      cat "$FL_LOG" >&2
      rm -rf "$staging"
      fl_fail "the build failed; its output is above and in $FL_LOG"
    fi
    rm -f "$FL_LOG"
    mv "$staging" "$dir"
  fi
  ln -sfn "dist-$key" "$FL_ARTIFACTS/.dist.$$" && mv -fT "$FL_ARTIFACTS/.dist.$$" "$FL_ARTIFACTS/dist"
  fl_prune "$dir"
  fl_unlock
  # Used by the scripts that source this file.
  # shellcheck disable=SC2034
  FL_DIST=$dir
}

# Removes the programs of older sources, except those that still run.
fl_prune() {
  local keep=$1 running dir
  running=$(readlink /proc/[0-9]*/exe 2>/dev/null || true)
  for dir in "$FL_ARTIFACTS"/dist-*; do
    if [ -d "$dir" ] && [ "$dir" != "$keep" ] && [[ $running != *"$dir/"* ]]; then rm -rf "$dir"; fi
  done
}

fl_build_all() { fl_build "Platform.sln"; }

fl_build_bench() {
  fl_build benchmarks
  # shellcheck disable=SC2034
  FL_BENCH=$FL_ROOT/benchmarks/bin/Release/net10.0/Framelease.Benchmarks
}

fl_build() {
  local status=0
  fl_lock
  fl_quietly "building $1 …" fl_dotnet build "$FL_ROOT/$1" || status=$?
  if [ $status -ne 0 ]; then
    cat "$FL_LOG" >&2
    fl_fail "the build failed; its output is above and in $FL_LOG"
  fi
  rm -f "$FL_LOG"
  fl_unlock
}
