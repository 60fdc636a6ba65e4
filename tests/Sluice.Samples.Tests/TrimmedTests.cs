using System.Runtime.InteropServices;

namespace Sluice.Samples.Tests;

/// <summary>A trimmed program prints the same as the untrimmed one, so the trimmer removes nothing that Sluice needs.</summary>
[Long("TrimmingTests, which ask the trimmer about whole packages; they compare no output")]
public sealed class TrimmedTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("sluice-trimmed-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public async Task TrimmedPipelinesGraphsStepsAndConsecutorsPrintTheSame()
    {
        string project = Path.Combine("tests", "Sluice.Trimmed"), name = Path.GetFileName(project);
        // Warnings of the trimmer are errors, like all warnings. The analyzers ran in the main build. This build has its own folder and
        // does not touch the output of the main build. It uses the compiler that the main build has left running. The output goes to a
        // file, which may stay open: servers of the build outlive it.
        string architecture = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(), log = $"{directory}/{name}.log";
        using (var publish = SampleProcess.StartProgram(TimeSpan.FromMinutes(7.5), directory, "sh", "-c", "exec \"$@\" >\"$0\" 2>&1", log,
            "env", "MSBUILDDISABLENODEREUSE=1", "DOTNET_CLI_USE_MSBUILD_SERVER=0",
            "dotnet", "publish", Path.Combine(Root, project, $"{name}.csproj"), "-c", "Release", "-r", $"linux-{architecture}",
            "--self-contained", "-v", "quiet", "-maxcpucount:1", "-p:UseSharedCompilation=true", "-p:RunAnalyzers=false",
            $"-p:ArtifactsPath={directory}/artifacts", "-o", $"{directory}/{name}"))
            Assert.True((await publish.EndAsync()).ExitCode == 0, $"dotnet publish of {name} failed:\n{File.ReadAllText(log)}");
        string trimmed = await SucceedAsync($"{directory}/{name}/{name}");
        using var whole = SampleProcess.Start(name, directory);
        string expected = (await whole.EndAsync()).SucceededWithFailedItems().Output;
        Assert.Contains("paycheck", expected, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(expected, trimmed);
    }

    private static string Root
    {
        get
        {
            var at = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(at.FullName, "Sluice.slnx"))) at = at.Parent!;
            return at.FullName;
        }
    }

    private async Task<string> SucceedAsync(string program)
    {
        using var process = SampleProcess.StartProgram(TimeSpan.FromMinutes(7.5), directory, program);
        Ended ended = await process.EndAsync();
        Assert.True(ended.ExitCode == 0, $"{program} ended with {ended.ExitCode}\n{ended.Output}\n{ended.Errors}");
        return ended.Output;
    }
}
