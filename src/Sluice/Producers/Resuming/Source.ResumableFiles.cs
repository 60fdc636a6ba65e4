using Sluice.Diagnostics;
using Sluice.Policies;
using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    private const int FilePositionBytes = 12;
    private static readonly TimeSpan MinPause = TimeSpan.FromMilliseconds(1);

    /// <summary>
    /// A source of the files of a directory, each once, as full paths. In front of a consecutor it resumes behind the last file accepted.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Files that are found together come in the ordinal order of their names; files that arrive later come later, whatever their names. A
    /// file is known by its name: if it is changed or replaced after it was taken, it is not taken again. The run warns of it
    /// (<see cref="ResumableFilesOptions.OnWarning"/>) if the file is one of the last 1,000 that it took; the next run does so if the journal
    /// is in the directory and no other file was found since. A file that is gone before a part of it was accepted is left out, with a
    /// warning. If it comes back during the run, it is taken.
    /// </para>
    /// <para>
    /// A file is taken once it has been unchanged for <see cref="ResumableFilesOptions.QuietDuration"/>; it does not delay other files. If
    /// a writer may pause for longer, let it write to a name that begins with a dot, and rename the file when it is complete.
    /// </para>
    /// <para>
    /// A file whose name is not valid UTF-8 cannot be opened by its name: it is left out, with a warning
    /// (<see cref="ResumableFilesOptions.OnWarning"/>). The producer continues.
    /// </para>
    /// <para>Subdirectories are not searched. To resume within a file, make lines of its path: <c>ResumableFiles("in", "inbox") |
    /// File.ReadLines | consecutor</c>.</para>
    /// </remarks>
    /// <param name="name">The name under which the position is stored: 1 to 200 characters, no control characters. The journal is named
    /// after it, so a name with a slash needs a journal in the options.</param>
    /// <param name="directory">The directory, which must exist.</param>
    /// <param name="options">Which files to take, and whether to wait for more.</param>
    public static Source<string> ResumableFiles(string name, string directory, ResumableFilesOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(directory);
        string full = Path.GetFullPath(directory);
        ResumableFilesOptions chosen = options ?? new();
        string journal = Path.GetFullPath(chosen.Journal ?? Path.Combine(full, $".{name}.taken"));
        return new ResumableSource<string>(name, Pump, StageOptions.Default);

        ResumablePump<string> Pump(StageContext context, Inlet<string> next)
        {
            var claim = new JournalClaim(name, journal, FileShare.None, Check);
            ResumablePump<string> pump = null!;
            pump = new(context, next, name, "Source.ResumableFiles",
                (position, parts, cancellation) => Files(name, full, chosen, claim, position, hasBegun: parts > 0 || !position.IsEmpty,
                    position => pump.PassTo(position), cancellation))
            { Journal = claim };
            return pump;
        }

        void Check()
        {
            if (!Directory.Exists(full))
                throw new DirectoryNotFoundException(
                    $"The directory {full}, whose files the producer '{name}' takes, does not exist. Make it, or name another one.");
        }
    }

    private static async IAsyncEnumerable<WithPosition<string>> Files(
        string name, string directory, ResumableFilesOptions options, JournalClaim claim, ReadOnlyMemory<byte> from, bool hasBegun,
            Action<byte[]> passTo, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // A position is stored with a part of the file behind it. Earlier versions have stored an empty one before the first file.
        using FileJournal journal = FileJournal.Open(claim, hasBegun ? AcceptedFiles(from) : null);
        int next = hasBegun ? ReadPosition(from, journal, claim.Path) : 0;
        var watch = new DirectoryWatch(name, directory, options, journal, hasBegun ? next + 1 : 0);
        int begun = hasBegun ? next : -1;
        while (true)
        {
            for (; next < journal.Names.Count; next++)
            {
                string path = Path.Combine(directory, journal.Names[next]);
                byte[] behind = FilePosition(next + 1, journal.Names[next]);
                if (journal.IsLatest(next) && (next == begun || !FoundFile.IsGone(path)))
                {
                    // Not the empty position: with the name, a later run notices another journal.
                    if (next == 0) passTo(FilePosition(0, journal.Names[0]));
                    yield return new(path, behind);
                    continue;
                }
                if (journal.IsLatest(next))
                {
                    // Its directory may be away only: the next scan that finds it adds it again.
                    journal.Forget(journal.Names[next]);
                    Warnings.Tell(options.OnWarning, $"The producer '{name}' leaves out {path}: it was there in a scan, and is gone. If it "
                        + $"comes back during this run, it is taken.");
                }
                passTo(behind);
            }
            cancellation.ThrowIfCancellationRequested();
            if (watch.Look() is { Count: > 0 } found) journal.Add(found);
            else if (options.PollInterval is null && !watch.IsWaiting) yield break;
            else await Task.Delay(Pause(options, watch.IsWaiting), options.Time, cancellation);
        }
    }

    // Sooner than for new files if a file is there already and only has to stay quiet for a while. Timers cut less than a millisecond to
    // zero: a file that changes all the time would be looked at without a pause.
    private static TimeSpan Pause(ResumableFilesOptions options, bool isWaiting)
    {
        if (!isWaiting) return options.PollInterval!.Value;
        TimeSpan quiet = options.QuietDuration > MinPause ? options.QuietDuration : MinPause;
        return options.PollInterval is { } poll && poll < quiet ? poll : quiet;
    }

    /// <param name="count">The number of files before the position.</param>
    /// <param name="name">The name of the last file before the position; of the first file if the count is zero.</param>
    private static byte[] FilePosition(int count, string name)
    {
        byte[] bytes = new byte[FilePositionBytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, count);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Checksum.Of(Encoding.UTF8.GetBytes(name)));
        return bytes;
    }

    private static long AcceptedFiles(ReadOnlyMemory<byte> from) => from.IsEmpty ? 0 : BinaryPrimitives.ReadInt64LittleEndian(from.Span);

    private static int ReadPosition(ReadOnlyMemory<byte> from, FileJournal journal, string path)
    {
        long count = AcceptedFiles(from);
        // A position is stored with a part of the file behind it, so that one has a name, too.
        if (count < journal.Names.Count
            && (from.IsEmpty || from.Span.SequenceEqual(FilePosition((int)count, journal.Names[Math.Max(0, (int)count - 1)]))))
            return (int)count;
        string accepted = count == 0 ? "a file was" : $"more than {Amounts.Of(count, "file")} {(count == 1 ? "was" : "were")}";
        throw new InvalidDataException(
            $"{path} is not the journal by which {accepted} accepted before: it has {Amounts.Of(journal.Names.Count, "name")}, or others. "
                + $"Put it back; "
            + "or give the producer another name, to begin anew with all files.");
    }
}
