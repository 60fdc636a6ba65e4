using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    private const int MaxLine = 1 << 20, MaxOfMaxLine = 1_000_000_000;               // a buffer of twice the length is an array

    /// <summary>A source of the lines of a text file, without their ends (LF, CR LF or CR). Every run opens and closes the file.</summary>
    /// <param name="path">The file: UTF-8 unless it begins with another byte order mark. Invalid bytes are an error that names file and
    /// line.</param>
    /// <param name="maxLineLength">The longest line, in characters: 1 to 1,000,000,000; 1,048,576 unless given. A longer line
    /// is an error that names file and line.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is below 1, or above 1,000,000,000.</exception>
    public static Source<string> Lines(string path, int maxLineLength = MaxLine) => Lines(path, static (_, line) => line, maxLineLength);

    /// <summary>
    /// A source of the results of a function of each line and its number: <c>Source.Lines(path, (number, text) => (number, text))</c>.
    /// </summary>
    /// <param name="path">The file: UTF-8 unless it begins with another byte order mark. Invalid bytes are an error that names file and
    /// line.</param>
    /// <param name="select">Takes the number of a line, from 1, and the line. If it throws, the error names file and line.</param>
    /// <param name="maxLineLength">The longest line, in characters: 1 to 1,000,000,000; 1,048,576 unless given. A longer line
    /// is an error that names file and line.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is below 1, or above 1,000,000,000.</exception>
    public static Source<T> Lines<T>(string path, Func<long, string, T> select, int maxLineLength = MaxLine)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(select);
        return Lines(new LinesOrigin(bad => bad.Read(new FileStream(FilePath.NoDirectory(path), FileMode.Open, FileAccess.Read,
            FileShare.Read, bufferSize: 4096), Encoding.UTF8), path), select, maxLineLength);
    }

    /// <summary>A source of the lines of a reader, from its current position. The caller disposes the reader.</summary>
    /// <remarks>
    /// <para>
    /// One run at a time can read. If a read ignores its token, a drained or cancelled run leaves it behind; until it ends, no other run
    /// can read.
    /// </para>
    /// <para>
    /// A run reads ahead. What it has read and not put out is for the next run over this reader, also of another source; your own reads do
    /// not get it. What it has put out is gone, also if the run is cancelled. If a stream that can seek is moved between two runs, the next
    /// run begins at the new position.
    /// </para>
    /// </remarks>
    /// <param name="text">The reader.</param>
    /// <param name="maxLineLength">The longest line, in characters: 1 to 1,000,000,000; 1,048,576 unless given. A longer line
    /// is an error that names the line.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is below 1, or above 1,000,000,000.</exception>
    public static Source<string> Lines(TextReader text, int maxLineLength = MaxLine)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Lines(LinesOrigin.Of(text), static (_, line) => line, maxLineLength);
    }

    /// <summary>A source of the lines of a stream, from its current position. The caller disposes the stream.</summary>
    /// <inheritdoc cref="Lines(TextReader, int)"/>
    /// <param name="bytes">The stream: UTF-8 unless it begins with another byte order mark. Invalid bytes are an error that names the
    /// line.</param>
    /// <param name="maxLineLength">The longest line, in characters: 1 to 1,000,000,000; 1,048,576 unless given. A longer line
    /// is an error that names the line.</param>
    public static Source<string> Lines(Stream bytes, int maxLineLength = MaxLine)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        if (!bytes.CanRead) throw new ArgumentException("The stream cannot be read: it was opened for writing, or is closed.",
            nameof(bytes));
        return Lines(LinesOrigin.Of(bytes), static (_, line) => line, maxLineLength);
    }

    /// <summary>A source of the lines of the standard input.</summary>
    /// <remarks>
    /// One run at a time can read. A drain does not wait for the line that is being typed; the next run gets it. A run reads ahead: read
    /// the standard input by this source only, and not by <see cref="Console"/>, too. What one of them has read, the other does not get.
    /// </remarks>
    /// <param name="maxLineLength">The longest line, in characters: 1 to 1,000,000,000; 1,048,576 unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is below 1, or above 1,000,000,000.</exception>
    public static Source<string> StandardInput(int maxLineLength = MaxLine)
        => Lines(StandardInputOrigin, static (_, line) => line, maxLineLength);

    // One per process: a second reader would miss what the first has buffered. Not Console.In: its reads block.
    private static readonly LinesOrigin StandardInputOrigin
        = new(bad => bad.Read(Console.OpenStandardInput(), Own(Console.InputEncoding)), null, "the standard input");

    // The console wraps encodings that have a mark, such as UTF-8, and decoders of the wrapper ignore the wrapper's fallback.
    private static Encoding Own(Encoding console)
        => Array.Find([Encoding.UTF8, Encoding.Unicode, Encoding.BigEndianUnicode, Encoding.UTF32],
            own => own.CodePage == console.CodePage) ?? console;

    private static void CheckLine(int maxLineLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLineLength, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxLineLength, MaxOfMaxLine);
    }

    private static LinesSource<T> Lines<T>(LinesOrigin origin, Func<long, string, T> select, int maxLineLength)
    {
        CheckLine(maxLineLength);
        return new LinesSource<T>(origin, select, maxLineLength, StageOptions.Default);
    }
}
