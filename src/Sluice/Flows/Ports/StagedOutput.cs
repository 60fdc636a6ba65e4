namespace Sluice;

/// <summary>The output of a processor that resumes per item or at checkpoints: held back until the commit that says what it came from.</summary>
/// <remarks>What is staged is used under the lock of the <see cref="Staging"/>.</remarks>
internal sealed class StagedOutput(OutputStream stream, Staging staging, long count) : IOutputPort
{
    private EntryBatch staged = stream.NewBatch();
    private int passed;                              // how many of them are of items that have been processed
    private long count = count;

    public string Name => stream.Name;

    public OutputStream Stream => stream;

    public long Count => Volatile.Read(ref count);

    /// <summary>How many values are held back.</summary>
    public int Items => staged.Count;

    /// <summary>Their bytes.</summary>
    public long Bytes => staged.Bytes;

    public async ValueTask WriteAsync<T>(T value, IPayloadSerializer<T> serializer, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        await staging.AddAsync(stream, this, value, serializer).ConfigureAwait(false);
        Interlocked.Increment(ref count);
    }

    public ValueTask FinishAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public Task SettleAsync() => Task.CompletedTask;

    /// <returns>By how many bytes it has grown.</returns>
    public long Add<T>(T value, IPayloadSerializer<T> serializer)
    {
        long before = staged.Bytes;
        staged.Add(serializer, value);
        return staged.Bytes - before;
    }

    public void Pass() => passed = staged.Count;

    /// <summary>Takes out what is held back, or of it what is of items that have been processed. The batch belongs to the caller.</summary>
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
