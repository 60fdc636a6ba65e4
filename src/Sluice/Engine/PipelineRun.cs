using Sluice.Diagnostics;
using Sluice.Topologies;

namespace Sluice;

/// <summary>One execution of a pipeline.</summary>
/// <remarks>All members are thread-safe. Dispose the run: that cancels it if it has not ended, and waits for its end.</remarks>
public sealed partial class PipelineRun : IAsyncDisposable
{
    /// <summary>Completes when every item has been processed and everything that the run started has ended.</summary>
    /// <remarks>
    /// Faulted with a <see cref="PipelineException"/> that names node and item if a stage failed; cancelled if the run was cancelled. Code
    /// that ignores its token delays it by at most <see cref="RunOptions.StopTimeout"/>. If a run fails and nothing reads this property, a
    /// warning reports the failure when the run is disposed; otherwise <see cref="TaskScheduler.UnobservedTaskException"/> reports it.
    /// </remarks>
    public Task Completion
    {
        get
        {
            wasAskedFor = true;
            return CompletionTask();
        }
    }

    /// <summary>Refused: <c>await run</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete("SLU023: a run goes on by itself. Write 'await run.Completion' to wait for its end.", error: true)]
    public TaskAwaiter GetAwaiter() => throw new NotSupportedException();

    /// <summary>The nodes and edges of the run, with the nodes' names.</summary>
    public Topology Topology => Recorder.Topology;

    /// <summary>The clock of the run.</summary>
    public TimeProvider Time => options.Time;

    /// <summary>
    /// The names of nodes whose code has still not returned after the run ended. Normally empty; always empty before the end.
    /// </summary>
    /// <remarks>
    /// Such code ignored its token after the run was cancelled or had failed; or it is a source that did not stop for a drain.
    /// If synchronous code hangs, the entry is the chain of nodes that call each other, as "Parse | Check | Save": one of them hangs.
    /// With <see cref="RunOptions.RecordTimings"/> the entry is exactly that node.
    /// </remarks>
    public IReadOnlyList<string> StillRunning => IsOver ? NodesStillRunning() : [];

    /// <summary>The newest dead letters of the run, oldest first; at most <see cref="RunOptions.MaxDeadLetters"/>.</summary>
    public IReadOnlyList<DeadLetter> DeadLetters => deadLetters?.ToArray() ?? [];

    /// <summary>The state object that the run was started with.</summary>
    /// <typeparam name="TState">Its type, or a base type.</typeparam>
    /// <exception cref="InvalidOperationException">The run was started without a state object, or with one of another type.</exception>
    public TState State<TState>() where TState : class => options.State switch
    {
        TState state => state,
        null => throw new InvalidOperationException(
            $"The run has no state. Start it with RunOptions {{ State = new {TypeNames.Of(typeof(TState))}(…) }}."),
        var other => throw new InvalidOperationException(
            $"The run's state is a {TypeNames.Of(other.GetType())}, not a {TypeNames.Of(typeof(TState))}."),
    };

    /// <summary>Computes the result of the run from its state object, when the run has ended.</summary>
    /// <exception cref="PipelineException">The run failed.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    /// <exception cref="InvalidOperationException">The run was started without a state object, or with one of another type.</exception>
    public async Task<TResult> ResultAsync<TState, TResult>(Func<TState, TResult> result) where TState : class
    {
        ArgumentNullException.ThrowIfNull(result);
        await Completion.ConfigureAwait(false);
        return result(State<TState>());
    }

    /// <summary>
    /// A reader of the items that nodes write to a named output; the name must be among <see cref="RunOptions.Outputs"/>.
    /// </summary>
    /// <remarks>
    /// The output is bounded: if its items are not read, the writing node waits. The reader completes, or fails, with the run.
    /// </remarks>
    /// <exception cref="ArgumentException">The name is not among <see cref="RunOptions.Outputs"/>, or the items have another
    /// type.</exception>
    public System.Threading.Channels.ChannelReader<T> Output<T>(string name)
    {
        if (options.Outputs.Contains(name)) Recorder.CheckOutput(name, typeof(T));       // before a reader makes the channel
        return Outputs.Reader<T>(name);
    }

    /// <summary>The counters, queue lengths and activity of every node at this moment.</summary>
    public RunSnapshot Snapshot()
    {
        if (IsOver) wasAskedFor = true;              // the snapshot says how the run has ended
        return SnapshotTaker.Take(this);
    }

    /// <summary>
    /// Cancels the run if it has not ended, and waits for its end. Never throws: <see cref="Completion"/> says how it ended. A
    /// function of the run itself that awaits it delays it by <see cref="RunOptions.StopTimeout"/>; a warning says so. Another warning says
    /// that the run had not ended. It is left out if the run was cancelled or stopped before, if its caller has read
    /// <see cref="Completion"/>, and if the run has named outputs, whose readers may stop early.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        Task end = CompletionTask();
        if (!end.IsCompleted)
        {
            if (IsInside(this))
                Warnings.Tell($"DisposeAsync of the run that ends with '{NameOf(0)}' was called inside of one of its own functions. A "
                    + "function that awaits it and the disposal wait for each other until StopTimeout has passed: dispose it outside.");
            else if (!wasAskedFor && !stopping && !draining && options.Outputs.Count == 0)
                Warnings.Tell($"The run that ends with '{NameOf(0)}' was disposed before its end. That cancels it: items that it had not "
                    + "processed are not processed. Await run.Completion before the disposal; or end it by StopAsync or CancelAsync, if it "
                    + "is to end early.");
            Cancel();
            options.Scheduler?.Drive();              // a scheduler that works only when driven would never end the run
        }
        await EndedAsync("disposed").ConfigureAwait(false);
    }
}
