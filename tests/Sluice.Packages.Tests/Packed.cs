using System.IO.Compression;
using System.Reflection;

[assembly: AssemblyFixture(typeof(Sluice.Packages.Tests.Packed))]

namespace Sluice.Packages.Tests;

/// <summary>All packages of the solution, packed once for all tests to a folder of their own.</summary>
public sealed class Packed : IAsyncLifetime
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-packages-");

    internal static string Root { get; } = FindRoot();

    /// <summary>The folder with the packages: a package source.</summary>
    internal string Source => Path.Combine(directory.FullName, "source");

    /// <summary>The folder into which clean directories restore. No package of Sluice is in it before.</summary>
    internal string PackageFolder => Path.Combine(directory.FullName, "packages");

    /// <summary>The folder of the packages that the build of the solution has restored.</summary>
    internal static string BuildPackageFolder { get; } = typeof(Packed).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(static attribute => attribute.Key == "PackageRoot").Value!;

    /// <summary>The names of the packages in the folder.</summary>
    internal IReadOnlyList<string> Names => [.. Directory.GetFiles(Source, "*.nupkg")
        .Select(path => Path.GetFileName(path)[..^$".{Version}.nupkg".Length]).Order(StringComparer.Ordinal)];

    /// <summary>The version of all packages.</summary>
    internal string Version { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Source);
        // Packages hold the Release build. ./test has made it; another build of these tests has to make it first.
        bool isRelease = AppContext.BaseDirectory.TrimEnd('/').EndsWith("release", StringComparison.OrdinalIgnoreCase);
        await Dotnet.RunAsync(Root, [], ["pack", "Sluice.slnx", "-c", "Release", "-o", Source, "-v", "quiet", "--nologo",
            .. isRelease ? ["--no-build"] : Array.Empty<string>()]);
        string core = Path.GetFileName(Directory.GetFiles(Source, "Sluice.*.nupkg").MinBy(static path => path.Length)!);
        Version = core["Sluice.".Length..^".nupkg".Length];
    }

    public ValueTask DisposeAsync()
    {
        directory.Delete(recursive: true);
        return default;
    }

    internal ZipArchive Open(string name, string extension = "nupkg")
        => ZipFile.OpenRead(Path.Combine(Source, $"{name}.{Version}.{extension}"));

    private static string FindRoot()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Sluice.slnx"))) at = at.Parent!;
        return at.FullName;
    }
}
