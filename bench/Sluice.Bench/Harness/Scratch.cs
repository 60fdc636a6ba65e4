namespace Sluice.Bench;

/// <summary>A temporary directory for the files of one run, deleted when disposed.</summary>
internal sealed class Scratch : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-bench-");

    public string File => Path.Combine(directory.FullName, "store.db");

    public void Dispose() => directory.Delete(recursive: true);
}
