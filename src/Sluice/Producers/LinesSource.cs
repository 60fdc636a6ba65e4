using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice.Producers;

/// <summary>The origin of lines: a file that every run opens, or one reader that all runs share.</summary>
internal sealed class LinesOrigin
{
    private readonly Func<BadBytes, StreamReader>? open;
    private readonly TextReader? live;
    private readonly BadBytes? liveBad;
    private LineReader? lines;
    private int users;

    /// <param name="open">Opens the file, with an encoding that reports bad bytes.</param>
    /// <param name="name">Its name, for errors.</param>
    public LinesOrigin(Func<BadBytes, StreamReader> open, string name) => (this.open, Name) = (open, name);

    /// <param name="live">The shared reader.</param>
    /// <param name="name">Its name, for errors.</param>
    /// <param name="bad">The bad bytes found by its encoding; null if the caller gave a text reader.</param>
    public LinesOrigin(TextReader live, string? name, BadBytes? bad) => (this.live, Name, liveBad) = (live, name, bad);

    public string? Name { get; }

    /// <summary>What resumable sources have read of a shared reader. Used by the run that reads.</summary>
    public LinesRead Read { get; } = new();

    /// <summary>The path of the file that every run opens; null for a shared reader.</summary>
    public string? File => open is null ? null : Name;

    /// <param name="maxLineLength">In characters; for a shared reader, the first run's limit holds for all.</param>
    /// <param name="waits">False for a seekable file, which is read without waiting; true if a read may have to wait.</param>
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
            throw new InvalidOperationException($"Another run reads {Name ?? "this reader"} already, or this pipeline reads it in two "
                + "places: it is one live thing. A source for several branches is made by source.Share().");
        }
        waits = true;
        return lines ??= new LineReader(live!, Name, maxLineLength, liveBad);   // kept: the next run continues behind this one's lines
    }

    /// <summary>Ends a run's use of the reader.</summary>
    public void Close(LineReader used)
    {
        if (open is not null) used.Close();
        else Interlocked.Decrement(ref users);
    }
}

/// <summary>What resumable sources have read of a text that cannot seek. It belongs to the text: the checksum covers all lines that were
/// ever read from it.</summary>
internal sealed class LinesRead
{
    private static readonly ConditionalWeakTable<TextReader, LinesOrigin> Origins = [];

    /// <summary>The position behind the last line.</summary>
    public LinePosition Behind { get; private set; }

    /// <summary>The position before the last line.</summary>
    public LinePosition Before { get; private set; }

    /// <summary>The last line; null if there is none.</summary>
    public string? Last { get; private set; }

    /// <summary>The origin of all sources over a text: a second one would miss what the first has buffered.</summary>
    public static LinesOrigin Of(TextReader text) => Origins.GetValue(text, static text => new(text, null, null));

    /// <summary>Notes a line that was read.</summary>
    public void Add(string line, long number)
        => (Before, Behind, Last) = (Behind, new(0, number, 0, Checksum.Of(Encoding.UTF8.GetBytes(line), Behind.Sum + 1)), line);
}

internal sealed class LinesSource<T>(LinesOrigin origin, Func<long, string, T> select, int maxLineLength, StageOptions options)
    : LeafSource<T>(options)
{
    private protected override string Kind => "lines";

    private protected override Source<T> With(StageOptions annotated) => new LinesSource<T>(origin, select, maxLineLength, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next)
    {
        if (origin.File is { } file) context.Run.Files.Read(file);
        return new LinesPump<T>(context, next, origin, select, maxLineLength);
    }
}
