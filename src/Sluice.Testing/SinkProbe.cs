namespace Sluice.Testing;

/// <summary>A sink that collects what arrives, and that the test can hold up.</summary>
/// <remarks>Any thread. Collects over all runs and lanes that use it; <see cref="WaitForAsync"/> and <see cref="Ended"/> are about the first run.</remarks>
/// <typeparam name="T">The type of its items.</typeparam>
public sealed class SinkProbe<T>
{
    private readonly Lock gate = new();
    private readonly List<T> items = [];
    private readonly List<(int Count, TaskCompletionSource Reached)> waiters = [];
    private readonly TaskCompletionSource<bool> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? turn;              // what an item that arrives while the probe is blocked waits for
    private TaskCompletionSource? held;              // the test waits for an item to be held up
    private bool blocked;
    private int allowed;

    /// <summary>Makes a probe.</summary>
    public SinkProbe() => Sink = Sluice.StageNode.Of(() => new Collector(this));

    /// <summary>The sink.</summary>
    public Sink<T> Sink { get; }

    /// <summary>What has arrived and was let through, in order; a copy.</summary>
    public IReadOnlyList<T> Items
    {
        get
        {
            lock (gate) return [.. items];
        }
    }

    /// <summary>Whether an item has arrived and is being held up.</summary>
    public bool IsHolding
    {
        get
        {
            lock (gate) return turn is not null;
        }
    }

    /// <summary>Ends when an item has arrived and is being held up.</summary>
    public Task HeldAsync()
    {
        lock (gate)
        {
            if (turn is not null) return Task.CompletedTask;
            return (held ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Ends with the first run: true when everything had arrived, false when the run was cancelled or had failed.</summary>
    public Task<bool> Ended => ended.Task;

    /// <summary>From now on, items that arrive are held up until they are released or the run is cancelled.</summary>
    public void Block()
    {
        lock (gate) (blocked, allowed) = (true, 0);
    }

    /// <summary>Lets everything through again.</summary>
    public void Release() => Release(int.MaxValue);

    /// <summary>Lets some items through, and stays blocked for those after them.</summary>
    /// <param name="count">1 or more.</param>
    public void Release(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        TaskCompletionSource? waiting;
        lock (gate)
        {
            if (count == int.MaxValue) blocked = false;
            else allowed += count;
            waiting = turn;
            turn = null;
        }
        waiting?.TrySetResult();
    }

    /// <summary>Waits, without sleeping, until that many items have arrived. On a seeded scheduler, drive it first.</summary>
    /// <param name="count">How many in all, 1 or more.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>What has arrived.</returns>
    /// <exception cref="InvalidOperationException">The run has ended with fewer.</exception>
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
                if (items.Count >= count) reached.TrySetResult();    // its continuations run elsewhere, not under this lock
            waiters.RemoveAll(waiter => items.Count >= waiter.Count);
        }
    }

    /// <returns>What to wait for before asking again; null when the item may pass.</returns>
    private TaskCompletionSource? Turn()
    {
        lock (gate)
        {
            if (!blocked || allowed-- > 0) return null;
            allowed = 0;
            held?.TrySetResult();                                    // continues elsewhere
            held = null;
            return turn ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private sealed class Collector(SinkProbe<T> probe) : SinkNode<T>, IDisposable
    {
        private bool complete;

        // A node is disposed with its run, however that ends.
        public void Dispose() => probe.ended.TrySetResult(complete);

        protected override async ValueTask ProcessAsync(T item, CancellationToken cancellation)
        {
            while (probe.Turn() is { } turn)
            {
                await using CancellationTokenRegistration stop = cancellation.UnsafeRegister(
                    static waiting => ((TaskCompletionSource)waiting!).TrySetCanceled(new CancellationToken(canceled: true)), turn);
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
