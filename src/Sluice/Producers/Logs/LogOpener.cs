namespace Sluice.Producers;

/// <summary>
/// Finds and opens the file with the next line of a followed path, although files may have been renamed, copied or truncated.
/// </summary>
/// <remarks>Used by one pump. It recognises a file by its first bytes and by the bytes before the offset, not by its name.</remarks>
internal sealed class LogOpener(LogReader reader, LogPositions positions, LogWatch watch, ResumableLinesOptions options, TimeProvider time)
{
    private const int MaxAlike = 4096;
    private static readonly TimeSpan MaxListing = TimeSpan.FromSeconds(1);           // in one scan: other files are waiting

    private List<FoundFile> earlier = [];            // rotated files of the last path opened, oldest first
    private FoundFile? rotated;                      // the one that the reader has open
    private (long Scan, TimeSpan Time) listed;       // how long directories were listed for rotated files, in the latest scan
    private string? target;                          // of a link, from before the opening: if it is moved in between, no row fits

    /// <summary>Whether the reader has a rotated file open.</summary>
    public bool IsRotated => rotated is not null;

    /// <summary>Whether another scan may find the file at once, because it was renamed during this one, or because others are
    /// waiting.</summary>
    public bool ShouldLookAgain { get; private set; }

    /// <summary>Whether the lines behind the row are lost, so that the reader starts at the beginning of another file.</summary>
    public bool HasLost { get; private set; }

    /// <summary>Opens the file that continues behind the row of a path.</summary>
    /// <returns>Whether there is one now.</returns>
    public bool Open(FollowedFile file)
    {
        (rotated, ShouldLookAgain, HasLost, target) = (null, false, false, FoundFile.TargetOf(file.Path));
        if (positions.Find(file.Id) is not { } row) return TryOpenFirst(file);
        bool isAlike = TryOpenLive(file, row);
        if (isAlike && (row.Offset > MaxAlike || !watch.MayBeRotated(file, row))) return IsLive(file);
        earlier = watch.Rotated(file, target);
        file.IsBehind = true;
        if (TryOpenFitting(file, row, isAlike)) return true;
        if (watch.IsPattern && file.Unmatched == row)
        {
            // The scan may be old: its round waits for the store.
            if (!MayList(file)) return false;
            earlier = Listed(file);
            if (TryOpenFitting(file, row, isAlike)) return true;
        }
        return OpenOther(file, row);
    }

    /// <summary>Whether there is a file that was written after a rotated one, the rotation timeout has passed, and this scan has time for
    /// it. Called at the end of the rotated file.</summary>
    /// <param name="file">The followed path.</param>
    public bool MayGoOn(FollowedFile file)
    {
        FoundFile left = rotated!.Value;
        if (Next(file, out bool isLive) is null) return false;
        long length = reader.Row.Offset + reader.Rest;
        // Only of the file before the live one: each scan passes the rotated files before it again, if they had no whole line.
        if (isLive && options.PollInterval is not null)
        {
            if (file.Ended.Path != left.Path || file.Ended.Length != length) file.Ended = (left.Path, length, time.GetTimestamp());
            if (time.GetElapsedTime(file.Ended.Since) < options.RotationTimeout) return false;
        }
        return !HasNothingBehind(file) && MayList(file);
    }

    /// <summary>Opens the file that was written after a rotated one, if it may go on (<see cref="MayGoOn"/>).</summary>
    /// <param name="file">The followed path.</param>
    /// <returns>Whether it is still there.</returns>
    public bool TryGoOn(FollowedFile file)
    {
        FoundFile behind = Next(file, out bool isLive)!.Value;
        // If files were renamed between the scans, their names mean other files now.
        if (isLive) target = FoundFile.TargetOf(file.Path);
        if (!TryOpen(behind, new LogRow { File = file.Id }) || !Listed(file).SequenceEqual(earlier))
        {
            reader.Close();
            ShouldLookAgain = true;
            return false;
        }
        if (isLive) (file.Target, file.WentTo) = (target, file.Found);
        rotated = isLive ? null : behind;
        return true;
    }

    /// <summary>Whether all files behind the rotated one are empty, or were found without a line: to go on to them changes no row, so each
    /// scan would list the directory for it again.</summary>
    private bool HasNothingBehind(FollowedFile file)
        => reader.Rest == 0 && (file.Found is null or { Length: 0 } || file.Found == file.WentTo)
        && earlier.FindLastIndex(static one => one.Length > 0) is var last
        && last <= earlier.FindIndex(one => one.Path == rotated!.Value.Path);

    /// <summary>Whether this scan has time for one more list. If not, the next scan begins with the first file that was refused.</summary>
    private bool MayList(FollowedFile file)
    {
        ShouldLookAgain = listed.Scan == watch.Scan && listed.Time >= MaxListing;
        if (ShouldLookAgain) watch.First ??= file;
        return !ShouldLookAgain;
    }

