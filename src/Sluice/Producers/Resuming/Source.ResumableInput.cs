using System.Runtime.CompilerServices;
using System.Text;

namespace Sluice;

public static partial class Source
{
    /// <summary>The lines of the standard input, going on behind the last one accepted when the same input is piped in again, in front of a consecutor.</summary>
    /// <inheritdoc cref="ResumableInput{T}(string, Func{long, string, T}, TextReader, int)"/>
    /// <param name="name">Its name; its position is found again by it.</param>
    /// <param name="maxLineLength">In characters, 1 or more. 1,048,576 unless given.</param>
    public static Source<string> ResumableInput(string name, int maxLineLength = MaxLine)
        => ResumableInput(name, static (_, line) => line, maxLineLength);

    /// <inheritdoc cref="ResumableInput{T}(string, Func{long, string, T}, TextReader, int)"/>
    /// <summary>What a function makes of the lines of the standard input and their numbers, going on where it was when the same input is piped in again.</summary>
    public static Source<T> ResumableInput<T>(string name, Func<long, string, T> select, int maxLineLength = MaxLine)
        => ResumableInput(name, select, StandardInputOrigin.Value, maxLineLength);

    /// <summary>What a function makes of the lines of a text that cannot seek, going on where it was when the same text comes again.</summary>
    /// <remarks>
    /// The lines that were accepted before are read and dropped, and compared by a checksum: an input that differs in them, or is shorter, is an error. In
    /// one process the text can be read once: a second run goes on behind the first one's lines.
    /// </remarks>
    /// <param name="name">Its name; its position is found again by it.</param>
    /// <param name="select">Takes the number of a line, from 1, and the line without its end. A failure names the line.</param>
    /// <param name="text">The text. It remains the caller's.</param>
    /// <param name="maxLineLength">In characters, 1 or more; a longer line is an error that names the line. 1,048,576 unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit below 1.</exception>
    public static Source<T> ResumableInput<T>(string name, Func<long, string, T> select, TextReader text, int maxLineLength = MaxLine)
    {
        ArgumentNullException.ThrowIfNull(text);
        return ResumableInput(name, select, new LinesOrigin(text, null, null), maxLineLength);
    }

    private static Source<T> ResumableInput<T>(string name, Func<long, string, T> select, LinesOrigin origin, int maxLineLength)
    {
        ArgumentNullException.ThrowIfNull(select);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLineLength, 1);
        // Of the text, not of a run: the sum goes over all lines that were ever read from it.
        var read = new LinePosition[1];
        return Resumable(name, "Source.ResumableInput", (position, cancellation) => Read(name, select, origin, maxLineLength, LinePosition.Read(position), read, cancellation));
    }

    private static async IAsyncEnumerable<WithPosition<T>> Read<T>(
        string name, Func<long, string, T> select, LinesOrigin origin, int maxLineLength, LinePosition from, LinePosition[] read,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        string input = origin.Name ?? $"the input of {name}";
        LineReader lines = origin.Open(maxLineLength, out _);
        try
        {
            if (read[0].Line > from.Line)
                throw new InvalidOperationException($"{read[0].Line:N0} lines of {input} were read in this process already, and only {from.Line:N0} accepted: start the process anew, with the same input.");
            while (true)
            {
                while (lines.TryTake(out string? line))
                {
                    read[0] = new(0, lines.Number, 0, Checksum.Of(Encoding.UTF8.GetBytes(line), read[0].Sum + 1));
                    if (lines.Number < from.Line) continue;
                    if (lines.Number > from.Line) yield return new(Selected(select, lines.Number, line, input), read[0].ToBytes());
                    else if (read[0] != from)
                        throw new InvalidDataException($"{input} is not the one of which more than {from.Line:N0} lines were accepted before: they differ. Pipe in the same; or give the producer another name, to begin anew.");
                }
                if (lines.IsAtEnd) break;
                lines.Add(await lines.ReadAsync(cancellation));
            }
            if (lines.Number < from.Line)
                throw new InvalidDataException($"{input} ends after {lines.Number:N0} lines, and more than {from.Line:N0} were accepted before. Pipe in the same; or give the producer another name, to begin anew.");
        }
        finally
        {
            origin.Close(lines);
        }
    }
}
