using System.Collections.Concurrent;
using System.Collections.ObjectModel;
using Sluice.Diagnostics;
using Sluice.Policies;
using Sluice.Scheduling;

namespace Sluice;

// The parts of a run, and its start. Everything that decides how the run ends is decided under `sync`; user code, wake-ups and
// continuations run outside of it.
public sealed partial class PipelineRun : IObservedRun, ITakesFailures
{
    private readonly Lock sync = new();
    private readonly RunOptions options;
    private readonly IBlueprint blueprint;
    private TopologyRecorder? recorder;
    private DeadLetterBox? deadLetters;
    private RunOutputs? outputs;
    private Watchdog? watchdog;
    private List<IBoundary>? boundaries;
    private List<INodeLifetime>? nodes;
    private List<TicketRing>? tickets;
    private List<Action>? onStop;
    private List<Action>? onStart;
    private List<Action>? onLaunch;
    private ConcurrentDictionary<Task, int>? abandoned;
    private ConcurrentDictionary<int, bool>? warned;  // by node
    private readonly long startedAt;
    private long endedAt;
    private CancellationTokenSource? stopSource;
    private CancellationTokenSource? sourceStopSource;
    private CancellationTokenRegistration outside;
    private ITimer? grace;
    private TaskCompletionSource? completion;         // made on demand before the end, or when the run did not succeed
    private volatile bool ending;
    private volatile bool over;
    private volatile bool stopping;
    private volatile bool draining;
    private Exception? failure;
    private Exception? postponed;                    // the failure of a source while the run drains; the run fails with it at its end
    private volatile string? cancelReason;           // written under `sync`, read anywhere
    private volatile bool wasAskedFor;               // whether the caller has asked how the run ended
    private bool hasTold;
    private bool hasLaunched;
    private int active;
    private Chain<Pump> pumps;
    private Chain<StageContext> contexts;

    internal PipelineRun(RunOptions options, IBlueprint blueprint)
    {
        this.options = options;
        this.blueprint = blueprint;
        Scheduler = options.Scheduler
            ?? (options.Mode == ExecutionMode.SingleThread ? new SerialScheduler(this) : RunScheduler.ThreadPool);
        Random = options.Seed is { } seed ? new LockedRandom(seed) : Random.Shared;
        startedAt = options.Time.GetTimestamp();
        MomentToComeBack = options.StopTimeout < TimeToNotice ? options.StopTimeout : TimeToNotice;
    }

    internal RunOptions Options => options;

    internal RunScheduler Scheduler { get; }

    internal TopologyRecorder Recorder => LazyInitializer.EnsureInitialized(ref recorder, () => RunBuilder.Draw(blueprint));

    internal Watchdog Watchdog => LazyInitializer.EnsureInitialized(ref watchdog, () => new Watchdog(Boundaries));

    internal RunOutputs Outputs => LazyInitializer.EnsureInitialized(ref outputs, () => new RunOutputs(options));

    internal IReadOnlyDictionary<string, OutputCounts> OutputCounts
        => Volatile.Read(ref outputs)?.Counts ?? ReadOnlyDictionary<string, OutputCounts>.Empty;

    /// <summary>
    /// The parts of the run; filled while it is built, read-only after that. Most runs have few kinds of them, hence the lazy lists.
    /// </summary>
    internal Chain<Pump> Pumps => pumps;

    internal Chain<StageContext> Contexts => contexts;

    internal List<IBoundary> Boundaries => boundaries ??= [];

    internal List<INodeLifetime> Nodes => nodes ??= [];

    internal RunFiles Files => field ??= new();

    internal List<TicketRing> Tickets => tickets ??= [];

    internal List<Action> OnStop => onStop ??= [];

    /// <summary>Actions to call once, after all nodes have begun and before the first item.</summary>
    internal List<Action> OnStart => onStart ??= [];

    /// <summary>Actions to call once on the thread that starts the run, after the pumps were scheduled.</summary>
    internal List<Action> OnLaunch => onLaunch ??= [];

    /// <summary>The random numbers for jitter; seeded if the run is.</summary>
    internal Random Random { get; }

    internal TimeSpan Elapsed => IsOver ? Time.GetElapsedTime(startedAt, endedAt) : Time.GetElapsedTime(startedAt);

    /// <summary>Whether the run was cancelled or has failed, so that all work gives up.</summary>
    internal bool IsStopping => stopping;

    internal bool IsDraining => draining;

    /// <summary>Whether all nodes have begun. Any thread.</summary>
    internal bool HasStartedPumps { get; private set; }

    /// <summary>Whether everything has ended; <see cref="Completion"/> then says how.</summary>
    internal bool IsOver => over;

    internal RunStatus HowItEnded => failure is not null ? RunStatus.Failed : stopping ? RunStatus.Cancelled : RunStatus.Completed;

    internal Exception? FailureSoFar => failure ?? postponed;

    internal string? CancelReason => cancelReason;

