using Sluice.ChildProcesses;
using Sluice.Policies;

namespace Sluice.Processes;

/// <summary>The worker processes of one stage of a run, and the items that wait for one of them.</summary>
/// <remarks>
/// The lock <c>sync</c> guards queues, connections and their items; wake nobody under it. Timeouts of processes are in real time, whatever
/// the run's clock is.
/// </remarks>
internal sealed class WorkerPool<TIn, TOut> : INodeLifetime
{
    private const int MaxBatch = 256;

    private readonly Lock sync = new();
    private readonly CancellationTokenSource life = new();
    private readonly Queue<WorkCall<TIn, TOut>> waiting = new();
    private readonly Queue<WorkCall<TIn, TOut>> suspects = new();
    private readonly List<WorkerConnection<TIn, TOut>> connections = [];
    private readonly ProcessOutput<TIn, TOut> output;
    private readonly StageOptions stage;
    private Task[] slots = [];
    private ChildListener? listener;
    private ChildLauncher? launcher;
    private int nextToWake;
    private int endsInARow;
    private int failedStartsInARow;

    public WorkerPool(PipelineRun run, int node, ProcessDefinition<TIn, TOut> definition, StageOptions stage,
        ProcessOutput<TIn, TOut> output)
    {
        (Run, Node, Definition, this.stage, this.output) = (run, node, definition, stage, output);
        output.IsHungry = () => IsEmpty;
    }

    public PipelineRun Run { get; }

    public int Node { get; }

    public ProcessDefinition<TIn, TOut> Definition { get; }

    /// <summary>Starts the worker processes.</summary>
    public ChildLauncher Launcher => launcher!;

    /// <summary>Cancelled when no worker is needed any more.</summary>
    public CancellationToken Life => life.Token;

    public TimeSpan? Timeout => stage.Timeout;

    /// <summary>The fixed number of items in flight per worker; null if it depends on the worker's speed.</summary>
    public int? ItemsPerWorker => stage.Timeout is not null ? 1 : Definition.Options.MaxItemsPerWorker;

    public ValueTask BeginAsync()
    {
        WorkerEnvironment.ThrowIfWaiting();
        ProcessOptions options = Definition.Options;
        listener = new(options.MaxItemBytes, options.StartTimeout, Life);
        launcher = new(Definition.Program.Program, listener, Life);
        slots = new Task[Definition.Program.Workers ?? stage.Parallel];
        for (int i = 0; i < slots.Length; i++) slots[i] = new WorkerSlot<TIn, TOut>(this).RunAsync();
        return default;
    }

    /// <summary>Ends all workers. Thread-safe.</summary>
    public void Stop() => life.Cancel();

    public async ValueTask DisposeAsync()
    {
        Stop();
        foreach (Task slot in slots) await slot;
        if (listener is not null) await listener.DisposeAsync();         // and not `life`, which may still be cancelled
    }

    public void Enqueue(WorkCall<TIn, TOut> call)
    {
        lock (sync) waiting.Enqueue(call);
    }

    /// <summary>Wakes as many idle workers as the waiting items need.</summary>
    public void Announce()
    {
        while (true)
        {
            WorkerConnection<TIn, TOut>? idle = null;
            bool isMore;
            lock (sync)
            {
                if (waiting.Count + suspects.Count == 0) return;
                for (int i = 0; i < connections.Count && idle is null; i++)
                {
                    nextToWake = (nextToWake + 1) % connections.Count;           // not a count: it would overflow after months
                    WorkerConnection<TIn, TOut> each = connections[nextToWake];
                    if (each.IsIdle && MayTake(each)) idle = each;
                }
                isMore = waiting.Count > (idle is null ? 0 : idle.Window.Size - idle.UnderWay.Count);
            }
            if (idle is null) return;
            idle.Tell();
            if (!isMore) return;
        }
    }

