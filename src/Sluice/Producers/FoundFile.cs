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
}
