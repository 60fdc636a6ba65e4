namespace Sluice.FlowTorture;

/// <summary>How many values have come out of a run. Thread-safe.</summary>
internal sealed class Progress
{
    private readonly Lock sync = new();
    private readonly List<(long At, TaskCompletionSource Reached)> waiting = [];

    public long Count { get; private set; }

    /// <summary>One more.</summary>
    public void Add()
    {
        lock (sync)
        {
            Count++;
            foreach (var (at, reached) in waiting)
                if (at <= Count) reached.TrySetResult();
            waiting.RemoveAll(one => one.At <= Count);
        }
    }

    /// <summary>Ends when there are so many.</summary>
    public Task ReachAsync(long count)
    {
        lock (sync)
        {
            if (count <= Count) return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Add((count, reached));
            return reached.Task;
        }
    }
}
