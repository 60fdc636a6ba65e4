namespace Sluice.Producers;

/// <summary>A file as a scan of its directory found it.</summary>
internal readonly record struct FoundFile(string Path, long Length, DateTime Written)
{
    /// <summary>Reads the state of one file. For a link, of its target: a link has its own length and time.</summary>
    public static FoundFile? At(string path)
    {
        var file = new FileInfo(path);
        try
        {
            if (file.LinkTarget is not null && file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target) file = target;
            return file.Exists ? new(path, file.Length, file.LastWriteTimeUtc) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;                             // circular links, or deleted since it was listed
        }
    }

    /// <summary>The file that a link leads to in the end; null for anything else.</summary>
    public static string? TargetOf(string path)
    {
        try
        {
            return new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;                             // circular links, or no file at all
        }
    }

    /// <summary>Whether the file certainly does not exist, or is a link that leads to no file.</summary>
    public static bool IsGone(string path)
    {
        if (At(path) is not null) return false;
        try
        {
            ThrowIfHidden(path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Returns if nothing has this path, or something that <see cref="At"/> takes for no file.</summary>
    /// <exception cref="UnauthorizedAccessException">This user may not see whether there is a file.</exception>
    /// <exception cref="IOException">The system does not tell whether there is a file.</exception>
    public static void ThrowIfHidden(string path)
    {
        try
        {
            if ((File.GetAttributes(path) & FileAttributes.ReparsePoint) != FileAttributes.None
                && new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true) is { } target) File.GetAttributes(target.FullName);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // It does not exist.
        }
    }
}