    /// <summary>Takes the items to send to a worker next.</summary>
    public void Take(WorkerConnection<TIn, TOut> connection, List<WorkCall<TIn, TOut>> batch)
    {
        bool mayTake, isEmpty;
        lock (sync)
        {
            mayTake = MayTake(connection);
            if (mayTake) TakeNext(connection, batch);
            else if (connection.UnderWay.Count >= connection.Window.Size) return;        // full
            isEmpty = waiting.Count + suspects.Count == 0;
        }
        if (isEmpty) output.NoneWaits();
        else if (!mayTake) Announce();               // the items may have been announced to this worker before it was overdue
    }

    private void TakeNext(WorkerConnection<TIn, TOut> connection, List<WorkCall<TIn, TOut>> batch)
    {
        if (connection.UnderWay.Count == 0) connection.Window.Begin();
        if (suspects.TryDequeue(out WorkCall<TIn, TOut>? suspect)) Add(suspect);
        else
            while (batch.Count < MaxBatch && connection.UnderWay.Count < connection.Window.Size
                && waiting.TryDequeue(out WorkCall<TIn, TOut>? call)) Add(call);

        void Add(WorkCall<TIn, TOut> call)
        {
            if (stage.Timeout is not null) call.Taken = Run.Time.GetTimestamp();
            connection.UnderWay.Add(call.Number, call);
            batch.Add(call);
        }
    }

    /// <summary>
    /// The time left for the item of a worker that has one at a time, which is late if none is left. Null if it has no item.
    /// </summary>
    public TimeSpan? TimeLeftOf(WorkerConnection<TIn, TOut> connection)
    {
        lock (sync)
        {
            if (connection.UnderWay.Values.FirstOrDefault() is not { } call) return null;
            TimeSpan left = stage.Timeout!.Value - Run.Time.GetElapsedTime(call.Taken);
            connection.IsEnding = call.IsLate = left <= TimeSpan.Zero;
            return left;
        }
    }

    public bool HasWorkFor(WorkerConnection<TIn, TOut> connection)
    {
        lock (sync) return waiting.Count + suspects.Count > 0 && MayTake(connection);
    }

    private bool IsEmpty
    {
        get { lock (sync) return waiting.Count + suspects.Count == 0; }
    }

    /// <summary>Takes an answered item from a worker.</summary>
    /// <exception cref="InvalidDataException">The worker does not have this item.</exception>
    public WorkCall<TIn, TOut> Answered(WorkerConnection<TIn, TOut> connection, long number)
    {
        lock (sync)
        {
            if (!connection.UnderWay.Remove(number, out WorkCall<TIn, TOut>? call))
                throw new InvalidDataException($"It has answered for an item that it does not have ({number}).");
            (call.IsSuspect, endsInARow, failedStartsInARow) = (false, 0, 0);
            connection.HasAnswered = true;
            return call;
        }
    }

    /// <summary>Ends the attempt of an item that could not be sent.</summary>
    public void Unsent(WorkerConnection<TIn, TOut> connection, WorkCall<TIn, TOut> call)
    {
        lock (sync) connection.UnderWay.Remove(call.Number);
        AttemptEnded(call);
    }

    /// <summary>Ends an attempt: passes the item on, or retries it.</summary>
    public void AttemptEnded(WorkCall<TIn, TOut> call)
    {
        if (call.Failure is not { } failure || call.IsForLetter || call.IsPoison || call.Attempt > stage.Retries) output.Ended(call);
        else if (stage.Backoff.Retries(ref failure, out TimeSpan least)) _ = TryAgainAsync(call, least);
        else
        {
            if (failure != call.Failure) call.Fail(failure);
            output.Ended(call);
        }
    }

    /// <summary>Wakes the output, after several attempts have ended.</summary>
    public void Wake() => output.Wake();

    /// <summary>Adds the connection of a worker.</summary>
    public void Join(WorkerConnection<TIn, TOut> connection)
    {
        lock (sync) connections.Add(connection);
    }

