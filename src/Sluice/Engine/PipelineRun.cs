namespace Sluice;

/// <summary>One execution of a pipeline.</summary>
/// <remarks>All members may be called from any thread. Dispose it: that cancels what still runs, and waits for its end.</remarks>
public sealed partial class PipelineRun : IAsyncDisposable
{
    /// <summary>Ends when everything has been processed.</summary>
    /// <remarks>
    /// Faulted with a <see cref="PipelineException"/> that names node and item when a stage failed; cancelled when the
    /// run was. It ends once, after everything the run started has ended, so far as that honours its token. If a run fails and nothing asks for this, the failure is told as a
    /// warning when the run is disposed, and else by <see cref="TaskScheduler.UnobservedTaskException"/>.
    /// </remarks>
    public Task Completion
    {
        get
        {
            wasAskedFor = true;
            return CompletionTask();
        }
    }

    /// <summary>What the run looks like, with its nodes' names.</summary>
    public Topology Topology => Recorder.Topology;

    /// <summary>The clock of the run.</summary>
    public TimeProvider Time => options.Time;

    /// <summary>
    /// Nodes whose code did not end in time although it was told to, and has not ended since: after the run was cancelled or
    /// had failed, or, of a source, when it was drained. Empty while the run goes on, and as a rule.
    /// An entry is the name of a node. Where synchronous code hangs, it is the chain of nodes that call each other, as "Parse | Check | Save": one of them hangs. With
    /// <see cref="RunOptions.RecordTimings"/> it is that one.
    /// </summary>
    public IReadOnlyList<string> StillRunning => IsOver ? NodesStillRunning() : [];

    /// <summary>The newest items that ended as dead letters, oldest first.</summary>
    public IReadOnlyList<DeadLetter> DeadLetters => deadLetters?.ToArray() ?? [];

    /// <summary>Stops now: nothing new is taken in, what is under way is given up, and user code's token is cancelled.</summary>
    public void Cancel() => Stop(null);

    /// <summary>The state object that the run was started with.</summary>
    /// <typeparam name="TState">Its type, or a base type.</typeparam>
    /// <exception cref="InvalidOperationException">The run was started without one, or with one of another type.</exception>
    public TState State<TState>() where TState : class => options.State switch
    {
        TState state => state,
        null => throw new InvalidOperationException(
            $"The run has no state. Start it with RunOptions {{ State = new {typeof(TState).Name}(…) }}."),
        var other => throw new InvalidOperationException(
            $"The run's state is a {other.GetType().Name}, not a {typeof(TState).Name}."),
    };

    /// <summary>The result of the run: computed from its state when it has ended.</summary>
    /// <exception cref="PipelineException">The run failed.</exception>
    public async Task<TResult> ResultAsync<TState, TResult>(Func<TState, TResult> result) where TState : class
    {
        ArgumentNullException.ThrowIfNull(result);
        await Completion.ConfigureAwait(false);
        return result(State<TState>());
    }

    /// <summary>The items that nodes write to a named output; the name must be among <see cref="RunOptions.Outputs"/>.</summary>
    /// <remarks>Bounded: who does not read blocks the node. Ends, or fails, with the run.</remarks>
    /// <exception cref="ArgumentException">The name was not asked for when the run was started, or the items are of another type.</exception>
    public System.Threading.Channels.ChannelReader<T> Output<T>(string name) => Outputs.Reader<T>(name);

    /// <summary>Counters, queues and what every node is doing, at this moment.</summary>
    public RunSnapshot Snapshot()
    {
        if (IsOver) wasAskedFor = true;              // it says how the run has ended
        return SnapshotTaker.Take(this, Recorder);
    }

    /// <summary>Cancels the run if it has not ended, and waits for its end. Throws nothing: <see cref="Completion"/> tells how it ended.</summary>
    public async ValueTask DisposeAsync()
    {
        Task end = CompletionTask();
        if (!end.IsCompleted)
        {
            Cancel();
            options.Scheduler?.Drive();              // one that only works when it is driven could never end
        }
        await end.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (failure is not null && !wasAskedFor && !Interlocked.Exchange(ref hasTold, true))
            Warnings.Tell($"A run has failed and was disposed, and nothing has asked for its Completion: {failure.Message} Await Completion: it fails with this.");
    }
}
