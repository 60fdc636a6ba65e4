using Sluice.Diagnostics;

namespace Sluice.Producers;

/// <summary>Finds the files of a directory that are complete and were not taken yet.</summary>
/// <param name="producer">The name of the producer.</param>
/// <param name="directory">The directory.</param>
/// <param name="options">Its options.</param>
/// <param name="journal">The names of the files that were taken.</param>
/// <param name="accepted">How many of them earlier runs have read, at least in part.</param>
internal sealed class DirectoryWatch(string producer, string directory, ResumableFilesOptions options, FileJournal journal, int accepted)
{
    private const int MaxNamed = 3;
    private const int MaxWatched = 1000;             // a look at a file costs some microseconds in each scan
    private static readonly TimeSpan MaxAhead = TimeSpan.FromDays(1);

    private static readonly EnumerationOptions AsInShell = new()
    {
        MatchType = MatchType.Simple,
        AttributesToSkip = FileAttributes.None,
        IgnoreInaccessible = false,
    };

    // Files that may still be written to, as they were when this state of theirs was first seen.
    private Dictionary<string, Seen> changing = new(StringComparer.Ordinal);

    // The files that this run has found last, with their last writes, and their names in this order.
    private readonly Dictionary<string, DateTime> taken = new(StringComparer.Ordinal);
    private readonly Queue<string> takenOrder = [];

    private readonly HashSet<string> leftOut = new(StringComparer.Ordinal);
    private bool isFirst = true;                     // scan of this run
    private string? failure;                         // of the latest scan

    private readonly record struct Seen(long Length, DateTime Written, long Since);

    /// <summary>Whether there are files that may still be written to.</summary>
    public bool IsWaiting => changing.Count > 0;

    /// <summary>Scans once. With a poll interval, a scan that fails is like one that finds nothing: the next one may succeed.</summary>
    /// <returns>The names of the files that have become complete, in ordinal order.</returns>
    public List<string> Look()
    {
        try
        {
            List<string> complete = Scan();
            failure = null;
            return complete;
        }
        // A directory that was deleted has taken the journal with it.
        catch (Exception e) when (e is (IOException and not DirectoryNotFoundException) or UnauthorizedAccessException
            && options.PollInterval is not null)
        {
            if (failure != e.Message)
                Warnings.Tell(options.OnWarning,
                    $"The producer '{producer}' cannot list {directory}, and tries it again: {failure = e.Message}");
            return [];
        }
    }

    private List<string> Scan()
    {
        options.Listing?.Invoke(directory);
        List<string> complete = [], written = [];
        var still = new Dictionary<string, Seen>(StringComparer.Ordinal);
        var inspected = new DirectoryInfo(directory);
        DateTime newest = isFirst ? inspected.LastWriteTimeUtc : default, latest = newest;
        if (isFirst) latest += MaxAhead;             // a file of the year 2099 tells nothing of its server's clock
        foreach (FileInfo file in inspected.EnumerateFiles(options.Pattern, AsInShell))
        {
            if (file.Name.StartsWith('.')) continue;
            if (journal.Knows(file.Name))
            {
                if (WasWrittenSince(file)) written.Add(file.Name);
                continue;
            }
            if (!NameBytes.IsText(Path.Combine(directory, file.Name)))
            {
                LeaveOut(file.Name);
                continue;
            }
            if (FoundFile.At(file.FullName) is not { } found) continue;              // deleted since it was listed, or a broken link
            var now = new Seen(found.Length, found.Written, options.Time.GetTimestamp());
            Seen seen = changing.TryGetValue(file.Name, out Seen before) && (before.Length, before.Written) == (now.Length, now.Written)
                ? before : now;
            if (isFirst && found.Written > newest && found.Written <= latest) newest = found.Written;
            if (options.Time.GetElapsedTime(seen.Since) >= options.QuietDuration) Take(file.Name, found.Written);
            else still.Add(file.Name, seen);
        }
        if (isFirst)
        {
            foreach ((string name, Seen seen) in still)
                if (IsOld(seen.Written, newest) && still.Remove(name)) Take(name, seen.Written);
        }
        if (written.Count > 0) TellOfWritten(written);
        (changing, isFirst) = (still, false);
        complete.Sort(StringComparer.Ordinal);
        return complete;

        void Take(string name, DateTime at)
        {
            complete.Add(name);
            if (!taken.ContainsKey(name)) takenOrder.Enqueue(name);
            taken[name] = at;
            if (takenOrder.Count > MaxWatched) taken.Remove(takenOrder.Dequeue());
        }
    }

    // Of earlier runs only the journal tells when they took files: in the first scan, if the journal is in the directory, so that one clock
    // has given both times. It would cost a look at each file that was ever taken to do so in each scan.
    private bool WasWrittenSince(FileInfo file)
    {
        if (taken.TryGetValue(file.Name, out DateTime before))
        {
            if (FoundFile.At(file.FullName) is not { } now || now.Written == before) return false;
            taken[file.Name] = now.Written;
            return true;
        }
        return isFirst && options.Journal is null && journal.Knows(file.Name, accepted)
            && FoundFile.At(file.FullName) is { } found && found.Written > journal.WrittenBefore;
    }

    private void TellOfWritten(List<string> names)
    {
        names.Sort(StringComparer.Ordinal);
        string some = string.Join(", ", names.Take(MaxNamed)) + (names.Count > MaxNamed ? $" and {names.Count - MaxNamed:N0} more" : "");
        (string were, string them) = names.Count > 1 ? ("they were", "them") : ("it was", "it");
        Warnings.Tell(options.OnWarning, $"The producer '{producer}' has taken {some} before, and {were} written since, in {directory}: "
            + $"what is new in {them} is not read. A file is taken once, by its name. Give new content a name of its own; "
            + "use Source.ResumableLines for a file that grows.");
    }

    private void LeaveOut(string name)
    {
        if (!leftOut.Add(name)) return;
        Warnings.Tell(options.OnWarning,
            $"The producer '{producer}' leaves out a file in {directory} whose name is no UTF-8: {NameBytes.Shown(name)} (\\uFFFD stands "
            + $"for bytes that are no text; 'ls -b' shows them). Rename it, and it is taken.");
    }

    // A file of the first scan of a run may be quiet by its time already. Its server may have another clock, which shows a later time than
    // the newest file: a file that is older than another one by the quiet time is that old by the server's own clock. A file that comes
    // later is new, whatever its time says: programs that copy keep the time.
    private bool IsOld(DateTime written, DateTime newest)
        => newest - written >= options.QuietDuration && options.Time.GetUtcNow().UtcDateTime - written >= options.QuietDuration;
}