    /// <summary>Removes the connection of a worker that has ended. Its unanswered items are repeated.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="how">How the process has ended.</param>
    public void Leave(WorkerConnection<TIn, TOut> connection, string how)
    {
        List<WorkCall<TIn, TOut>> left;
        bool isFailedStart;
        lock (sync)
        {
            connections.Remove(connection);
            left = [.. connection.UnderWay.Values];
            connection.UnderWay.Clear();
            endsInARow++;
            isFailedStart = left.Count == 0 && !connection.HasAnswered;
        }
        if (Life.IsCancellationRequested) return;
        if (isFailedStart)
        {
            FailedToStart(how);
            Announce();                              // an item may have been announced to this worker
            return;
        }
        if (left.Count == 1) Blame(left[0], how);
        else lock (sync)
            foreach (WorkCall<TIn, TOut> call in left) Suspect(call);
        Wake();
        Announce();
    }

    /// <summary>Counts a worker that has ended before it had work; the run fails after too many in a row.</summary>
    /// <param name="how">How the last one has ended.</param>
    /// <param name="remedy">A last sentence of the failure; may be empty.</param>
    public void FailedToStart(string how, string remedy = "")
    {
        int starts, items;
        WorkCall<TIn, TOut>? first;
        lock (sync)
        {
            endsInARow++;
            starts = ++failedStartsInARow;
            items = waiting.Count + suspects.Count;
            if (!suspects.TryPeek(out first)) waiting.TryPeek(out first);
        }
        if (starts < Definition.Options.MaxFailedStarts) return;
        string what = first is null ? ""
            : $" {items:N0} {(items == 1 ? "item waits" : "items wait")}, the first one is {ItemText.Of(first.Item)}.";
        Fail(new WorkerException(
            $"{starts} starts of a worker process in a row have failed before it got to work, the last one with {how}.{what}{remedy}"));
    }

    /// <summary>Fails the run.</summary>
    public void Fail(Exception cause) => Run.Fail(cause, Node);

    /// <summary>Waits before the next start; longer after several ends in a row.</summary>
    public Task PauseAsync() => Launcher.PauseAsync(Volatile.Read(ref endsInARow) - 1, Run.Random);

    // A suspect gets a worker alone; while suspects wait, workers that have items get no more.
    private bool MayTake(WorkerConnection<TIn, TOut> connection)
        => !connection.IsEnding && (connection.UnderWay.Count == 0 || (suspects.Count == 0 && !connection.HasSuspect
        && connection.Window.HasRoom(connection.UnderWay.Count)));

    private void Suspect(WorkCall<TIn, TOut> call)
    {
        call.IsSuspect = true;
        call.Drop();
        suspects.Enqueue(call);
    }

    private void Blame(WorkCall<TIn, TOut> call, string how)
    {
        if (call.IsLate)
        {
            call.Fail(new TimeoutException(
                $"The attempt took longer than {DurationText.Of(stage.Timeout!.Value)}. Its worker process was ended."));
            AttemptEnded(call);
        }
        else if (++call.Deaths >= Definition.Options.MaxCrashes)
        {
            call.Fail(
                new WorkerException(
                    $"The worker process has ended {(call.Deaths == 1 ? "once" : $"{call.Deaths} times")} while it had nothing but this "
                        + $"item to work on, the last time with {how}."), isPoison: true);
            AttemptEnded(call);
        }
        else lock (sync) Suspect(call);
    }

    private async Task TryAgainAsync(WorkCall<TIn, TOut> call, TimeSpan least)
    {
        TimeSpan wait = stage.Backoff.WaitBefore(call.Attempt, Run.Random);
        if (wait < least) wait = least;
        call.TryAgain();
        if (wait > TimeSpan.Zero)
            await Task.Delay(wait, Run.Time, Life).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing
                | ConfigureAwaitOptions.ContinueOnCapturedContext);
        Enqueue(call);
        Announce();
    }
}
