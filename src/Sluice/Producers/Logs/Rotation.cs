using System.Buffers;

namespace Sluice.Producers;

/// <summary>Recognises the rotated files of a followed file, and their order.</summary>
/// <remarks>
/// app.log.1, app.log-20260131, app.log.2026-01-31, app.log.old: the name, one of the characters <c>. - _</c>, then digits or a word for
/// old.
/// </remarks>
internal static class Rotation
{
    private const int MaxCount = 4;              // longer numbers are dates

    private static readonly SearchValues<char> OfTimes = SearchValues.Create("0123456789.-_:T");

    private static readonly string[] Words = ["old", "bak", "prev", "backup"];

    public static bool IsOf(ReadOnlySpan<char> name, ReadOnlySpan<char> live)
    {
        if (name.Length < live.Length + 2 || !name.StartsWith(live, StringComparison.Ordinal) || !IsSeparator(name[live.Length]))
            return false;
        ReadOnlySpan<char> suffix = name[(live.Length + 1)..];
        if (char.IsAsciiDigit(suffix[0])) return !suffix.ContainsAnyExcept(OfTimes);
        foreach (string word in Words)
            if (suffix.SequenceEqual(word)) return true;
        return false;
    }

    /// <summary>The names of the files whose rotated file this may be, by its name.</summary>
    public static List<string> LiveNames(string name)
    {
        List<string> live = [];
        for (int i = 1; i < name.Length - 1; i++)
            if (IsSeparator(name[i]) && IsOf(name, name.AsSpan(0, i))) live.Add(name[..i]);
        return live;
    }

    /// <summary>The rotated files of a followed file, the oldest first. Those of a link are beside the link or beside a target.</summary>
    /// <param name="live">The path.</param>
    /// <param name="former">The target that the link had when it was read last; null if there was none.</param>
    public static List<FoundFile> Of(string live, string? former)
    {
        List<FoundFile> found = Beside(live);
        string? target = FoundFile.TargetOf(live);
        if (target is not null) found.RemoveAll(one => one.Path == target);      // the target may be named like a rotated file
        List<FoundFile> beside = target is null ? [] : New(Beside(target), found, live);
        // The link was pointed to a new file, as by cronolog, or is away for a moment. The new file may have been rotated since.
        if (former is not null && former != target)
        {
            List<FoundFile> files = Beside(former);
            if (FoundFile.At(former) is { } left) files.Add(left);
            files = New(New(files, found, live), beside, target);
            int next = files.Count == 0 ? -1 : beside.FindIndex(one => one.Written >= files[^1].Written);
            beside.InsertRange(next < 0 ? beside.Count : next, files);
        }
        found.AddRange(beside);
        return found;
    }

    private static List<FoundFile> New(List<FoundFile> files, List<FoundFile> known, string? live)
        => files.FindAll(one => one.Path != live && !known.Exists(other => other.Path == one.Path));

    private static List<FoundFile> Beside(string live)
    {
        string name = Path.GetFileName(live);
        return Sorted([.. LogPaths.In(Path.GetDirectoryName(live)!, other => IsOf(other, name))], live.Length);
    }

    /// <summary>
    /// Orders rotated files, oldest first: by number if they have one, since a program may still write to a rotated file; otherwise by
    /// time, then by name. The order of <paramref name="files"/> does not matter.
    /// </summary>
    /// <param name="files">The rotated files of one path.</param>
    /// <param name="live">The length of that path.</param>
    public static List<FoundFile> Sorted(List<FoundFile> files, int live)
    {
        List<FoundFile> sorted = files.FindAll(one => CountOf(one.Path, live) is not null);
        sorted.Sort((one, other) => CountOf(other.Path, live)!.Value.CompareTo(CountOf(one.Path, live)!.Value) is not 0 and var byCount
            ? byCount : ByTime(one, other));
        if (sorted.Count == files.Count) return sorted;
        // One comparison for both kinds would be a circle: .2 before .1 before .old before .2, by number, time and time.
        List<FoundFile> others = files.FindAll(one => CountOf(one.Path, live) is null);
        others.Sort(ByTime);
        foreach (FoundFile other in others)
        {
            int at = sorted.FindIndex(one => one.Written > other.Written);
            sorted.Insert(at < 0 ? sorted.Count : at, other);
        }
        return sorted;
    }

    private static int ByTime(FoundFile one, FoundFile other)
        => one.Written.CompareTo(other.Written) is not 0 and var byTime ? byTime : string.CompareOrdinal(one.Path, other.Path);

    private static int? CountOf(string path, int live)
        => path.Length - live - 1 is > 0 and <= MaxCount
        && int.TryParse(path.AsSpan(live + 1), System.Globalization.NumberStyles.None, null, out int count) ? count : null;

    private static bool IsSeparator(char one) => one is '.' or '-' or '_';
}
