using System.IO.Enumeration;
using System.Security.Cryptography;

namespace Sluice.Producers;

/// <summary>The files that a path with <c>*</c>, <c>?</c> and <c>**</c> names. Immutable.</summary>
internal sealed class LogPaths
{
    private const string AnyDepth = "**";
    private const int TooManyInSystem = 23, TooManyInProcess = 24;               // ENFILE and EMFILE: open files

    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false };
    private static readonly EnumerationOptions Accessible = new() { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = true };

    private readonly string[] segments;              // below the root; empty if the path has no wildcard
    private readonly Action<string>? listing;

    /// <param name="path">The path. A <c>**</c> at its end means all files below.</param>
    /// <param name="listing">Called with each directory before a scan lists it; for tests.</param>
    /// <exception cref="ArgumentException">There is a <c>**</c> within a name.</exception>
    public LogPaths(string path, Action<string>? listing = null)
    {
        this.listing = listing;
        Path = System.IO.Path.GetFullPath(path);
        string[] all = Path.Split(System.IO.Path.DirectorySeparatorChar);
        int first = Array.FindIndex(all, static part => part.AsSpan().IndexOfAny('*', '?') >= 0);
        segments = first < 0 ? [] : all[^1] == AnyDepth ? [.. all[first..], "*"] : all[first..];
        if (Array.Find(segments, static part => part != AnyDepth && part.Contains(AnyDepth, StringComparison.Ordinal)) is { } part)
            throw new ArgumentException($"The path '{path}' has '{part}', where ** means no more than *. Write **/"
                + $"{part.Replace(AnyDepth, "*", StringComparison.Ordinal)} for files in directories of any depth.", nameof(path));
        Root = first < 0 ? System.IO.Path.GetDirectoryName(Path) ?? Path
            : string.Join(System.IO.Path.DirectorySeparatorChar, all[..first]) + (first == 1 ? System.IO.Path.DirectorySeparatorChar : "");
    }

    /// <summary>The given path, made absolute.</summary>
    public string Path { get; }

    /// <summary>The directory before the first wildcard.</summary>
    public string Root { get; }

    /// <summary>Whether the path has wildcards, so that it may name several files.</summary>
    public bool IsPattern => segments.Length > 0;

    /// <summary>
    /// The id of a file: a digest of its path below the root, so that a directory can be moved with its files. Without wildcards it is 1.
    /// </summary>
    public UInt128 IdOf(string file)
        => IsPattern ? BinaryPrimitives.ReadUInt128LittleEndian(
        SHA256.HashData(Encoding.UTF8.GetBytes(System.IO.Path.GetRelativePath(Root, file)))) : UInt128.One;

    /// <summary>Scans once.</summary>
    /// <returns>The files in the order of their paths; for a pattern also their rotated files, which do not match
    /// (<see cref="IsMatch"/>).</returns>
    /// <param name="leavesOut">Called with each directory below the root that cannot be listed. Returns whether its files are left
    /// out.</param>
    /// <exception cref="DirectoryNotFoundException">The root does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not list the root, or not see a path without wildcards.</exception>
    /// <exception cref="IOException">The path without wildcards is a directory, the root cannot be listed, or this process or the system
    /// has too many open files.</exception>
    public List<FoundFile> Find(Func<string, Exception, bool> leavesOut)
    {
        var found = new List<FoundFile>();
        if (!IsPattern)
        {
            if (FoundFile.At(Path) is { } file) found.Add(file);
            else if (Directory.Exists(Path))
                throw new IOException($"{Path} is a directory. Name a file, or a pattern of files: {System.IO.Path.Join(Path, "*.log")}");
            else FoundFile.ThrowIfHidden(Path);
            return found;
        }
        if (!Directory.Exists(Root))
        {
            FoundFile.ThrowIfHidden(Root);
            throw new DirectoryNotFoundException(
                $"The directory {Root}, in which the files {Path} are to be found, does not exist. Make it, or name another one.");
        }
        Find(Root, 0, found, leavesOut);
        found.Sort(static (one, other) => string.CompareOrdinal(one.Path, other.Path));
        for (int i = found.Count - 1; i > 0; i--)
            if (found[i].Path == found[i - 1].Path) found.RemoveAt(i);           // ** finds a file in several ways
        return found;
    }

    /// <summary>Whether the pattern itself names the file.</summary>
    public bool IsMatch(string file) => NameMatches(System.IO.Path.GetFileName(file.AsSpan()));

    /// <summary>The files of a directory whose names match; none if this user may not list it.</summary>
    public static IEnumerable<FoundFile> In(string directory, Func<ReadOnlySpan<char>, bool> isWanted)
        => Directory.Exists(directory) ? In(directory, isWanted, Accessible) : [];

    private static IEnumerable<FoundFile> In(string directory, Func<ReadOnlySpan<char>, bool> isWanted, EnumerationOptions options)
        => new FileSystemEnumerable<FoundFile?>(directory, Look, options)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => isWanted(entry.FileName) && !entry.IsDirectory,
        }.OfType<FoundFile>();

    private static FoundFile? Look(ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) != FileAttributes.None
        ? FoundFile.At(entry.ToFullPath())
        : new(entry.ToFullPath(), entry.Length, entry.LastWriteTimeUtc.UtcDateTime);

    private void Find(string directory, int at, List<FoundFile> found, Func<string, Exception, bool> leavesOut)
    {
        int before = found.Count;
        try
        {
            listing?.Invoke(directory);
            FindIn(directory, at, found, leavesOut);
        }
        catch (DirectoryNotFoundException) when (directory != Root)
        {
            // Deleted since it was listed, or its name is no UTF-8. The other directories are there.
        }
        catch (Exception e) when (directory != Root && (e is UnauthorizedAccessException || IsOfDirectory(e)))
        {
            if (!leavesOut(directory, e)) throw;
            found.RemoveRange(before, found.Count - before);                     // of its rotated files some may be missing
        }
    }

    /// <summary>Whether the other directories can be listed nevertheless, as with a mount that is away.</summary>
    private static bool IsOfDirectory(Exception e) => e is IOException { HResult: not (TooManyInSystem or TooManyInProcess) };

    private void FindIn(string directory, int at, List<FoundFile> found, Func<string, Exception, bool> leavesOut)
    {
        string segment = segments[at];
        bool isLast = at == segments.Length - 1;
        if (segment == AnyDepth)
        {
            Find(directory, at + 1, found, leavesOut);
            foreach (string inner in Directories(directory, "*")) Find(inner, at, found, leavesOut);
        }
        else if (isLast) found.AddRange(In(directory, name => NameMatches(name)
            || Rotation.LiveNames(name.ToString()).Exists(live => NameMatches(live)), Everything));
        else foreach (string inner in Directories(directory, segment)) Find(inner, at + 1, found, leavesOut);
    }

    // Links are left out: they may lead back.
    private static FileSystemEnumerable<string> Directories(string directory, string pattern)
        => new FileSystemEnumerable<string>(directory, static (ref FileSystemEntry entry) => entry.ToFullPath(), Everything)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => entry.IsDirectory
                && (entry.Attributes & FileAttributes.ReparsePoint) == FileAttributes.None && Matches(pattern, entry.FileName),
        };

    private bool NameMatches(ReadOnlySpan<char> name) => Matches(segments[^1], name);

    private static bool Matches(string pattern, ReadOnlySpan<char> name)
        => (name is not ['.', ..] || pattern is ['.', ..]) && FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
}
