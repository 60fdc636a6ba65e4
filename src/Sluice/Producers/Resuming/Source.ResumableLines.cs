using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    /// <summary>
    /// A source of the lines of a text file. In front of a consecutor it resumes behind the last line accepted, by its offset.
    /// </summary>
    /// <inheritdoc cref="ResumableLines{T}(string, string, Func{long, string, T}, int)"/>
    public static Source<string> ResumableLines(string name, string path, int maxLineLength = MaxLine)
        => ResumableLines(name, path, static (_, line) => line, maxLineLength);

    /// <summary>
    /// A source of the results of a function of each line of a text file. It resumes at its stored position
    /// (<see cref="Resumable{T}(string, IEnumerable{T})"/>).
    /// </summary>
    /// <remarks>
    /// The file may grow between the runs, line by line; a run ends at the end of the file. A last line without an end is taken as it is,
    /// and later additions to it are not seen: write whole lines. If the file was truncated, or the first 256 of its accepted bytes have
    /// changed, the start fails; bytes behind the accepted lines may be repaired. A source with options is another kind of producer, which
    /// cannot go on from this one's position: if the file is to be followed later, give options from the first run on.
    /// </remarks>
    /// <param name="name">The name under which the position is stored.</param>
    /// <param name="path">The file: UTF-8, with or without a byte order mark. Invalid bytes are an error that names file and line.</param>
    /// <param name="select">Takes the number of a line, from 1, and the line without its end. If it throws, the error names file and
    /// line.</param>
    /// <param name="maxLineLength">The longest line, in bytes: 1 to 1,000,000,000; 1,048,576 unless given. A longer line
    /// is an error that names file and line.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is below 1, or above 1,000,000,000.</exception>
    public static Source<T> ResumableLines<T>(string name, string path, Func<long, string, T> select, int maxLineLength = MaxLine)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(select);
        CheckLine(maxLineLength);
        return Resumable(name, "Source.ResumableLines",
            (position, parts, _) => Read(LinePosition.Read(position), parts > 0).ToAsyncEnumerable(), path, resumesBehind: true);

        IEnumerable<WithPosition<T>> Read(LinePosition from, bool isBegun)
        {
            using var lines = new ByteLines(path, from, isBegun, maxLineLength);
            while (lines.TryTake(out string? line)) yield return new(Selected(select, lines.Position.Line, line, path),
                lines.Position.ToBytes());
        }
    }

    internal static T Selected<T>(Func<long, string, T> select, long number, string line, string name)
    {
        try
        {
            return select(number, line);
        }
        catch (Exception e)
        {
            throw new InvalidDataException($"{name}, line {number}: {e.Message}", e);
        }
    }
}
