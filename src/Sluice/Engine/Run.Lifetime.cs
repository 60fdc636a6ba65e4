using System.Collections.Concurrent;

namespace Sluice;

// How a run begins and ends. Locking rule: whatever decides an ending is decided under `sync`; user code, wake-ups and
// continuations run outside of it.
public sealed partial class Run : IObservedRun
{
    private readonly Lock sync = new();
    private readonly RunOptions options;
    private readonly IBlueprint blueprint;
    private TopologyRecorder? recorder;
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DeadLetterBox? deadLetters;
    private RunOutputs? outputs;
    private Watchdog? watchdog;
    private List<IBoundary>? boundaries;
    private List<INodeLifetime>? nodes;
    private List<IReportsCounts>? reporters;
    private List<TicketRing>? tickets;
    private List<Action>? onStop;
    private List<Action>? onStart;
    private ConcurrentDictionary<Task, int>? abandoned;
    private readonly long startedAt;
    private long endedAt;
    private CancellationTokenSource? stopSource;
    private CancellationTokenSource? sourceStopSource;
    private CancellationTokenRegistration outside;
    private ITimer? grace;
    private volatile bool stopping;
    private volatile bool draining;
    private Exception? failure;
    private int active;

    internal Run(RunOptions options, IBlueprint blueprint)
    {
        this.options = options;
        this.blueprint = blueprint;
        Scheduler = options.Scheduler
            ?? (options.Mode == ExecutionMode.SingleThread ? new SerialScheduler() : RunScheduler.ThreadPool);
        Random = options.Seed is { } seed ? new LockedRandom(seed) : Random.Shared;
        startedAt = options.Time.GetTimestamp();
    }

    internal RunOptions Options => options;

    internal RunScheduler Scheduler { get; }

    internal TopologyRecorder Recorder => LazyInitializer.EnsureInitialized(ref recorder, () => RunBuilder.Draw(blueprint));

    internal Watchdog Watchdog => LazyInitializer.EnsureInitialized(ref watchdog, () => new Watchdog(Boundaries));

    internal RunOutputs Outputs => LazyInitializer.EnsureInitialized(ref outputs, () => new RunOutputs(options));

    /// <summary>The parts of the run; filled while it is built, read-only after that. Most runs have few kinds of them.</summary>
    internal List<Pump> Pumps { get; } = [];

    internal List<StageContext> Contexts { get; } = [];

    internal List<IBoundary> Boundaries => boundaries ??= [];

    internal List<INodeLifetime> Nodes => nodes ??= [];

    internal List<IReportsCounts> Reporters => reporters ??= [];

    internal List<TicketRing> Tickets => tickets ??= [];

    internal List<Action> OnStop => onStop ??= [];

    /// <summary>Called once, when all nodes have begun, before the first item.</summary>
    internal List<Action> OnStart => onStart ??= [];

    /// <summary>Where jitter comes from: seeded when the run is.</summary>
    internal Random Random { get; }

    internal TimeSpan Elapsed => Completion.IsCompleted ? Time.GetElapsedTime(startedAt, endedAt) : Time.GetElapsedTime(startedAt);

    /// <summary>Cancelled or failed: whatever notices gives up.</summary>
    internal bool IsStopping => stopping;

    internal bool IsDraining => draining;

    internal Exception? FailureSoFar => failure;

    /// <summary>What user code is handed; made when first asked for.</summary>
    internal CancellationToken Token => TokenOf(ref stopSource, stopping);

    /// <summary>What sources wait with: cancelled by a drain as well.</summary>
    internal CancellationToken SourceToken => TokenOf(ref sourceStopSource, stopping || draining);

    System.Diagnostics.Activity? IObservedRun.Span { get; set; }

    IObservedRun? IObservedRun.Before { get; set; }

    IObservedRun? IObservedRun.Behind { get; set; }

    internal string NameOf(int node) => Recorder.NameOf(node);

    internal void ThrowIfStopping()
    {
        if (stopping) throw new RunStoppedException();
    }

    internal void AddDeadLetter(DeadLetter letter)
        => LazyInitializer.EnsureInitialized(ref deadLetters, () => new DeadLetterBox(options.DeadLetterCapacity)).Add(letter);

