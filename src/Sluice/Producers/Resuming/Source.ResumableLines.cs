namespace Sluice;

public static partial class Source
{
    /// <summary>The lines of a text file, going on behind the last one accepted, by its offset, when it stands in front of a consecutor.</summary>
    /// <inheritdoc cref="ResumableLines{T}(string, string, Func{long, string, T}, int)"/>
    public static Source<string> ResumableLines(string name, string path, int maxLineLength = MaxLine)
        => ResumableLines(name, path, static (_, line) => line, maxLineLength);

    /// <summary>What a function makes of the lines of a text file and their numbers, going on where it was (<see cref="Resumable{T}(string, IEnumerable{T})"/>).</summary>
    /// <remarks>
    /// The file may grow between the runs, line by line; it ends where it ends when it is read. A last line without an end is taken as it is, and what is written to that
    /// line later is not seen: write lines whole. A file that was cut, or is another by the first 256 bytes of what was accepted, is an error at the start; what lies behind may be repaired.
    /// </remarks>
    /// <param name="name">Its name; its position is found again by it.</param>
    /// <param name="path">The file: UTF-8, with or without a byte order mark. What is not is an error that names file and line.</param>
    /// <param name="select">Takes the number of a line, from 1, and the line without its end. A failure names file and line.</param>
    /// <param name="maxLineLength">In bytes, 1 or more; a longer line is an error that names file and line. 1,048,576 unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit below 1.</exception>
    public static Source<T> ResumableLines<T>(string name, string path, Func<long, string, T> select, int maxLineLength = MaxLine)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(select);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLineLength, 1);
        return Resumable(name, "Source.ResumableLines", (position, _) => Read(LinePosition.Read(position)).ToAsyncEnumerable());

        IEnumerable<WithPosition<T>> Read(LinePosition from)
        {
            using var lines = new ByteLines(path, from, maxLineLength);
            while (lines.TryTake(out string? line)) yield return new(Selected(select, lines.Position.Line, line, path), lines.Position.ToBytes());
        }
    }

    private static T Selected<T>(Func<long, string, T> select, long number, string line, string name)
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
