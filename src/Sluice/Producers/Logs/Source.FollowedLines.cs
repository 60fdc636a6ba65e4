using System.Runtime.CompilerServices;

namespace Sluice;

public static partial class Source
{
    /// <summary>The lines of log files that grow and are rotated, as texts.</summary>
    /// <inheritdoc cref="ResumableLines{T}(string, string, Func{FileLine, T}, ResumableLinesOptions)"/>
    [OverloadResolutionPriority(1)]
    public static Source<string> ResumableLines(string name, string path, ResumableLinesOptions options) => ResumableLines(name, path, static line => line.Text, options);

    /// <summary>What a function makes of each line of log files that grow and are rotated, going on where it was (<see cref="Resumable{T}(string, IEnumerable{T})"/>).</summary>
    /// <remarks>
    /// <para>A line is an item once it has its end (LF or CR LF). With <see cref="ResumableLinesOptions.PollInterval"/> the source looks for new lines and new files until the run is drained.</para>
    /// <para>
    /// Rotation by renaming (<c>app.log</c> to <c>app.log.1</c>, <c>app.log-20260131</c>, <c>app.log.old</c>) and by copying and cutting is followed: the source recognises a file by its first 256 bytes and by the 256 bytes
    /// before the offset, reads rotated files to their ends, the oldest first, and then the new file. Compressed files are not read.
    /// </para>
    /// <para>
    /// A malformed line ends nothing. A line that is too long, is not UTF-8, or makes your function throw becomes a dead letter of the consecutor with the bytes of the line and the reason; without a consecutor that has a store,
    /// a dead letter of the run (<see cref="PipelineRun.DeadLetters"/>).
    /// </para>
    /// <para>Lines of one file come in their order. Files of a pattern come in the order of their paths, at most some thousand lines of each before the next file.</para>
    /// </remarks>
    /// <param name="name">Its name; its position is found again by it.</param>
    /// <param name="path">The file, which need not exist yet; or a pattern: <c>*</c> and <c>?</c> within a name, <c>**</c> for directories of any depth. UTF-8, with or without a byte order mark.</param>
    /// <param name="select">Makes the item of a line.</param>
    /// <param name="options">Whether to wait for more, and limits.</param>
    public static Source<T> ResumableLines<T>(string name, string path, Func<FileLine, T> select, ResumableLinesOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(select);
        ArgumentNullException.ThrowIfNull(options);
        var paths = new LogPaths(path);
        return new ResumableSource<T>(name, (context, next) => new LogPump<T>(context, next, name, paths, select, options), StageOptions.Default);
    }
}