    /// <summary>The token for user code; made on first use.</summary>
    internal CancellationToken Token => TokenOf(ref stopSource, stopping);

    /// <summary>The token that sources wait with; a drain cancels it, too.</summary>
    internal CancellationToken SourceToken => TokenOf(ref sourceStopSource, stopping || draining);

    string? IObservedRun.Consecutor => options.Following?.Name;

    System.Diagnostics.Activity? IObservedRun.Span { get; set; }

    IObservedRun? IObservedRun.Before { get; set; }

    IObservedRun? IObservedRun.Behind { get; set; }

    internal void Add(Pump pump) => pumps.Add(pump);

    internal void Add(StageContext context) => contexts.Add(context);

    /// <summary>The name of a node. Never throws: failures are named where no other exception is expected.</summary>
    internal string NameOf(int node)
    {
        try
        {
            return Recorder.NameOf(node);
        }
        catch (Exception e)                          // names need a drawing of the pipeline, which may call user factories
        {
            Warnings.Tell($"A run could not find the names of its nodes: {e.Message}");
            return $"node {node}";
        }
    }

    /// <summary>Warns: by the handler of the consecutor that the run belongs to, if it has one.</summary>
    internal void Warn(string text) => Warnings.Tell(options.Following?.OnWarning, text);

    /// <summary>Warns about a node, if it is the first time in this run.</summary>
    /// <param name="node">The node.</param>
    /// <param name="text">Makes the text from the name of the node.</param>
    internal void WarnOnce(int node, Func<string, string> text)
    {
        if (!LazyInitializer.EnsureInitialized(ref warned).TryAdd(node, true)) return;
        Warn(text(NameOf(node)));
    }

    internal void ThrowIfStopping()
    {
        if (stopping) throw new RunStoppedException();
    }

    internal void AddDeadLetter(DeadLetter letter)
        => LazyInitializer.EnsureInitialized(ref deadLetters, () => new DeadLetterBox(options.MaxDeadLetters)).Add(letter);

    /// <summary>Abandons an attempt that did not stop with its token. The run names its node until the attempt ends.</summary>
    internal void Abandon(Task work, int node)
    {
        ConcurrentDictionary<Task, int> abandoned = LazyInitializer.EnsureInitialized(ref this.abandoned, static () => []);
        abandoned.TryAdd(work, node);
        _ = work.ContinueWith(
            static (task, known) =>
            {
                _ = task.Exception;                  // its item has already failed with a TimeoutException
                ((ConcurrentDictionary<Task, int>)known!).TryRemove(task, out _);
            },
            abandoned, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    internal void Launch(CancellationToken cancellation)
    {
        active = pumps.Count + 1;                    // one for this method
        CaptureFlow();
        if (cancellation.CanBeCanceled) outside = cancellation.UnsafeRegister(static run => ((PipelineRun)run!).Cancel(), this);
        options.OnStarted?.Invoke(this);
        RunTelemetry.RunStarted(this);                  // before anything can end
        hasLaunched = true;
        if (nodes is not null) Scheduler.Schedule(new NodeStarter(this));
        else StartPumps();
        if (onLaunch is not null)
            foreach (Action action in onLaunch) action();
        // Nodes end where the run executes, and not on this thread, which may have a context of its own.
        if (nodes is null) PumpEnded();
        else if (Interlocked.Decrement(ref active) == 0) Scheduler.Schedule(new NodeEnder(this));
        Scheduler.Drive();
    }

    /// <summary>Gives back what a run has acquired that could not be started. Does nothing once pumps are scheduled.</summary>
    internal void GiveUp()
    {
        if (hasLaunched) return;
        outside.Unregister();
        if (nodes is not null)
            foreach (INodeLifetime node in nodes) node.NeverBegins();
    }

    internal void StartPumps()
    {
        if (onStart is not null)
            foreach (Action action in onStart) action();
        HasStartedPumps = true;
        foreach (Pump pump in pumps) Scheduler.Schedule(pump);      // enumerates the newest first, so sources start first
    }

    /// <summary>Admits work beside the pumps: the tick of a timer. The caller ends it with <see cref="PumpEnded"/>.</summary>
    /// <returns>False if the run has ended.</returns>
    internal bool TryBegin()
    {
        int before = Volatile.Read(ref active);
        while (before > 0)
        {
            int now = Interlocked.CompareExchange(ref active, before + 1, before);
            if (now == before) return true;
            before = now;
        }
        return false;
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

    private sealed class NodeEnder(PipelineRun run) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            ExecutionContext? outer = run.Enter();
            _ = run.DisposeNodesAsync();
            Leave(outer);
        }
    }

    private sealed class NodeStarter(PipelineRun run) : IThreadPoolWorkItem
    {
        public void Execute() => _ = StartAsync();

        // Upstream nodes first: a node may depend on those before it, as its items do.
        private async Task StartAsync()
        {
            run.Enter();
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
