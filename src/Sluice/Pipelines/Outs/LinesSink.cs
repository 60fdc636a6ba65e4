using Sluice.Pipelines;

namespace Sluice;

public static partial class Sink
{
    // Not the default of StreamWriter, which throws for half a surrogate pair: when its buffer is full, for another line, and for ever.
    private static readonly UTF8Encoding Replacing = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>A sink that writes lines to a text file, as UTF-8. Every run replaces the file; it is complete when the run has
    /// ended. An item with line ends in it is several lines.</summary>
    /// <remarks>Lines that a cancelled or failed run has written stay. Half a surrogate pair is written as U+FFFD. One lane, and one run at
    /// a time: a sink refuses a file that another sink of this process is writing. Other processes are not kept out. If the file cannot be
    /// written, the run fails, whatever <see cref="Stage.OnError"/> says: the buffer had lines of earlier items. A consecutor
    /// refuses it: use <see cref="ToFile{T}(string, Func{T, string}, string?, bool)"/> there.</remarks>
    /// <param name="path">The file. Errors while it is opened or written name it. No source and no other sink of the pipeline may have
    /// it; if one does, the start throws an <see cref="Topologies.InvalidTopologyException"/>.</param>
    public static Sink<string> Lines(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Sink<string>.Of(new LinesSink(() => new StreamWriter(new FileStream(FilePath.NoDirectory(path), FileMode.Create,
            FileAccess.Write, FileShare.Read), Replacing), path));
    }

    /// <summary>A sink that writes lines to a writer, and flushes it at the end of the run. The writer remains the caller's.</summary>
    /// <remarks>If the writer throws an <see cref="IOException"/> or an <see cref="EncoderFallbackException"/>, the run fails, whatever
    /// <see cref="Stage.OnError"/> says: the buffer had lines of earlier items. A <see cref="StreamWriter"/> without a given encoding
    /// throws the latter for half a surrogate pair. A consecutor refuses this sink: use
    /// <see cref="ToFile{T}(string, Func{T, string}, string?, bool)"/> there.</remarks>
    /// <param name="text">Used by one run at a time, unless it is thread-safe.</param>
    public static Sink<string> Lines(TextWriter text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Sink<string>.Of(new LinesSink(() => text, null));
    }
}

internal sealed class LinesSink(Func<TextWriter> open, string? path) : Operator<string, Unit>
{
    public override string Kind => "sink";

    public override string Hint => "lines";

    public override string Stateful => "writes one text from beginning to end";

    public override string Forgets
        => $"{Stateful}, unlike Sink.ToFile, which appends to a file in the commits of its items";

    public override string Exclusive => Stateful;

    public override bool CanBeAbandoned => false;

    public override Inlet<string> Create(StageContext context, Inlet<Unit> next) => new LinesSinkStage(context, next, open, path);
}

/// <remarks>Lines are short and land in a buffer: writing them asynchronously would cost more than it saves.</remarks>
internal sealed class LinesSinkStage : Stage<string, Unit>, INodeLifetime
{
    private readonly Func<TextWriter> open;
    private readonly string? path;
    private TextWriter? text;
    private IDisposable? claim;

    public LinesSinkStage(StageContext context, Inlet<Unit> next, Func<TextWriter> open, string? path) : base(context, next)
    {
        (this.open, this.path) = (open, path);
        context.Run.Nodes.Add(this);
        if (path is not null) context.Run.Files.Write(path);
    }

    public ValueTask BeginAsync()
    {
        try
        {
            if (path is not null) claim = WrittenFiles.Take(path);
            text = open();
        }
        catch (Exception e)
        {
            claim?.Dispose();
            throw new PipelineException(Context.Run.NameOf(Node), null, Explained(e), Node);
        }
        return default;
    }

    public override ValueTask PushAsync(string item, Ticket? ticket)
    {
        Context.In++;
        try
        {
            text!.WriteLine(item);
        }
        // The buffer had lines of earlier items, and they are lost: no policy may go on, as if only this item had failed. An encoder that
        // throws does so at the full buffer, and for each later line.
        catch (Exception e) when (path is not null || e is IOException or EncoderFallbackException)
        {
            throw Context.Failure(Explained(e), endsRun: true);
        }
        catch (Exception e)
        {
            throw Context.Failure(Explained(e), item, ticket);
        }
        return End(ticket);
    }

    /// <summary>Flushes the lines, however the run has ended.</summary>
    public ValueTask DisposeAsync()
    {
        Close();
        return default;
    }

    protected override ValueTask OnCompleteAsync()
    {
        Close();
        return Next.CompleteAsync();
    }

    private void Close()
    {
        if (text is not { } used) return;
        text = null;
        try
        {
            if (path is null) used.Flush();
            else used.Dispose();
        }
        catch (Exception e)
        {
            throw new PipelineException(Context.Run.NameOf(Node), null, Explained(e), Node);
        }
        finally
        {
            claim?.Dispose();
        }
    }

    private Exception Explained(Exception e)
        => path is null || e.Message.Contains(path, StringComparison.Ordinal) ? e
        : new IOException($"Cannot write '{path}': {e.Message}", e);
}