    /// <summary>The rotated files now.</summary>
    private List<FoundFile> Listed(FollowedFile file)
    {
        long begun = time.GetTimestamp();
        List<FoundFile> files = Rotation.Of(file.Path, file.Target);
        listed = (watch.Scan, time.GetElapsedTime(begun) + (listed.Scan == watch.Scan ? listed.Time : TimeSpan.Zero));
        return files;
    }

    private FoundFile? Next(FollowedFile file, out bool isLive)
    {
        string left = rotated!.Value.Path;
        int next = earlier.FindIndex(one => one.Path == left) + 1;
        isLive = next == earlier.Count;
        return isLive ? file.Found : earlier[next];
    }

    /// <summary>Opens a path of which no line was read yet.</summary>
    /// <remarks>
    /// A file that was written and rotated between two scans comes before the file under the path. Files rotated before the first scan are
    /// skipped; they are recognised by their first bytes, since names move and programs may still write to them. Patterns do without this:
    /// it would take a list for each of 100,000 files.
    /// </remarks>
    private bool TryOpenFirst(FollowedFile file)
    {
        var fresh = new LogRow { File = file.Id };
        if (!watch.IsPattern)
        {
            earlier = watch.Rotated(file, target);
            file.EarlierHeads ??= earlier.ConvertAll(static one => LogReader.HeadOf(one));
            foreach (FoundFile one in earlier)
            {
                byte[] head = LogReader.HeadOf(one);
                if (head.Length == 0 || file.EarlierHeads.Exists(known => known.Length > 0 && head.AsSpan().StartsWith(known))
                    || !TryOpen(one, fresh)) continue;
                (rotated, file.IsBehind) = (one, true);
                return true;
            }
        }
        if (!TryOpenLive(file, fresh)) return Missing(file);
        file.Target = target;
        return true;
    }

    private bool TryOpenFitting(FollowedFile file, in LogRow row, bool isAlike)
    {
        if (row.Offset <= MaxAlike && TryOpenNewer(file, row)) return true;
        if (isAlike && TryOpenLive(file, row)) return IsLive(file);
        for (int i = earlier.Count - 1; i >= 0; i--)
            if (earlier[i].Length >= row.Offset && TryOpen(earlier[i], row)) return IsRotatedTo(file, earlier[i]);
        return false;
    }

    /// <summary>Opens a rotated file that fits a short row at least as well as the file under the path and newer rotated files.</summary>
    /// <remarks>
    /// Files may begin alike, with a line of headings. If a rotated file fits, has more bytes, and was written after the read, it is the
    /// one that was read. Of several it is the oldest: the others were made after it.
    /// </remarks>
    private bool TryOpenNewer(FollowedFile file, in LogRow row)
    {
        foreach (FoundFile one in earlier)
            if (LogWatch.IsNewer(one, row) && TryOpen(one, row)) return IsRotatedTo(file, one);
        return false;
    }

    private bool IsLive(FollowedFile file)
    {
        (file.IsBehind, file.Unmatched, file.Target) = (false, null, target);
        return true;
    }

    private bool IsRotatedTo(FollowedFile file, in FoundFile one)
    {
        (rotated, file.Unmatched) = (one, null);
        return true;
    }

    /// <summary>
    /// Handles a row that no file fits: the file was truncated or is gone. The second scan decides, as files may be renamed during the
    /// first.
    /// </summary>
    private bool OpenOther(FollowedFile file, in LogRow row)
    {
        long written = row.Written;
        FoundFile? next = earlier.Find(one => one.Written.Ticks > written) is { Path: not null } first ? first : file.Found;
        if (file.Unmatched != row)
        {
            (file.Unmatched, ShouldLookAgain) = (row, true);
            return false;
        }
        if (next is null) return Missing(file);
        if (!TryOpen(next.Value, new LogRow { File = file.Id })) return false;
        HasLost = true;
        if (next.Value.Path != file.Path) rotated = next;
        else (file.IsBehind, file.Target) = (false, target);
        string text =
            $"{file.Path}, of which {row.Line:N0} lines ({row.Offset:N0} bytes) were read, was cut or replaced, and no rotated file "
            + $"(app.log.1, app.log-20260131) goes on where the reading was. "
            + $"If lines were written behind those, they are lost. The reading goes on at the beginning of {next.Value.Path}.";
        if (file.Warning != text) watch.Warn(file.Warning = text);
        return true;
    }

    private bool Missing(FollowedFile file)
    {
        watch.IsGone(file);
        return false;
    }

    private bool TryOpenLive(FollowedFile file, in LogRow row) => file.Found is { } live && TryOpen(live, row);

    private bool TryOpen(in FoundFile found, in LogRow row)
    {
        try
        {
            return reader.TryOpen(found, row);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;                            // renamed or deleted since the scan
        }
    }
}
