using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>At most so many calls of a function at a time, wherever it is called.</summary>
/// <remarks>
/// <para>Thread-safe. A call that has entered holds a place until it has ended, also if nobody waits for that any more. It lends the place while a call that it has led to (a node of another resolve
/// that it makes, a step) waits for a place or has one: so a call never holds a place while it waits for another, and limits cannot wait for each other.</para>
/// </remarks>
[SuppressMessage("Reliability", "CA1001:Types that own disposable fields should be disposable", Justification = "Lives as long as its graphs; nobody asks the semaphore for a wait handle, so there is nothing to dispose of.")]
internal sealed class CallConcurrencyLimit
{
    private static readonly AsyncLocal<Holder?> OfFlow = new();

    private readonly SemaphoreSlim free;

    /// <param name="count">How many.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
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

    /// <summary>Makes a call that has its place, and then gives that back.</summary>
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

    /// <summary>A call that has a place, or has lent it. Locking rule: its fields under the lock; places are waited for outside of it.</summary>
    private sealed class Holder(SemaphoreSlim free)
    {
        private readonly Lock sync = new();
        private int lent;                            // to so many calls that this one has led to
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

        /// <summary>One of them has ended: the place is taken again when it was the last.</summary>
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
