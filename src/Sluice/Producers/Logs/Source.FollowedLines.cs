using Sluice.Policies;
using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    /// <summary>A source of the lines of log files that grow and are rotated, as text. It resumes at its stored position.</summary>
    /// <inheritdoc cref="ResumableLines{T}(string, string, Func{FileLine, T}, ResumableLinesOptions)"/>
    [OverloadResolutionPriority(1)]
    public static Source<string> ResumableLines(string name, string path, ResumableLinesOptions options)
        => ResumableLines(name, path, static line => line.Text, options);

    /// <summary>
    /// A source of one item for each line of log files that grow and are rotated. It resumes at its stored position
    /// (<see cref="Resumable{T}(string, IEnumerable{T})"/>).
    /// </summary>
    /// <remarks>
    /// <para>
    /// A line is an item once it has its end (LF or CR LF). With <see cref="ResumableLinesOptions.PollInterval"/> the source looks for new
    /// lines and new files until the run is drained.
    /// </para>
    /// <para>
    /// The source follows rotation by renaming (<c>app.log</c> to <c>app.log.1</c>, <c>app.log-20260131</c>, <c>app.log.old</c>) and by
    /// copying and truncating. It recognises a file by its first 256 bytes and by the 256 bytes before the offset. It reads rotated files
    /// to their ends, the oldest first, and then the new file. It does not read compressed files.
    /// </para>
    /// <para>
    /// A malformed line does not end the source. If a line is too long, is not UTF-8, or makes your function throw, it becomes a dead
    /// letter of the consecutor, with its bytes and the reason. Without a consecutor that has a store, it becomes a dead letter of the run
    /// (<see cref="PipelineRun.DeadLetters"/>).
    /// </para>
    /// <para>Lines of one file keep their order. Files of a pattern come in the order of their paths, at most 4,096 lines of each at a
    /// time.</para>
    /// </remarks>
    /// <param name="name">The name under which the position is stored: 1 to 200 characters, no control characters. The journal is named
    /// after it, so a name with a slash needs a journal in the options.</param>
    /// <param name="path">The file, which need not exist yet; or a pattern: <c>*</c> and <c>?</c> within a name, <c>**</c> between slashes
    /// or at the end for directories of any depth. UTF-8, with or without a byte order mark.</param>
    /// <param name="select">Makes the item of a line.</param>
    /// <param name="options">Whether to wait for more lines, and limits.</param>
    /// <exception cref="ArgumentException">An argument is empty, or the path has <c>**</c> within a name.</exception>
    public static Source<T> ResumableLines<T>(string name, string path, Func<FileLine, T> select, ResumableLinesOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(select);
        ArgumentNullException.ThrowIfNull(options);
        var paths = new LogPaths(path, options.Listing);
        string journal = Path.GetFullPath(options.Journal ?? Path.Combine(paths.Root, $".{name}.lines"));
        return new ResumableSource<T>(name, Pump, StageOptions.Default);

        LogPump<T> Pump(StageContext context, Inlet<T> next)
        {
            if (!paths.IsPattern) context.Run.Files.Read(paths.Path);
            // The accepting stage disposes it (IResumablePump.Claim).
            return new(context, next, name, paths, select, options,
                paths.IsPattern ? new JournalClaim(name, journal, LogJournal.Share) : null);
        }
    }
}