    /// <summary>An attempt was left behind that did not stop with its token; the run names it if it never ends.</summary>
    internal void Abandon(Task work, int node)
    {
        ConcurrentDictionary<Task, int> abandoned = LazyInitializer.EnsureInitialized(ref this.abandoned, static () => []);
        abandoned.TryAdd(work, node);
        work.ContinueWith(
            static (task, known) =>
            {
                _ = task.Exception;                  // its item has been given up already: with a TimeoutException
                ((ConcurrentDictionary<Task, int>)known!).TryRemove(task, out _);
            },
            abandoned, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    internal void Launch(CancellationToken cancellation)
    {
        active = Pumps.Count + 1;                    // one for this method
        if (cancellation.CanBeCanceled) outside = cancellation.UnsafeRegister(static run => ((Run)run!).Cancel(), this);
        options.Started?.Invoke(this);
        Telemetry.RunStarted(this);                  // before anything can end
        if (nodes is not null) Scheduler.Schedule(new NodeStarter(this));
        else StartPumps();
        PumpEnded();
        Scheduler.Drive();
    }

    internal void StartPumps()
    {
        if (onStart is not null)
            foreach (Action action in onStart) action();
        for (int i = Pumps.Count - 1; i >= 0; i--) Scheduler.Schedule(Pumps[i]);
    }

    /// <summary>Something beside the pumps is at work: the tick of a timer. Not when the run has ended.</summary>
    internal bool TryBegin()
    {
        lock (sync)
        {
            if (active == 0) return false;
            active++;
            return true;
        }
    }

    /// <summary>A pump, or what <see cref="TryBegin"/> let in, has ended; the last one ends the run.</summary>
    internal void PumpEnded()
    {
        lock (sync)
        {
            if (--active > 0) return;
        }
        if (nodes is not null) _ = DisposeNodesAsync();
        else End();
    }

    /// <summary>Something has failed: the first failure is the run's, and everything stops.</summary>
    internal void Fail(Exception cause, int node)
    {
        if (cause is RunStoppedException || (cause is OperationCanceledException && stopping)) return;
        Stop(cause as PipelineException ?? new PipelineException(NameOf(node), null, cause, node));
    }

    private void Drain()
    {
        CancellationTokenSource? source;
        lock (sync)
        {
            draining = true;
            source = sourceStopSource;
        }
        foreach (Pump pump in Pumps) (pump as IUpstream)?.Stop();
        CancelQuietly(source);
    }

    /// <returns>Whether this is what stopped the run.</returns>
    private bool Stop(Exception? cause)
    {
        lock (sync)
        {
            if (stopping || ended.Task.IsCompleted) return false;
            failure = cause;
            stopping = true;
        }
        foreach (Pump pump in Pumps) (pump as IUpstream)?.Stop();
        foreach (IBoundary boundary in Boundaries) boundary.Abort();
        foreach (Action action in OnStop) action();
        CancelQuietly(stopSource);
        CancelQuietly(sourceStopSource);
        Outputs.Complete(cause);
        lock (sync)
        {
            if (active > 0) grace = Time.CreateTimer(static run => ((Run)run!).End(), this, options.StopGrace, Timeout.InfiniteTimeSpan);
        }
        return true;
    }

    /// <summary>A callback that somebody registered on the token may throw: that is a failure of the run like any other.</summary>
    private void CancelQuietly(CancellationTokenSource? source)
    {
        try
        {
            source?.Cancel();
        }
        catch (AggregateException e)
        {
            lock (sync) failure ??= new PipelineException("cancellation callback", null, e.InnerException ?? e);
        }
    }

    private CancellationToken TokenOf(ref CancellationTokenSource? source, bool cancelled)
    {
        if (source is { } known) return known.Token;
        lock (sync)
        {
            source ??= new CancellationTokenSource();
            cancelled |= stopping || (draining && source == sourceStopSource);
        }
        if (cancelled) CancelQuietly(source);
        return source.Token;
    }

    private async Task DisposeNodesAsync()
    {
        foreach (INodeLifetime node in Nodes)
        {
            try
            {
                await node.DisposeAsync();
            }
            catch (Exception e)
            {
                lock (sync) failure ??= e as PipelineException ?? new PipelineException(NameOf(node.Node), null, e, node.Node);
            }
        }
        End();
    }

    private void End()
    {
        outside.Unregister();
        lock (sync)
        {
            if (ended.Task.IsCompleted) return;
            grace?.Dispose();
            endedAt = Time.GetTimestamp();
        }
        watchdog?.Dispose();
        if (outputs is not null || options.Outputs.Count > 0) Outputs.Complete(failure);
        Telemetry.RunEnded(this, failure is not null ? RunState.Failed : stopping ? RunState.Cancelled : RunState.Completed, failure);
        if (failure is not null) ended.TrySetException(failure);
        else if (stopping) ended.TrySetCanceled(new CancellationToken(canceled: true));
        else ended.TrySetResult();
    }

    private IReadOnlyList<string> NodesStillRunning()
    {
        List<int> nodes = [];
        if (Pumps.Exists(static pump => !pump.IsEnded))
        {
            // Whose asynchronous code has not come back; where it is synchronous code, the start of its island must do.
            nodes.AddRange(Contexts.Where(static context => context.IsSuspended).Select(static context => context.Node));
            if (nodes.Count == 0) nodes.AddRange(Pumps.Where(static pump => !pump.IsEnded).Select(static pump => pump.Node));
        }
        if (abandoned is not null) nodes.AddRange(abandoned.Values);
        return [.. nodes.Distinct().Select(NameOf)];
    }

    private sealed class NodeStarter(Run run) : IThreadPoolWorkItem
    {
        public void Execute() => _ = StartAsync();

        // Upstream nodes first: a node may count on those before it, as its items do.
        private async Task StartAsync()
        {
            for (int i = run.Nodes.Count - 1; i >= 0; i--)
            {
                INodeLifetime node = run.Nodes[i];
                try
                {
                    await node.BeginAsync();
                }
                catch (Exception e)
                {
                    run.Fail(e, node.Node);
                    break;
                }
            }
            run.StartPumps();
        }
    }
}
