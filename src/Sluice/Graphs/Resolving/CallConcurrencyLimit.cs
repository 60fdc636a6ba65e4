namespace Sluice.Graphs;

/// <summary>Limits the concurrent calls of a function, in all graphs that have it.</summary>
/// <remarks>
/// Thread-safe. A call holds its permit until it has ended, even if nothing waits for it any more. It lends the permit while a node with
/// a limit runs inside of it: a node of another resolve that the call, or a step that it calls, has begun. The node is in all its
/// attempts meanwhile, and in the pauses between them. So no call holds a permit while it waits for another, and limits cannot deadlock.
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

    /// <summary>The permit of the call that this code runs in; null if it has none.</summary>
    public static Holder? Around => OfFlow.Value;

    public ValueTask EnterAsync(CancellationToken cancellation)
    {
        Task entered = free.WaitAsync(cancellation);
        if (entered.IsCompletedSuccessfully) return default;
        CurrentCall.Lend(entered);
        return new(entered);
    }

    /// <summary>Makes a call that has a permit, and then returns the permit.</summary>
    public async ValueTask<T> HoldAsync<T>(NodeBody<T> body, GraphContext context, int[] parents, CancellationToken cancellation)
    {
        var holder = new Holder(free);
        OfFlow.Value = holder;
        try
        {
            return await body(context, parents, cancellation).ConfigureAwait(false);
        }
        finally
        {
            holder.End();
        }
    }

    /// <summary>The permit of a call. Its lock guards the fields; waits for permits are outside of the lock. At most one request for the
    /// permit is pending, however many flows of the call wait for it.</summary>
    internal sealed class Holder(SemaphoreSlim free)
    {
        private readonly Lock sync = new();
        private int lent;                            // the number of nested nodes
        private Task? taking;                        // the pending request, which serves all flows of the call
        private bool isHeld = true;
        private bool isOver;

        /// <summary>Begins a nested node that has a limit, with all its attempts.</summary>
        public void Lend()
        {
            lock (sync)
            {
                lent++;
                GiveUp();
            }
        }

        /// <summary>Ends a nested node; after the last one, takes the permit again.</summary>
        /// <param name="cancellation">Ends the wait, but not the request: the call gets the permit when it is free, if it still runs.
        /// </param>
        public async ValueTask TakeBackAsync(CancellationToken cancellation)
        {
            Task taken;
            lock (sync)
            {
                if (--lent > 0 || isOver) return;
                // A second request would wait for the permit that the first one gets, if that is the only one.
                if (taking is null)
                {
                    taken = TakeAsync();
                    if (taken.IsCompleted) return;
                    taking = taken;
                }
                taken = taking;
            }
            Task waited = taken.WaitAsync(cancellation);
            CurrentCall.Lend(waited);
            await waited.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        public void End()
        {
            lock (sync)
            {
                isOver = true;
                GiveUp();
            }
        }

        private async Task TakeAsync()
        {
            await free.WaitAsync().ConfigureAwait(false);
            lock (sync)
            {
                taking = null;
                if (lent == 0 && !isOver) isHeld = true;
                else free.Release();
            }
        }

        private void GiveUp()
        {
            if (isHeld) free.Release();
            isHeld = false;
        }
    }
}
