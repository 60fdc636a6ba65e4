using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice.Producers;

/// <summary>The origin of lines: a file that every run opens, or one reader that all runs share.</summary>
internal sealed class LinesOrigin
{
    private static readonly ConditionalWeakTable<object, LinesOrigin> Known = [];

    private readonly Func<BadBytes, TextReader> open;
    private readonly Stream? bytes;                  // of the shared reader
    private readonly bool isShared;
    private LineReader? lines;
    private long place;                              // where the bytes were when the last run ended
    private int users;

    /// <param name="open">Opens the file, with an encoding that reports bad bytes.</param>
    /// <param name="name">Its name, for errors.</param>
    public LinesOrigin(Func<BadBytes, TextReader> open, string name) => (this.open, Name) = (open, name);

    /// <param name="open">Begins to read what all runs share, with an encoding that reports bad bytes.</param>
    /// <param name="bytes">What it reads, to notice that it was moved; null if it cannot be moved.</param>
    /// <param name="name">Its name, for errors.</param>
    public LinesOrigin(Func<BadBytes, TextReader> open, Stream? bytes, string? name)
        => (this.open, this.bytes, Name, isShared) = (open, bytes, name, true);

    public string? Name { get; }

    /// <summary>What resumable sources have read of a shared reader. Used by the run that reads.</summary>
    public LinesRead Read { get; private set; } = new();

    /// <summary>The path of the file that every run opens; null for a shared reader.</summary>
    public string? File => isShared ? null : Name;

    /// <summary>The origin of all sources over a text: a second one would miss what the first has read ahead.</summary>
    public static LinesOrigin Of(TextReader text)
        => Known.GetValue(text, static text => new(_ => (TextReader)text, (text as StreamReader)?.BaseStream, null));

    /// <summary>The origin of all sources over a stream, as <see cref="Of(TextReader)"/>.</summary>
    public static LinesOrigin Of(Stream bytes) => Known.GetValue(bytes, static bytes => new(
        bad => bad.Read((Stream)bytes, Encoding.UTF8, leaveOpen: true), (Stream)bytes, null));

    /// <param name="maxLineLength">In characters.</param>
    /// <param name="waits">False for a seekable file, which is read without waiting; true if a read may have to wait.</param>
    public LineReader Open(int maxLineLength, out bool waits)
    {
        if (!isShared)
        {
            LineReader file = Begin();
            waits = file.Text is not StreamReader { BaseStream.CanSeek: true };
            file.BeginRun(maxLineLength);
            return file;
        }
        if (Interlocked.Increment(ref users) > 1)
        {
            Interlocked.Decrement(ref users);
            throw new InvalidOperationException($"Another run reads {Name ?? "this reader"} already, or this pipeline reads it in two "
                + "places: it is one live thing. A source for several branches is made by source.Share().");
        }
        waits = true;
        try
        {
            // Kept: the next run continues behind this one's lines. But whoever moves the bytes wants other lines than those read ahead.
            if (lines is null || (bytes is { CanSeek: true } && bytes.Position != place)) (lines, Read) = (Begin(), new());
        }
        catch
        {
            Interlocked.Decrement(ref users);
            throw;
        }
        lines.BeginRun(maxLineLength);
        return lines;
    }

    /// <summary>Ends a run's use of the reader.</summary>
    public void Close(LineReader used)
    {
        if (!isShared)
        {
            used.Close();
            return;
        }
        if (bytes is { CanSeek: true }) place = bytes.Position;
        Interlocked.Decrement(ref users);
    }

    private LineReader Begin()
    {
        var bad = new BadBytes();
        return new(open(bad), Name, bad);
    }
}

/// <summary>What resumable sources have read of a text that cannot seek. It belongs to the text: the checksum covers all lines that were
/// ever read from it.</summary>
internal sealed class LinesRead
{
    /// <summary>The position behind the last line.</summary>
    public LinePosition Behind { get; private set; }

    /// <summary>The position before the last line.</summary>
    public LinePosition Before { get; private set; }

    /// <summary>The last line; null if there is none.</summary>
    public string? Last { get; private set; }

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
