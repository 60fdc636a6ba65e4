namespace Sluice;

/// <summary>Finds the files of a directory that are complete and were not taken yet.</summary>
/// <remarks>Used by one producer.</remarks>
internal sealed class DirectoryWatch(string producer, string directory, ResumableFilesOptions options, FileJournal journal)
{
    // What is still being written: as it was when it was seen to be so first.
    private Dictionary<string, Seen> changing = new(StringComparer.Ordinal);

    private readonly HashSet<string> leftOut = new(StringComparer.Ordinal);

    private readonly record struct Seen(long Length, DateTime Written, long Since);

    /// <summary>Whether files were there that may still be written to.</summary>
    public bool IsWaiting => changing.Count > 0;

    /// <summary>Looks once.</summary>
    /// <returns>The names of the files that have become complete, in their order.</returns>
    public List<string> Look()
    {
        var complete = new List<string>();
        var still = new Dictionary<string, Seen>(StringComparer.Ordinal);
        foreach (FileInfo file in new DirectoryInfo(directory).EnumerateFiles(options.Pattern))
        {
            if (file.Name.StartsWith('.') || journal.Knows(file.Name)) continue;
            if (!NameBytes.IsText(Path.Combine(directory, file.Name)))
            {
                LeaveOut(file.Name);
                continue;
            }
            if (!file.Exists) continue;              // gone again since it was listed
            var now = new Seen(file.Length, file.LastWriteTimeUtc, options.Time.GetTimestamp());
            Seen seen = changing.TryGetValue(file.Name, out Seen before) && (before.Length, before.Written) == (now.Length, now.Written) ? before : now;
            if (IsQuiet(seen)) complete.Add(file.Name);
            else still.Add(file.Name, seen);
        }
        changing = still;
        complete.Sort(StringComparer.Ordinal);
        return complete;
    }

    private void LeaveOut(string name)
    {
        if (!leftOut.Add(name)) return;
        string text = $"The producer '{producer}' leaves out a file in {directory} whose name is no UTF-8: {NameBytes.Shown(name)} (\\uFFFD stands for bytes that are no text; 'ls -b' shows them). Rename it, and it is taken.";
        if (options.OnWarning is { } warn) warn(text);
        else Console.Error.WriteLine(text);
    }

    // By our own clock since we look; by the file's time for what lay there before. Clocks of file servers may be ahead: then we look on.
    private bool IsQuiet(Seen file)
        => options.Time.GetElapsedTime(file.Since) >= options.QuietDuration || options.Time.GetUtcNow().UtcDateTime - file.Written >= options.QuietDuration;
}
