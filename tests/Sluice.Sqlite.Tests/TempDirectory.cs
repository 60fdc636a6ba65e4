namespace Sluice.Sqlite.Tests;

/// <summary>A directory of a test's own, removed with everything in it.</summary>
internal sealed class TempDirectory : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-sqlite-");

    public string Path => directory.FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => directory.Delete(recursive: true);
}
