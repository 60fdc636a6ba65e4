using System.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Sluice.Redis.Tests;

namespace Sluice.Architecture.Tests;

/// <summary>
/// The programs of the guides, and of all documents that show output, run and print what the document shows. A program is a block
/// <c>```csharp</c> with blocks <c>```text output</c> below it. Each of these is a run of the program, all in one folder; in a run marked
/// <c>```text output killed</c> the program kills itself. A program that names <c>localhost:6379</c> gets a Redis server of its own, one
/// that names the port 5080 gets a free one. With <c>SLUICE_APPROVE=1</c> the test writes what was printed into the document.
/// </summary>
[StartsProcesses]
public class GuideTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);         // for a machine under load; a program takes a second

    private static readonly DiagnosticAnalyzer[] Analyzers = [.. typeof(Generators.StepGenerator).Assembly.GetTypes()
        .Where(type => !type.IsAbstract && typeof(DiagnosticAnalyzer).IsAssignableFrom(type))
        .Select(type => (DiagnosticAnalyzer)Activator.CreateInstance(type)!)];

    public static TheoryData<string> Guides => [.. Documents()];

    [Theory, MemberData(nameof(Guides))]
    public async Task AGuideRunsAndPrintsTheOutputItShows(string path)
    {
        string text = Repository.Read(path).ReplaceLineEndings("\n");
        List<(DocsOutput Shown, string Seen)> runs = [];
        foreach (DocsBlock program in DocsBlock.In(path, text).Where(block => block.Outputs.Count > 0))
            runs.AddRange(await RunAsync(program));

        Assert.True(runs.Count > 0, $"{path} has no program with a block ```text output below it.");
        if (Environment.GetEnvironmentVariable("SLUICE_APPROVE") == "1")
        {
            foreach ((DocsOutput shown, string seen) in Enumerable.Reverse(runs))
                text = text.Remove(shown.Index, shown.Text.Length).Insert(shown.Index, seen);
            await File.WriteAllTextAsync(Path.Combine(Repository.Root, path), text);
            return;
        }
        Assert.All(runs, run => Assert.Equal(run.Shown.Text, run.Seen));
    }

    [Fact]
    public void TheIndexNamesEachGuide()
    {
        string index = Repository.Read("docs/guides/README.md");
        Assert.All(Repository.Files("docs/guides", "*.md").Select(path => Path.GetFileName(path)).Where(name => name != "README.md"),
            name => Assert.Contains($"({name})", index, StringComparison.Ordinal));
    }

    [Fact]
    public void TheGettingStartedProjectReferencesExistingProjects()
    {
        var projects = Repository.Read("docs/getting-started.md").Split('"')
            .Where(each => each.StartsWith("../sluice/", StringComparison.Ordinal)).Select(each => each["../sluice/".Length..]).ToList();
        Assert.Equal(3, projects.Count);
        Assert.All(projects, project => Assert.True(File.Exists(Path.Combine(Repository.Root, project)), project));
    }

    [Fact]
    public void CodeThatNewcomersCopyHidesNoUsings()
    {
        var hidden = Repository.Files("", "*.md").SelectMany(DocsBlock.Of)
            .Where(block => block.IsStrict && block.Preludes.Any(prelude => prelude.Code.Split('\n').Any(IsUsing)))
            .Select(block => $"{block.Path}:{block.Line}");
        Assert.Empty(hidden);
    }

    private static IEnumerable<string> Documents() => Repository.Files("docs", "*.md").Where(path => IsGuide(path) || ShowsOutput(path));

    private static bool IsGuide(string path) => path.StartsWith("docs/guides/", StringComparison.Ordinal)
        && path != "docs/guides/README.md";

    private static bool ShowsOutput(string path) => Repository.Read(path).Contains("\n```text output", StringComparison.Ordinal);

    private static bool IsUsing(string line) => line.TrimStart().StartsWith("using ", StringComparison.Ordinal);

    private static async Task<List<(DocsOutput, string)>> RunAsync(DocsBlock program)
    {
        string folder = Directory.CreateTempSubdirectory("sluice-guide-").FullName;
        // Beside the packages, so that the programs find them as the tests do.
        string assembly = Path.Combine(AppContext.BaseDirectory, $"guide-{Guid.NewGuid():N}.dll");
        try
        {
            bool needsRedis = program.Code.Contains("localhost:6379", StringComparison.Ordinal);
            await using RedisServer? redis = needsRedis ? await RedisServer.StartAsync() : null;
            int port = FreePort.Next();
            Compilation compilation = program.Compile(code => code.Replace("localhost:6379", redis?.Address, StringComparison.Ordinal)
                .Replace(":5080", $":{port}", StringComparison.Ordinal), out _);
            var emitted = compilation.Emit(assembly);
            // A reader who copies the program must not get a warning. Builds omit CS1701 and CS1702, which are about packages.
            var complaints = emitted.Diagnostics.Concat(await compilation.WithAnalyzers([.. Analyzers]).GetAnalyzerDiagnosticsAsync())
                .Where(each => each.Severity >= DiagnosticSeverity.Warning && each.Id is not "CS1701" and not "CS1702").ToList();
            Assert.True(complaints.Count == 0, $"{program.Path}:{program.Line}: {string.Join('\n', complaints)}");

            List<(DocsOutput, string)> runs = [];
            foreach (DocsOutput shown in program.Outputs)
            {
                (int code, string output, string errors) = await StartAsync(assembly, folder);
                // Programs about failures are warned of them.
                errors = string.Join('\n', errors.Split('\n').Where(line => line.Length > 0 && !line.StartsWith(
                    "sluice: warning: An item of the consecutor ", StringComparison.Ordinal)));
                bool isExpected = code == (shown.IsKilled ? 137 : 0) && errors.Length == 0;
                Assert.True(isExpected, $"{program.Path}:{program.Line} ended with {code}\n{output}\n{errors}");
                runs.Add((shown, output));
            }
            return runs;
        }
        finally
        {
            File.Delete(assembly);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(int Code, string Output, string Errors)> StartAsync(string assembly, string folder)
    {
        string tests = Path.Combine(AppContext.BaseDirectory, typeof(GuideTests).Assembly.GetName().Name!);
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            ["exec", "--depsfile", $"{tests}.deps.json", "--runtimeconfig", $"{tests}.runtimeconfig.json", assembly])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"Not at its end after {Limit}:\n{await output}\n{await errors}");
        }
        return (process.ExitCode, await output, await errors);
    }
}
