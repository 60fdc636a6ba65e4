using System.Collections.Concurrent;

namespace Sluice;

// What a run consists of, and how it begins. Locking rule: whatever decides an ending is decided under `sync`; user code,
// wake-ups and continuations run outside of it.
public sealed partial class PipelineRun : IObservedRun
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
    private readonly long startedAt;
    private long endedAt;
    private CancellationTokenSource? stopSource;
    private CancellationTokenSource? sourceStopSource;
    private CancellationTokenRegistration outside;
    private ITimer? grace;
    private TaskCompletionSource? completion;         // made when somebody asks before the end, or the end is not a success
    private volatile bool ending;
    private volatile bool over;
    private volatile bool stopping;
    private volatile bool draining;
    private Exception? failure;
    private volatile bool wasAskedFor;               // how the run ends
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
            ?? (options.Mode == ExecutionMode.SingleThread ? new SerialScheduler(FailOutside) : RunScheduler.ThreadPool);
        Random = options.Seed is { } seed ? new LockedRandom(seed) : Random.Shared;
        startedAt = options.Time.GetTimestamp();
        MomentToComeBack = options.StopTimeout < TimeToNotice ? options.StopTimeout : TimeToNotice;
    }

    internal RunOptions Options => options;

    internal RunScheduler Scheduler { get; }

    internal TopologyRecorder Recorder => LazyInitializer.EnsureInitialized(ref recorder, () => RunBuilder.Draw(blueprint));

    internal Watchdog Watchdog => LazyInitializer.EnsureInitialized(ref watchdog, () => new Watchdog(Boundaries));

    internal RunOutputs Outputs => LazyInitializer.EnsureInitialized(ref outputs, () => new RunOutputs(options));

    /// <summary>The parts of the run; filled while it is built, read-only after that. Most runs have few kinds of them.</summary>
    internal Chain<Pump> Pumps => pumps;

    internal Chain<StageContext> Contexts => contexts;

    internal List<IBoundary> Boundaries => boundaries ??= [];

    internal List<INodeLifetime> Nodes => nodes ??= [];

    internal List<TicketRing> Tickets => tickets ??= [];

    internal List<Action> OnStop => onStop ??= [];

    /// <summary>Called once, when all nodes have begun, before the first item.</summary>
    internal List<Action> OnStart => onStart ??= [];

    /// <summary>Called once on the thread that starts the run, when the pumps are on their way.</summary>
    internal List<Action> OnLaunch => onLaunch ??= [];

    /// <summary>Where jitter comes from: seeded when the run is.</summary>
    internal Random Random { get; }

    internal TimeSpan Elapsed => IsOver ? Time.GetElapsedTime(startedAt, endedAt) : Time.GetElapsedTime(startedAt);

    /// <summary>Cancelled or failed: whatever notices gives up.</summary>
    internal bool IsStopping => stopping;

    internal bool IsDraining => draining;

    /// <summary>Everything has ended, and <see cref="Completion"/> says how.</summary>
    internal bool IsOver => over;

    internal RunStatus HowItEnded => failure is not null ? RunStatus.Failed : stopping ? RunStatus.Cancelled : RunStatus.Completed;

    internal Exception? FailureSoFar => failure;

    /// <summary>What user code is handed; made when first asked for.</summary>
    internal CancellationToken Token => TokenOf(ref stopSource, stopping);

    /// <summary>What sources wait with: cancelled by a drain as well.</summary>
    internal CancellationToken SourceToken => TokenOf(ref sourceStopSource, stopping || draining);

    System.Diagnostics.Activity? IObservedRun.Span { get; set; }

    IObservedRun? IObservedRun.Before { get; set; }

    IObservedRun? IObservedRun.Behind { get; set; }

    internal void Add(Pump pump) => pumps.Add(pump);

    internal void Add(StageContext context) => contexts.Add(context);

    /// <summary>The name of a node. Throws nothing, as failures are named where nobody expects another one.</summary>
    internal string NameOf(int node)
    {
        try
        {
            return Recorder.NameOf(node);
        }
        catch (Exception e)                          // names come of drawing the pipeline, which may call factories of the user's
        {
            Warnings.Tell($"A run could not find the names of its nodes: {e.Message}");
            return $"node {node}";
        }
    }

    internal void ThrowIfStopping()
    {
        if (stopping) throw new RunStoppedException();
    }

    internal void AddDeadLetter(DeadLetter letter)
        => LazyInitializer.EnsureInitialized(ref deadLetters, () => new DeadLetterBox(options.MaxDeadLetters)).Add(letter);

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
        active = pumps.Count + 1;                    // one for this method
        CaptureFlow();
        if (cancellation.CanBeCanceled) outside = cancellation.UnsafeRegister(static run => ((PipelineRun)run!).Cancel(), this);
        options.OnStarted?.Invoke(this);
        Telemetry.RunStarted(this);                  // before anything can end
        hasLaunched = true;
        if (nodes is not null) Scheduler.Schedule(new NodeStarter(this));
        else StartPumps();
        if (onLaunch is not null)
            foreach (Action action in onLaunch) action();
        PumpEnded();
        Scheduler.Drive();
    }

    /// <summary>It could not be started: what it has taken is given back. Does nothing once pumps are on their way.</summary>
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
        foreach (Pump pump in pumps) Scheduler.Schedule(pump);      // sources first: they were added last
    }

    /// <summary>Something beside the pumps is at work: the tick of a timer. Not when the run has ended.</summary>
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

    private sealed class NodeStarter(PipelineRun run) : IThreadPoolWorkItem
    {
        public void Execute() => _ = StartAsync();

        // Upstream nodes first: a node may count on those before it, as its items do.
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
