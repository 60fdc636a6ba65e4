using System.Diagnostics;
using System.Text.Json;

namespace Sluice.Architecture.Tests;

/// <summary>
/// The packages lose nothing that they need when a program is published trimmed. This asks the trimmer itself about whole assemblies.
/// Builds outside of <c>./test</c> ask the compiler's analyzers, too, which take a fifth of a build.
/// </summary>
[StartsProcesses]
public sealed class TrimmingTests
{
    [Fact]
    public async Task TheTrimmerHasNoWarningsForThePackages()
    {
        string[] packages = [.. Repository.Packages.Where(static name => name is not ("Sluice.Generators" or "Sluice.Cli"))];
        string output = Directory.CreateTempSubdirectory("sluice-trimming-").FullName;
        try
        {
            List<string> arguments = [Trimmer(), "-out", output, "--singlewarn-", "--trim-mode", "skip", "--action", "skip"];
            foreach (string package in packages)
                arguments.AddRange(["-a", Path.Combine(AppContext.BaseDirectory, $"{package}.dll"), "library",
                    "--action", "link", package]);
            foreach (string file in ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator))
                if (!packages.Contains(Path.GetFileNameWithoutExtension(file))) arguments.AddRange(["-reference", file]);

            using Process trimmer = Process.Start(new ProcessStartInfo("dotnet", arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            Task<string> errors = trimmer.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            string said = await trimmer.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken) + await errors;
            await trimmer.WaitForExitAsync(TestContext.Current.CancellationToken);

            Assert.True(trimmer.ExitCode == 0 && said.Length == 0, $"The trimmer ended with {trimmer.ExitCode}:\n{said}");
            Assert.All(packages, package => Assert.True(File.Exists(Path.Combine(output, $"{package}.dll")), package));
        }
        finally
        {
            Directory.Delete(output, recursive: true);
        }
    }

    /// <summary>The trimmer that the SDK uses for the core: its version is in what the restore has written.</summary>
    private static string Trimmer()
    {
        using var assets = JsonDocument.Parse(Repository.Read("artifacts/obj/Sluice/project.assets.json"));
        string package = assets.RootElement.GetProperty("libraries").EnumerateObject()
            .Single(static library => library.Name.StartsWith("Microsoft.NET.ILLink.Tasks/", StringComparison.Ordinal))
            .Value.GetProperty("path").GetString()!;
        return assets.RootElement.GetProperty("packageFolders").EnumerateObject()
            .Select(folder => Path.Combine(folder.Name, package, "tools", "net", "illink.dll")).First(File.Exists);
    }
}
