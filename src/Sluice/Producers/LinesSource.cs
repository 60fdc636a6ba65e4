using System.Text;

namespace Sluice;

public static partial class Source
{
    private const int MaxLine = 1 << 20;

    /// <summary>The lines of a text file, without their ends (LF, CR LF or CR). Every run opens the file, and closes it.</summary>
    /// <param name="path">The file; UTF-8 unless it begins with another byte order mark. What is not is an error that names file and line.</param>
    /// <param name="maxLineLength">In characters, 1 or more; a longer line is an error that names file and line. 1,048,576 unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit below 1.</exception>
    public static Source<string> Lines(string path, int maxLineLength = MaxLine) => Lines(path, static (_, line) => line, maxLineLength);

    /// <summary>What a function makes of the lines of a text file and their numbers: <c>Source.Lines(path, (number, text) => (number, text))</c>.</summary>
    /// <param name="path">The file; UTF-8 unless it begins with another byte order mark. What is not is an error that names file and line.</param>
    /// <param name="select">Takes the number of a line, from 1, and the line.</param>
    /// <param name="maxLineLength">In characters, 1 or more; a longer line is an error that names file and line. 1,048,576 unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit below 1.</exception>
    public static Source<T> Lines<T>(string path, Func<long, string, T> select, int maxLineLength = MaxLine)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(select);
        return Lines(new LinesOrigin(bad => new StreamReader(path, bad.In(Encoding.UTF8)), path), select, maxLineLength);
    }

    /// <summary>The lines of what a reader reads, from where it stands. The reader remains the caller's.</summary>
    /// <remarks>One run at a time can read. A read that does not honour its token is left behind when the run is drained or cancelled; until it ends, no other run can read.</remarks>
    /// <param name="text">The reader.</param>
    /// <param name="maxLineLength">In characters, 1 or more; a longer line is an error that names the line. 1,048,576 unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit below 1.</exception>
    public static Source<string> Lines(TextReader text, int maxLineLength = MaxLine)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Lines(new LinesOrigin(text, null, null), static (_, line) => line, maxLineLength);
    }

    /// <inheritdoc cref="Lines(TextReader, int)"/>
    /// <param name="bytes">The stream; UTF-8 unless it begins with another byte order mark. What is not is an error that names the line. It remains the caller's.</param>
    /// <param name="maxLineLength">In characters, 1 or more; a longer line is an error that names the line. 1,048,576 unless given.</param>
    public static Source<string> Lines(Stream bytes, int maxLineLength = MaxLine)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        var bad = new BadBytes();
        return Lines(new LinesOrigin(new StreamReader(bytes, bad.In(Encoding.UTF8), detectEncodingFromByteOrderMarks: true, -1, leaveOpen: true), null, bad),
            static (_, line) => line, maxLineLength);
    }

    /// <summary>The lines of the standard input.</summary>
    /// <remarks>A drain does not wait for the line that is being typed; the next run gets it. One run at a time.</remarks>
    /// <param name="maxLineLength">In characters, 1 or more. 1,048,576 unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit below 1.</exception>
    public static Source<string> StandardInput(int maxLineLength = MaxLine)
        => Lines(StandardInputOrigin.Value, static (_, line) => line, maxLineLength);

    // One for the process: a second reader would miss what the first one has in its buffer. Not Console.In: its reads block.
    private static readonly Lazy<LinesOrigin> StandardInputOrigin
        = new(() =>
        {
            var bad = new BadBytes();
            return new(new StreamReader(Console.OpenStandardInput(), bad.In(Console.InputEncoding)), "the standard input", bad);
        });

    private static LinesSource<T> Lines<T>(LinesOrigin origin, Func<long, string, T> select, int maxLineLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLineLength, 1);
        return new LinesSource<T>(origin, select, maxLineLength, StageOptions.Default);
    }
}

/// <summary>Where lines are read: something that every run opens, or one live thing.</summary>
internal sealed class LinesOrigin
{
    private readonly Func<BadBytes, StreamReader>? open;
    private readonly TextReader? live;
    private readonly BadBytes? liveBad;
    private LineReader? lines;
    private int users;

    /// <param name="open">Opens it, with an encoding that tells of bad bytes.</param>
    /// <param name="name">Its name.</param>
    public LinesOrigin(Func<BadBytes, StreamReader> open, string name) => (this.open, Name) = (open, name);

    /// <param name="live">What is read.</param>
    /// <param name="name">Its name.</param>
    /// <param name="bad">What its encoding tells of bad bytes; null where it is read as text already.</param>
    public LinesOrigin(TextReader live, string? name, BadBytes? bad) => (this.live, Name, liveBad) = (live, name, bad);

    public string? Name { get; }

    /// <param name="maxLineLength">In characters; of a live thing, the first run's limit holds for all.</param>
    /// <param name="waits">A file that ends of itself is read without waiting; a pipe, or what the caller brought, may have to be waited for.</param>
    public LineReader Open(int maxLineLength, out bool waits)
    {
        if (open is not null)
        {
            var bad = new BadBytes();
            StreamReader file = open(bad);
            waits = !file.BaseStream.CanSeek;
            return new LineReader(file, Name, maxLineLength, bad);
        }
        if (Interlocked.Increment(ref users) > 1)
        {
            Interlocked.Decrement(ref users);
            throw new InvalidOperationException($"Another run reads {Name ?? "this reader"} already, and it is one live thing.");
        }
        waits = true;
        return lines ??= new LineReader(live!, Name, maxLineLength, liveBad);   // kept: the next run goes on behind the lines of this one
    }

    /// <summary>The run is through with it.</summary>
    public void Close(LineReader used)
    {
        if (open is not null) used.Close();
        else Interlocked.Decrement(ref users);
    }
}

internal sealed class LinesSource<T>(LinesOrigin origin, Func<long, string, T> select, int maxLineLength, StageOptions options) : LeafSource<T>(options)
{
    private protected override string Kind => "lines";

    private protected override Source<T> With(StageOptions annotated) => new LinesSource<T>(origin, select, maxLineLength, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next) => new LinesPump<T>(context, next, origin, select, maxLineLength);
}
