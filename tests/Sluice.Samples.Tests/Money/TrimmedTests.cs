using System.Runtime.InteropServices;

namespace Sluice.Samples.Tests.Money;

/// <summary>The money samples, published without whatever they do not use: nothing that Sluice needs may be among that.</summary>
public class TrimmedTests
{
    [Fact]
    public async Task ATrimmedProgramDrawsAndComputesTheSame()
    {
        string directory = Directory.CreateTempSubdirectory("sluice-trimmed-").FullName;
        try
        {
            // Warnings of the trimmer are errors, as all warnings are. A build of its own: nobody else's output is touched.
            string architecture = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
            await SucceedAsync(directory, "dotnet", "publish", Path.Combine(Root, "samples", "Money", "Money.csproj"), "-c", "Release",
                "-r", $"linux-{architecture}", "--self-contained", "-v", "quiet", "--disable-build-servers", "-maxcpucount:1",
                $"-p:ArtifactsPath={directory}/artifacts", "-o", $"{directory}/published");
            foreach (string sample in new[] { "paycheck", "mortgage", "investment", "budget", "profit" })
            {
                string trimmed = await SucceedAsync(directory, $"{directory}/published/Money", sample);
                Assert.Equal((await MoneyRun.RunAsync(sample)).Succeeded().Output, trimmed);
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
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

    private static async Task<string> SucceedAsync(string directory, string program, params string[] arguments)
    {
        using var process = SampleProcess.StartProgram(TimeSpan.FromMinutes(5.5), directory, program, arguments);
        Ended ended = await process.EndAsync();
        Assert.True(ended.ExitCode == 0, $"{program} ended with {ended.ExitCode}\n{ended.Output}\n{ended.Errors}");
        return ended.Output;
    }
}
