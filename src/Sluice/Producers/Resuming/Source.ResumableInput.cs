using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    /// <summary>
    /// A source of the lines of the standard input. In front of a consecutor it resumes when the same input is piped in again.
    /// </summary>
    /// <inheritdoc cref="ResumableInput{T}(string, Func{long, string, T}, TextReader, int)"/>
    /// <param name="name">The name under which the position is stored.</param>
    /// <param name="maxLineLength">The longest line, in characters: 1 to 1,000,000,000; 1,048,576 unless given.</param>
    public static Source<string> ResumableInput(string name, int maxLineLength = MaxLine)
        => ResumableInput(name, static (_, line) => line, maxLineLength);

    /// <inheritdoc cref="ResumableInput{T}(string, Func{long, string, T}, TextReader, int)"/>
    /// <summary>
    /// A source of the results of a function of each line of the standard input. It resumes when the same input is piped in again.
    /// </summary>
    public static Source<T> ResumableInput<T>(string name, Func<long, string, T> select, int maxLineLength = MaxLine)
        => ResumableInput(name, select, StandardInputOrigin, maxLineLength);

    /// <summary>
    /// A source of the results of a function of each line of a text that cannot seek. It resumes when the same text comes again.
    /// </summary>
    /// <remarks>
    /// Lines that were accepted before are read, dropped, and compared by a checksum: an input that differs in them, or is shorter, is an
    /// error. So is one whose last accepted line had no end and has grown since: pipe whole lines in. In one process the text can be read
    /// once: a further run in front of a consecutor, also of another source over the text, continues behind the lines that were accepted if
    /// at most one more was read, and fails otherwise. Without a consecutor, it fails.
    /// </remarks>
    /// <param name="name">The name under which the position is stored.</param>
    /// <param name="select">Takes the number of a line, from 1, and the line without its end. If it throws, the error names the
    /// line.</param>
    /// <param name="text">The text. The caller disposes it.</param>
    /// <param name="maxLineLength">The longest line, in characters: 1 to 1,000,000,000; 1,048,576 unless given. A longer line
    /// is an error that names the line.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is below 1, or above 1,000,000,000.</exception>
    public static Source<T> ResumableInput<T>(string name, Func<long, string, T> select, TextReader text, int maxLineLength = MaxLine)
    {
        ArgumentNullException.ThrowIfNull(text);
        return ResumableInput(name, select, LinesOrigin.Of(text), maxLineLength);
    }

    private static Source<T> ResumableInput<T>(string name, Func<long, string, T> select, LinesOrigin origin, int maxLineLength)
    {
        ArgumentNullException.ThrowIfNull(select);
        CheckLine(maxLineLength);
        return Resumable(name, "Source.ResumableInput",
            (position, parts, cancellation)
                => Read(name, select, origin, maxLineLength, LinePosition.Read(position), parts > 0, cancellation),
            resumesBehind: true, waitsForKeys: true);
    }

    private static async IAsyncEnumerable<WithPosition<T>> Read<T>(
        string name, Func<long, string, T> select, LinesOrigin origin, int maxLineLength, LinePosition from, bool isBegun,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        string input = origin.Name ?? $"the input of {name}";
        LineReader lines = origin.Open(maxLineLength, out _);
        LinesRead read = origin.Read;
        try
        {
            // A line of which a part was accepted is made again. So is one that was read and not accepted.
            if (lines.Number > from.Line + 1 || lines.Number != read.Behind.Line)
                throw new InvalidOperationException(
                    $"{lines.Number:N0} lines of {input} were read in this process already, and not all of them were accepted: start the "
                        + $"process anew, with the same input.");
            if (lines.Number > 0 && lines.Number >= from.Line)
            {
                if ((lines.Number > from.Line ? read.Before : read.Behind) != from) throw Differs();
                if (lines.Number > from.Line) yield return Selected(read.Last!);
            }
            while (true)
            {
                while (lines.TryTake(out string? line))
                {
                    read.Add(line, lines.Number);
                    if (lines.Number > from.Line) yield return Selected(line);
                    else if (lines.Number == from.Line && read.Behind != from) throw Differs();
                }
                if (lines.IsAtEnd) break;
                lines.Add(await lines.ReadAsync(cancellation));
                cancellation.ThrowIfCancellationRequested();         // nobody takes a line any more: the next run finds it in the reader
            }
            if (lines.Number < from.Line + (isBegun ? 1 : 0))
                throw new InvalidDataException(
                    $"{input} ends after {Amounts.Of(lines.Number, "line")}, and {from.Accepted(isBegun)} accepted before. Pipe in the "
                        + $"same; or give the producer another name, to begin anew.");
        }
        finally
        {
            origin.Close(lines);
        }

        WithPosition<T> Selected(string line) => new(Source.Selected(select, lines.Number, line, input), read.Behind.ToBytes());

        InvalidDataException Differs() => new(
            $"{input} is not the one of which {from.Accepted(isBegun)} accepted before: they differ. Pipe in the same; or give the "
                + $"producer another name, to begin anew.");
    }
}
