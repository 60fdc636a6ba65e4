using Sluice.Diagnostics;

namespace Sluice.Producers;

/// <summary>Scans for followed files that have changed. Used by one pump.</summary>
internal sealed class LogWatch(string producer, LogPaths paths, ResumableLinesOptions options, LogPositions positions, TimeProvider time)
{
    private static readonly TimeSpan Forgotten = TimeSpan.FromDays(1), Outdated = TimeSpan.FromDays(7), Mounting = TimeSpan.FromHours(1);

    private readonly Dictionary<string, FollowedFile> known = new(StringComparer.Ordinal);
    private readonly Dictionary<UInt128, FollowedFile> byId = [];
    // by their earlier path, from the latest scan
    private readonly Dictionary<string, List<FoundFile>> rotated = new(StringComparer.Ordinal);
    private readonly HashSet<string> told = new(StringComparer.Ordinal);
    private HashSet<string> closed = new(StringComparer.Ordinal);        // directories that the latest scan could not list
    private readonly HashSet<UInt128> missed = [];   // files that were gone for a day in directories that could be listed
    private string? failure;                         // of the latest scan
    private readonly long begun = time.GetTimestamp();
    private bool hasScanned;                         // the directory was there in a scan
    private bool hasBegun;                           // with the file of the stored position

    public bool IsPattern => paths.IsPattern;

    /// <summary>The number of the latest scan.</summary>
    public long Scan { get; private set; }

    /// <summary>The file with which the next scan begins; null for the order of the paths.</summary>
    public FollowedFile? First { get; set; }

    /// <summary>Scans once.</summary>
    /// <returns>The files to visit, the file of the stored position first.</returns>
    /// <exception cref="IOException">Without <see cref="ResumableLinesOptions.PollInterval"/>: the directory does not exist, or cannot be
    /// listed.</exception>
    /// <exception cref="UnauthorizedAccessException">Without <see cref="ResumableLinesOptions.PollInterval"/>: this user may not list the
    /// directory.</exception>
    public List<FollowedFile> Look()
    {
        if (Found(out bool isThere) is not { } found) return [];
        Scan++;
        var due = new List<FollowedFile>();
        HashSet<string> names = Sort(found);
        foreach (FoundFile file in found)
        {
            if (paths.IsPattern && (!names.Contains(file.Path) || !IsWanted(file.Path, names))) continue;
            FollowedFile followed = Follow(file.Path);
            (followed.Found, followed.Round, followed.IsGone) = (file, Scan, false);
            if (followed.HasMore || followed.IsBehind || followed.Read != file) due.Add(followed);
        }
        if (!paths.IsPattern) Follow(paths.Path);
        if (!hasScanned)
            // renamed between two polls, and not recreated yet
            foreach (string live in rotated.Keys.Where(live => positions.Find(paths.IdOf(live)) is not null)) Follow(live);
        List<FollowedFile>? forgotten = null;
        foreach (FollowedFile followed in known.Values)
        {
            if (followed.Round == Scan || IsHidden(followed.Path)) continue;
            followed.Found = null;
            if (!followed.IsGone) due.Add(followed);
            else if (paths.IsPattern && time.GetElapsedTime(followed.GoneSince) >= Forgotten) (forgotten ??= []).Add(followed);
        }
        if (forgotten is not null) missed.RemoveWhere(id => positions.Find(id) is null);
        foreach (FollowedFile followed in forgotten ?? [])
        {
            known.Remove(followed.Path);
            byId.Remove(followed.Id);
            missed.Add(followed.Id);
        }
        if (forgotten is not null) positions.Forget(IsForgotten);
        hasScanned |= isThere;
        if (First is { } first && due.IndexOf(first) is > 0 and int behind) due = [.. due[behind..], .. due[..behind]];
        First = null;
        if (!hasBegun && positions.Current is { } current && due.FindIndex(one => one.Id == current.File) is >= 0 and int at)
            (hasBegun, due[0], due[at]) = (true, due[at], due[0]);
        positions.CountGone(IsForgotten);
        return due;
    }

    /// <summary>Whether a rotated file of a path was written to since, and has more bytes than were read of the path.</summary>
    public bool MayBeRotated(FollowedFile file, LogRow row)
        => (paths.IsPattern ? rotated.GetValueOrDefault(file.Path) : Rotation.Of(file.Path, file.Target))?
            .Exists(one => IsNewer(one, row)) ?? false;

