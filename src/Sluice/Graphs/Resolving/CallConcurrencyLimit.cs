namespace Sluice.Graphs;

/// <summary>Limits the concurrent calls of a function, in all graphs that have it.</summary>
/// <remarks>
/// Thread-safe. A call holds its permit until it has ended, even if nothing waits for it any more. It lends the permit while a call
/// that it makes (a node of another resolve, a step) waits for a permit or has one. So no call holds a permit while it waits for
/// another, and limits cannot deadlock.
/// </remarks>
[SuppressMessage("Reliability", "CA1001:Types that own disposable fields should be disposable",
    Justification = "Lives as long as its graphs; nobody asks the semaphore for a wait handle, so there is nothing to dispose of.")]
internal sealed class CallConcurrencyLimit
{
    private static readonly AsyncLocal<Holder?> OfFlow = new();

    private readonly SemaphoreSlim free;

    /// <param name="count">The number of permits.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is less than 1.</exception>
    public CallConcurrencyLimit(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, "concurrency");
        (Count, free) = (count, new(count));
    }

    public int Count { get; }

    public ValueTask EnterAsync(CancellationToken cancellation)
    {
        Holder? around = OfFlow.Value;
        around?.Lend();
        Task entered = free.WaitAsync(cancellation);
        if (entered.IsCompletedSuccessfully) return default;
        CurrentCall.Lend(entered);
        return new(around is null ? entered : WaitAsync(entered, around));
    }

    /// <summary>Makes a call that has a permit, and then returns the permit.</summary>
    public async ValueTask<T> HoldAsync<T>(NodeBody<T> body, GraphContext context, int[] parents, CancellationToken cancellation)
    {
        Holder? around = OfFlow.Value;
        var holder = new Holder(free);
        OfFlow.Value = holder;
        try
        {
            return await body(context, parents, cancellation).ConfigureAwait(false);
        }
        finally
        {
            holder.End();
            if (around is not null) await around.TakeBackAsync().ConfigureAwait(false);
        }
    }

    private static async Task WaitAsync(Task entered, Holder around)
    {
        try
        {
            await entered.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await around.TakeBackAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The permit of a call. Its lock guards the fields; waits for permits are outside of the lock.</summary>
    private sealed class Holder(SemaphoreSlim free)
    {
        private readonly Lock sync = new();
        private int lent;                            // the number of nested calls
        private bool isHeld = true;
        private bool isOver;

        public void Lend()
        {
            lock (sync)
            {
                lent++;
                GiveUp();
            }
        }

        /// <summary>Ends a nested call; after the last one, takes the permit again.</summary>
        public async Task TakeBackAsync()
        {
            lock (sync)
            {
                if (--lent > 0 || isOver) return;
            }
            Task entered = free.WaitAsync();
            if (!entered.IsCompleted) CurrentCall.Lend(entered);
            await entered.ConfigureAwait(false);
            lock (sync)
            {
                if (lent == 0 && !isOver && !isHeld) isHeld = true;
                else free.Release();
            }
        }

        public void End()
        {
            lock (sync)
            {
                isOver = true;
                GiveUp();
            }
        }

        private void GiveUp()
        {
            if (isHeld) free.Release();
            isHeld = false;
        }
    }
}
