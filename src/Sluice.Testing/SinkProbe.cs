namespace Sluice.Testing;

/// <summary>A sink that collects the items that arrive; the test can block it.</summary>
/// <remarks>
/// Thread-safe. Collects over all runs and lanes that use it; <see cref="WaitForAsync"/> and <see cref="Ended"/> concern the first run.
/// </remarks>
/// <typeparam name="T">The type of its items.</typeparam>
public sealed class SinkProbe<T>
{
    private readonly Lock gate = new();
    private readonly List<T> items = [];
    private readonly List<(int Count, TaskCompletionSource Reached)> waiters = [];
    private readonly TaskCompletionSource<bool> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<TaskCompletionSource> turns = [];          // of the items that wait: each ends with its own run
    private TaskCompletionSource? held;              // the test waits for a blocked item
    private int collectors;                          // nodes of runs that have not ended
    private bool blocked;
    private int allowed;

    /// <summary>Creates a probe.</summary>
    public SinkProbe() => Sink = Sluice.StageNode.Of(() => new Collector(this));

    /// <summary>The sink.</summary>
    public Sink<T> Sink { get; }

    /// <summary>A copy of the items that were let through, in order.</summary>
    public IReadOnlyList<T> Items
    {
        get
        {
            lock (gate) return [.. items];
        }
    }

    /// <summary>Whether an item has arrived and is blocked.</summary>
    public bool IsHolding
    {
        get
        {
            lock (gate) return turns.Count > 0;
        }
    }

    /// <summary>Completes when an item has arrived and is blocked.</summary>
    /// <remarks>Ask before the run ends: between runs, it waits for an item of the next one.</remarks>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="InvalidOperationException">The run has ended without a blocked item.</exception>
    public Task HeldAsync(CancellationToken cancellation = default)
    {
        lock (gate)
        {
            if (turns.Count > 0) return Task.CompletedTask;
            held ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            Task wait = held.Task.WaitAsync(cancellation);
            _ = wait.ContinueWith(static failed => failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default);              // the test may have stopped waiting
            return wait;
        }
    }

    /// <summary>Completes with the first run: true if all items had arrived, false if the run was cancelled or failed. The run of a
    /// consecutor ends so when the consecutor was completed (<c>CompleteAsync</c>); a stop cancels it.</summary>
    public Task<bool> Ended => ended.Task;

    /// <summary>Blocks arriving items until they are released or the run is cancelled.</summary>
    public void Block()
    {
        lock (gate) (blocked, allowed) = (true, 0);
    }

    /// <summary>Releases all items, and unblocks the sink.</summary>
    public void Release() => Release(int.MaxValue);

    /// <summary>Releases some items, and stays blocked for later ones.</summary>
    /// <param name="count">The number of items; 1 or more.</param>
    public void Release(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        TaskCompletionSource[] waiting;
        lock (gate)
        {
            if (count == int.MaxValue) blocked = false;
            else allowed += count;
            waiting = [.. turns];
            turns.Clear();
        }
        foreach (TaskCompletionSource turn in waiting) turn.TrySetResult();
    }

    /// <summary>Waits, without sleeping, until a number of items has arrived. On a seeded scheduler, drive it first.</summary>
    /// <param name="count">The total number of items; 1 or more.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The items that have arrived.</returns>
    /// <exception cref="InvalidOperationException">The run has ended with fewer items.</exception>
    public async Task<IReadOnlyList<T>> WaitForAsync(int count, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Task reached;
        lock (gate)
        {
            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (items.Count >= count) waiter.SetResult();
            else waiters.Add((count, waiter));
            reached = waiter.Task;
        }
        await Task.WhenAny(reached, ended.Task).WaitAsync(cancellation);
        return reached.IsCompleted
            ? Items
            : throw new InvalidOperationException($"The run has ended with {Items.Count} items at the probe; {count} were waited for.");
    }

    private void Collect(T item)
    {
        lock (gate)
        {
            items.Add(item);
            foreach (var (count, reached) in waiters)
                if (items.Count >= count) reached.TrySetResult();    // continuations run elsewhere, not under this lock
            waiters.RemoveAll(waiter => items.Count >= waiter.Count);
        }
    }

    /// <returns>The task to await before the next call; null if the item may pass.</returns>
    private TaskCompletionSource? Turn()
    {
        lock (gate)
        {
            if (!blocked || allowed-- > 0) return null;
            allowed = 0;
            held?.TrySetResult();                                    // continues elsewhere
            held = null;
            var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            turns.Add(turn);
            return turn;
        }
    }

    private void Leave(TaskCompletionSource turn, CancellationToken cancellation)
    {
        lock (gate) turns.Remove(turn);
        turn.TrySetCanceled(cancellation);
    }

    private void Begin()
    {
        lock (gate) collectors++;
    }

    private void End(bool isComplete)
    {
        ended.TrySetResult(isComplete);
        lock (gate)
        {
            if (--collectors > 0 || held is null) return;
            held.SetException(new InvalidOperationException("The run has ended without a blocked item at the probe."));
            _ = held.Task.Exception;
            held = null;
        }
    }

    private sealed class Collector : SinkNode<T>, IDisposable
    {
        private readonly SinkProbe<T> probe;
        private bool complete;

        public Collector(SinkProbe<T> probe)
        {
            this.probe = probe;
            probe.Begin();
        }

        // A node is disposed with its run, however the run ends.
        public void Dispose() => probe.End(complete);

        protected override async ValueTask ProcessAsync(T item, CancellationToken cancellation)
        {
            while (probe.Turn() is { } turn)
            {
                await using CancellationTokenRegistration stop = cancellation.UnsafeRegister(
                    (waiting, cancelled) => probe.Leave((TaskCompletionSource)waiting!, cancelled), turn);
                await turn.Task;
            }
            probe.Collect(item);
        }

        protected override ValueTask EndAsync(CancellationToken cancellation)
        {
            complete = true;
            return default;
        }
    }
}
