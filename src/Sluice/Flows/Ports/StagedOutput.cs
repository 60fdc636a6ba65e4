namespace Sluice;

/// <summary>What all outputs of a processor hold back until its next commit.</summary>
/// <remarks>Thread-safe: guards the batches of its outputs.</remarks>
internal sealed class Staging
{
    private readonly Lock sync = new();

    public int Items { get; private set; }

    public long Bytes { get; private set; }

    public void Add<T>(OutputStream stream, EntryBatch to, T value, IPayloadSerializer<T> serializer)
    {
        lock (sync)
        {
            long before = to.Bytes;
            to.Add(serializer, value);
            (Items, Bytes) = (Items + 1, Bytes + to.Bytes - before);
            // The row of the processor's own place is one more part of the commit.
            if (Items < StoreCommit.MaxItems - 1 && (Bytes <= StoreCommit.MaxBytes / 2 || Items == 1)) return;
        }
        throw new FlowException(
            $"The processor {stream.Processor} of the run {stream.Run} has put out {Items:N0} values with {Bytes:N0} bytes between two commits; what an item becomes is one commit, with at most {StoreCommit.MaxItems - 2:N0} values "
            + $"and {StoreCommit.MaxBytes / 2:N0} bytes. Put out less for an item, save checkpoints more often, or let it resume from scratch.")
        { Run = stream.Run, Processor = stream.Processor };
    }

    /// <summary>Takes out what is held back.</summary>
    public List<CommitOutput> Take(IEnumerable<StagedOutput> outputs)
    {
        lock (sync)
        {
            (Items, Bytes) = (0, 0);
            return [.. outputs.Select(output => output.Take()).OfType<CommitOutput>()];
        }
    }
}

/// <summary>The output of a processor that resumes per item or at checkpoints: held back until the commit that says what it came from.</summary>
internal sealed class StagedOutput(OutputStream stream, Staging staging, long count) : IOutputPort
{
    private EntryBatch staged = stream.NewBatch();
    private long count = count;

    public string Name => stream.Name;

    public OutputStream Stream => stream;

    public long Count => Volatile.Read(ref count);

    public ValueTask WriteAsync<T>(T value, IPayloadSerializer<T> serializer, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        staging.Add(stream, staged, value, serializer);
        Interlocked.Increment(ref count);
        return ValueTask.CompletedTask;
    }

    public ValueTask FinishAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public Task SettleAsync() => Task.CompletedTask;

    /// <summary>Under the staging's lock. The batch belongs to the caller.</summary>
    public CommitOutput? Take()
    {
        if (staged.Count == 0) return null;
        EntryBatch taken = staged;
        staged = stream.NewBatch();
        return new(stream.Stream, taken) { ReservedItems = taken.Count, ReservedBytes = taken.Bytes };
    }
}
