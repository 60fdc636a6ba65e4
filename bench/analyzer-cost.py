#!/usr/bin/env python3
"""What our analyzers and generators cost a build: a project of 500 stages, compiled with and without them, by a warm compiler server.

    python3 bench/analyzer-cost.py [--rounds 9] [--stages 500] [--steps]

The stages are functions of pipelines; with --steps half of them are functions that are marked as steps, so that the generator writes code,
which the compiler then has to compile as well.

Build src/Sluice and src/Sluice.Generators first (Release). It prints the medians of the whole build and of the compiler, and what the
compiler itself says of the time of each set of analyzers and generators.
"""
import argparse, os, re, shutil, statistics, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIBRARY = os.path.join(ROOT, "artifacts/bin/Sluice/release/Sluice.dll")
OURS = os.path.join(ROOT, "artifacts/bin/Sluice.Generators/release/Sluice.Generators.dll")
PER_FILE = 10

PROJECT = """<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework><LangVersion>14</LangVersion><Nullable>enable</Nullable>
    <ImplicitUsings>enable</ImplicitUsings><OutputType>Exe</OutputType>
  </PropertyGroup>
  <ItemGroup>
    <Reference Include="Sluice" HintPath="%s" />
    <Analyzer Include="%s" Condition="'$(Ours)' == 'true'" />
  </ItemGroup>
</Project>
"""

PIPELINE = """using Sluice;

static class Pipeline{0}
{{
    public static Pipeline Build() => Source.From([1, 2, 3]){1} | Console.WriteLine;
{2}
}}
"""
STEPS = """using Sluice;
using Sluice.Graphs;

static partial class Steps{0}
{{
{1}
}}
"""


def write(folder, stages, steps):
    with open(f"{folder}/Stages.csproj", "w", encoding="utf-8") as file:
        file.write(PROJECT % (LIBRARY, OURS))
    for number in range(stages // PER_FILE):
        if number % 2 == 0 or not steps:
            functions = "\n".join(f"    private static int Stage{i}(int number) => number + {i};" for i in range(PER_FILE))
            text = PIPELINE.format(number, "".join(f" | Stage{i}" for i in range(PER_FILE)), functions)
        else:
            text = STEPS.format(number, "\n\n".join(
                f"    [Step]\n    public static async Task<int> Stage{i}Async(int number)\n    {{\n        await Task.Yield();\n"
                f"        return number + {i};\n    }}" for i in range(PER_FILE)))
        with open(f"{folder}/File{number}.cs", "w", encoding="utf-8") as file:
            file.write(text)
    with open(f"{folder}/Program.cs", "w", encoding="utf-8") as file:
        file.write("await Pipeline0.Build().RunAsync();\n")


def build(folder, ours, *more):
    begun = time.monotonic()
    done = subprocess.run(["dotnet", "build", folder, "-c", "Release", "--nologo", "--no-restore", "-t:Rebuild", f"-p:Ours={ours}",
                           "-p:UseSharedCompilation=true", "-clp:PerformanceSummary", *more], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"The project does not build:\n{done.stdout}{done.stderr}")
    compiler = re.search(r"(\d+) ms\s+CoreCompile", done.stdout)
    return time.monotonic() - begun, int(compiler[1]) / 1000 if compiler else 0.0, done.stdout


def main():
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--rounds", type=int, default=9)
    wanted.add_argument("--stages", type=int, default=500)
    wanted.add_argument("--steps", action="store_true")
    asked = wanted.parse_args()
    for needed in (LIBRARY, OURS):
        if not os.path.exists(needed):
            sys.exit(f"{needed} is missing: dotnet build src/Sluice -c Release")
    folder = tempfile.mkdtemp(prefix="sluice-stages-")
    try:
        write(folder, asked.stages, asked.steps)
        subprocess.run(["dotnet", "restore", folder, "-v", "quiet"], check=True)
        times = {"true": [], "false": []}
        for kind in times:
            build(folder, kind)                                   # the compiler server is warm from here on
        for round in range(asked.rounds):
            for kind in (list(times) if round % 2 == 0 else list(times)[::-1]):
                times[kind].append(build(folder, kind)[:2])
        kinds = f"{asked.stages} stages{', half of them steps' if asked.steps else ''}"
        print(f"{kinds}, {asked.rounds} builds each, load {os.getloadavg()[0]:.1f}; medians and minima in seconds")
        whole, compiler = {}, {}
        for kind, name in (("false", "without"), ("true", "with")):
            whole[kind], compiler[kind] = (statistics.median(one[i] for one in times[kind]) for i in (0, 1))
            least = [min(one[i] for one in times[kind]) for i in (0, 1)]
            print(f"  {name:8} our analyzers and generators: build {whole[kind]:.2f} ({least[0]:.2f}), "
                  f"compiler {compiler[kind]:.2f} ({least[1]:.2f})")
        print(f"  more by: build {100 * (whole['true'] / whole['false'] - 1):.1f} %, "
              f"compiler {100 * (compiler['true'] / compiler['false'] - 1):.1f} %")
        text = build(folder, "true", "-p:ReportAnalyzer=true", "-v:detailed")[2]
        for line in text.splitlines():
            if re.search(r"Total (analyzer|generator) execution time|^\s+[<\d.]+\s+[<\d]+\s+\S+, Version=", line):
                print("  " + line.strip())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