    /// <summary>The rotated files of a path, oldest first.</summary>
    /// <remarks>Those of a pattern are from the latest scan: a list of the directory for each of 10,000 rotated files takes minutes.
    /// A link may have rotated files beside its targets, which the scan has not seen.</remarks>
    /// <param name="file">The path.</param>
    /// <param name="target">The target of the path now; null if it is no link.</param>
    public List<FoundFile> Rotated(FollowedFile file, string? target)
    {
        if (!paths.IsPattern || target is not null || file.Target is not null) return Rotation.Of(file.Path, file.Target);
        List<FoundFile> files = rotated.GetValueOrDefault(file.Path) ?? [];
        return Rotation.Sorted(files, file.Path.Length);
    }

    public static bool IsNewer(in FoundFile one, in LogRow row) => one.Written.Ticks > row.Written && one.Length > row.Offset;

    /// <summary>
    /// Whether a file has been missing for a day of this run; or, as runs may be shorter, for an hour of it, and nobody wrote to the file
    /// for a week. The hour is for directories that are mounted after the start. While a directory cannot be listed, a file that this run
    /// has not seen may be there.
    /// </summary>
    public bool IsForgotten(LogRow row) => !byId.ContainsKey(row.File) && (missed.Contains(row.File) || (closed.Count == 0
        && (time.GetElapsedTime(begun) is var run && run >= Forgotten
        || (hasScanned && run >= Mounting && time.GetUtcNow().Ticks - row.Written >= Outdated.Ticks))));

    /// <summary>Marks a path whose files no longer exist.</summary>
    public void IsGone(FollowedFile file) => (file.IsGone, file.IsBehind, file.GoneSince, file.Read) = (true, false, time.GetTimestamp(),
        null);

    /// <summary>Never throws: a handler that fails, or a full disk behind standard error, does not end the reading.</summary>
    public void Warn(string text) => Warnings.Tell(options.OnWarning, $"The producer '{producer}': {text}");

    /// <returns>The paths that the pattern names.</returns>
    private HashSet<string> Sort(List<FoundFile> found)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        rotated.Clear();
        if (!paths.IsPattern) return names;
        foreach (FoundFile file in found)
        {
            if (paths.IsMatch(file.Path)) names.Add(file.Path);
            foreach (string live in Rotation.LiveNames(Path.GetFileName(file.Path)))
            {
                string path = Path.Combine(Path.GetDirectoryName(file.Path)!, live);
                if (!rotated.TryGetValue(path, out List<FoundFile>? files)) rotated.Add(path, files = []);
                files.Add(file);
            }
        }
        return names;
    }

    /// <param name="isThere">Whether the directory exists.</param>
    /// <returns>The files; null if the scan has failed, and says nothing of them.</returns>
    private List<FoundFile>? Found(out bool isThere)
    {
        isThere = true;
        var now = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            List<FoundFile> found = paths.Find((directory, why) =>
            {
                if (why is IOException && options.PollInterval is null) return false;
                if (now.Add(directory) && !closed.Contains(directory))
                    Warn($"The directory {directory} cannot be listed, and its files are left out until it can: {why.Message}");
                return true;
            });
            (closed, failure) = (now, null);
            return found;
        }
        catch (DirectoryNotFoundException e) when (options.PollInterval is not null)
        {
            if (told.Add(paths.Root)) Warn($"{e.Message} It is looked for again.");
            isThere = false;
            return [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && options.PollInterval is not null)
        {
            if (failure != e.Message) Warn($"{paths.Path} cannot be looked for, and is tried again: {failure = e.Message}");
            return null;
        }
    }

    private bool IsHidden(string path)
    {
        foreach (string directory in closed)
            if (path.Length > directory.Length && path[directory.Length] == Path.DirectorySeparatorChar
                && path.StartsWith(directory, StringComparison.Ordinal)) return true;
        return false;
    }

    private bool IsWanted(string path, HashSet<string> names)
    {
        if (known.ContainsKey(path)) return true;
        if (NameBytes.IsText(path))
            return !Rotation.LiveNames(Path.GetFileName(path))
                .Exists(live => IsFollowed(Path.Combine(Path.GetDirectoryName(path)!, live), names));
        if (told.Add(path))
            Warn($"{NameBytes.Shown(path)} is left out, because its name is no UTF-8 (\\uFFFD stands for bytes that are no text; 'ls -b' "
                + $"shows them). Rename it, and its lines are read.");
        return false;
    }

    private bool IsFollowed(string live, HashSet<string> names)
        => names.Contains(live) || known.ContainsKey(live) || positions.Find(paths.IdOf(live)) is not null;

    private FollowedFile Follow(string path)
    {
        if (known.TryGetValue(path, out FollowedFile? followed)) return followed;
        followed = new(path, paths.IdOf(path));
        known.Add(path, followed);
        byId.Add(followed.Id, followed);
        missed.Remove(followed.Id);
        return followed;
    }
}
