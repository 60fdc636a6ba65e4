#!/bin/bash
# Measures the way from an empty folder to a worker that is ready: dotnet new install, dotnet new sluice, dotnet run.
#   dotnet pack Sluice.slnx -c Release -o FOLDER
#   bench/three-commands.sh FOLDER [URL]
# Restores apart, and leaves nothing behind. Ends with 1 if the commands beside restore take a minute of processor time or more.
set -e
packages=$(realpath "$1"); url=${2:-http://127.0.0.1:18931}
version=$(basename "$(ls "$packages"/Sluice.Templates.*.nupkg)" .nupkg); version=${version#Sluice.Templates.}
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
cat > nuget.config <<X
<configuration>
  <packageSources><add key="packed" value="$packages" /></packageSources>
  <fallbackPackageFolders><add key="own" value="${NUGET_PACKAGES:-$HOME/.nuget/packages}" /></fallbackPackageFolders>
</configuration>
X
# No server of an earlier build helps, and none stays. No package of Sluice is in the folder of packages before.
export NUGET_PACKAGES=$work/packages MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
TIMEFORMAT='%R %U %S'
hive=(--debug:custom-hive "$work/hive")

measure() {                                          # NAME COMMAND…: its times, in seconds
    local name=$1; shift
    { time "$@" > "$work/output.txt" 2>&1; } 2> "$work/$name.time" || { cat "$work/output.txt"; exit 1; }
    awk -v name="$name" '{ printf "%-20s %6.1f s, %5.1f s of processors\n", name, $1, $2 + $3 }' "$work/$name.time"
}

run_until_ready() {
    dotnet run --no-restore --project shop/shop.csproj --urls "$url" & local run=$!
    until [ "$(curl -s -o "$work/health.txt" -w '%{http_code}' "$url/health/ready")" = 200 ]; do
        kill -0 $run || return 1
        sleep 0.05
    done
    date +%s.%N > "$work/ready.txt"
    # The worker is a child of dotnet run, which ends after it.
    kill -TERM "$(pgrep -P $run -f "$work/shop/bin")"
    wait $run
}

measure install dotnet new install "$packages/Sluice.Templates.$version.nupkg" "${hive[@]}"
measure new dotnet new sluice -o shop --no-update-check "${hive[@]}"
measure restore dotnet restore shop/shop.csproj
begun=$(date +%s.%N)
measure run run_until_ready
awk -v begun="$begun" '{ printf "dotnet run until /health/ready answers 200: %.1f s\n", $1 - begun }' "$work/ready.txt"
cat "$work"/{install,new,run}.time | awk '{ all += $2 + $3 } END { printf "beside restore: %.1f s of processors\n", all; exit all >= 60 }'
