using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>
/// The output of a processor that resumes per item or at checkpoints: staged until the commit of the items that it comes from.
/// </summary>
/// <remarks>The <see cref="Staging"/> guards the staged values by its lock.</remarks>
internal sealed class StagedOutput(OutputStream stream, Staging staging, long count) : IOutputPort
{
    private EntryBatch staged = stream.NewBatch();
    private int passed;                              // the number of values from completed items
    private long count = count;

    public string Name => stream.Name;

    public OutputStream Stream => stream;

    public long Count => Volatile.Read(ref count);

    /// <summary>The number of staged values.</summary>
    public int Items => staged.Count;

    /// <summary>The size of the staged values in bytes.</summary>
    public long Bytes => staged.Bytes;

    public EntryTrace? Trace => stream.Trace;

    public async ValueTask WriteAsync<T>(T value, IPayloadSerializer<T> serializer, EntryTrace? trace, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        await staging.AddAsync(stream, this, value, serializer, trace).ConfigureAwait(false);
        Interlocked.Increment(ref count);
        stream.Telemetry?.Processor.Sent();
    }

    public ValueTask FinishAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public Task SettleAsync() => Task.CompletedTask;

    /// <returns>The added size in bytes.</returns>
    public long Add<T>(T value, IPayloadSerializer<T> serializer, EntryTrace? trace)
    {
        long before = staged.Bytes;
        TracedEntries.Add(staged, value, serializer, trace);
        return staged.Bytes - before;
    }

    public void Pass() => passed = staged.Count;

    /// <summary>Takes out the staged values, or only those of completed items. The caller owns the batch.</summary>
    public CommitOutput? Take(bool onlyPassed)
    {
        int kept = onlyPassed ? staged.Count - passed : 0;
        if (staged.Count == kept) return null;
        EntryBatch taken = staged;
        staged = stream.NewBatch();
        if (kept > 0) taken = Divide(taken);
        passed = 0;
        return new(stream.Stream, taken);
    }

    private EntryBatch Divide(EntryBatch all)
    {
        EntryBatch first = stream.NewBatch();
        for (int i = 0; i < all.Count; i++) (i < passed ? first : staged).Add(all, i);
        all.Dispose();
        return first;
    }
}
