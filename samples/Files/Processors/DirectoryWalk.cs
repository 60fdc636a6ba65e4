namespace Files.Processors;

/// <summary>All files below a directory, in the order of their names: the same whenever it is repeated.</summary>
internal static class DirectoryWalk
{
    private static readonly EnumerationOptions Everything = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
        ReturnSpecialDirectories = false
    };

    /// <returns>Paths from the directory on; one that cannot be looked into with the reason. A link to a directory is a file that cannot be
    /// read, or there might be no end.</returns>
    public static IEnumerable<(string Path, string? Trouble)> Of(string root)
    {
        var ahead = new Stack<(string Path, bool IsDirectory)>();
        ahead.Push(("", true));
        while (ahead.TryPop(out var next))
        {
            if (!next.IsDirectory)
            {
                yield return (next.Path, null);
                continue;
            }
            if (Below(root, next.Path, out string? trouble) is { } entries)
                foreach (var entry in entries) ahead.Push(entry);
            else yield return (next.Path.Length == 0 ? "." : next.Path, trouble);
        }
    }

    // Names of one directory are in memory at a time; the last first, as they are put on a stack.
    private static List<(string Path, bool IsDirectory)>? Below(string root, string path, out string? trouble)
    {
        trouble = null;
        try
        {
            List<(string Path, bool IsDirectory)> entries =
                [.. new DirectoryInfo(Path.Combine(root, path)).EnumerateFileSystemInfos("*", Everything)
                .Select(entry => (Path.Combine(path, entry.Name),
                (entry.Attributes & (FileAttributes.Directory | FileAttributes.ReparsePoint)) == FileAttributes.Directory))];
            entries.Sort((left, right) => string.CompareOrdinal(right.Path, left.Path));
            return entries;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            trouble = $"cannot be looked into: {failure.Message}";
            return null;
        }
    }
}
