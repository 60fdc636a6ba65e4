using Sluice.Topologies;

namespace Sluice.Engine;

/// <summary>The files that the sources and sinks of one run name, checked before any of them is opened.</summary>
/// <remarks>A sink empties its file when it opens it, so an error at that moment would come too late for a source of the same file. Used
/// while the run is built, by one thread.</remarks>
internal sealed class RunFiles
{
    private readonly HashSet<string> read = new(WrittenFiles.Comparer), written = new(WrittenFiles.Comparer);

    /// <exception cref="InvalidTopologyException">A sink of the run writes the file.</exception>
    public void Read(string path)
    {
        if (WrittenFiles.Find(path) is not { } file) return;
        if (written.Contains(file)) throw ReadAndWritten(path);
        read.Add(file);
    }

    /// <exception cref="InvalidTopologyException">A source of the run reads the file, or another sink of the run writes it.</exception>
    public void Write(string path)
    {
        if (WrittenFiles.Find(path) is not { } file) return;
        if (read.Contains(file)) throw ReadAndWritten(path);
        if (!written.Add(file))
            throw new InvalidTopologyException(
                $"{path} would be written by two sinks of this pipeline, and each would overwrite the lines of the other. Give each sink a "
                    + "file of its own, or lead both branches into one sink.");
    }

    private static InvalidTopologyException ReadAndWritten(string path)
        => new($"{path} would be read by a source of this pipeline and emptied by its sink, before a line was read. Give the sink another "
            + "file.");
}

/// <summary>The files that sinks of this process are writing. Thread-safe.</summary>
internal static class WrittenFiles
{
    private static readonly HashSet<string> InUse = new(Comparer);

    private const int MaxLinks = 40;                 // as many as Linux follows

    public static StringComparer Comparer => OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() ? StringComparer.OrdinalIgnoreCase
        : StringComparer.Ordinal;

    /// <summary>Returns the full path behind links; null for a device, which any number of sinks may write to.</summary>
    public static string? Find(string path)
    {
        string full = Path.GetFullPath(path);
        if (!OperatingSystem.IsWindows() && full.StartsWith("/dev/", StringComparison.Ordinal)
            && !full.StartsWith("/dev/shm/", StringComparison.Ordinal)) return null;         // where files in memory are
        try
        {
            int links = 0;
            return Real(full, ref links);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return full;                             // a path that cannot be opened either, which says why
        }
    }

    // Directories may be links, too.
    private static string Real(string path, ref int links)
    {
        if (Path.GetDirectoryName(path) is not { } directory) return path;
        string full = Path.Combine(Real(directory, ref links), Path.GetFileName(path));
        return links < MaxLinks && TargetOf(full) is { } target && links++ < MaxLinks ? Real(target.FullName, ref links) : full;
    }

    // A file that a sink will make does not exist yet, and its directories may be links nevertheless.
    private static FileSystemInfo? TargetOf(string path)
    {
        try
        {
            return new FileInfo(path).ResolveLinkTarget(returnFinalTarget: false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Takes the file until the returned claim is disposed.</summary>
    /// <exception cref="IOException">Another sink of this process is writing it.</exception>
    public static IDisposable Take(string path)
    {
        string? file = Find(path);
        lock (InUse)
        {
            if (file is null || InUse.Add(file)) return new Claim(file);
        }
        throw new IOException($"{path} is being written by another sink of this process. End its run first, or give each sink a file of "
            + "its own.");
    }

    private sealed class Claim(string? file) : IDisposable
    {
        private string? held = file;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref held, null) is not { } taken) return;
            lock (InUse) InUse.Remove(taken);
        }
    }
}
