namespace Sluice.Bench;

/// <summary>A temporary directory for the files of one run, deleted when disposed.</summary>
internal sealed class Scratch : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-bench-");

    public string File => Path.Combine(directory.FullName, "store.db");

    /// <summary>The size of its files.</summary>
    public long Bytes => directory.EnumerateFiles().Sum(static file => file.Length);

    public void Dispose() => directory.Delete(recursive: true);
}
