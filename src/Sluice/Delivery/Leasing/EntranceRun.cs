using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <summary>
/// A second, single-threaded run of the pipeline for the few items that enter at a node in the middle, such as redriven dead letters. No
/// stages are joined in it. It begins with the first such item.
/// </summary>
/// <remarks>The pump enters items; any thread may close it. Items end at the committer, as all others do.</remarks>
internal sealed class EntranceRun(ConsecutorCore core, Pipeline pipeline)
{
    private readonly ConcurrentQueue<Func<ValueTask>> waiting = new();
    private Action? wake;
    private ItemTracking? following;
    private volatile PipelineRun? run;
    private volatile bool isClosed;

    /// <summary>Ends with the run, if there is one. Final after <see cref="Close"/>.</summary>
    public Task Completion => run?.Completion ?? Task.CompletedTask;

    /// <summary>The run; null if there is none.</summary>
    public PipelineRun? Run => run;

    /// <summary>Cancels the run; none begins after this. Any thread.</summary>
    public void Close()
    {
        isClosed = true;
        Interlocked.MemoryBarrier();                 // the pump may begin the run just now: one of the two sees the other
        run?.Cancel();
    }

    /// <summary>
    /// Enters an item. Called by the pump. An item that comes after <see cref="Close"/> goes back to the store with its partition.
    /// </summary>
    public void Enter(Root root, string node, ReadOnlyMemory<byte> payload)
    {
        if (isClosed) return;
        ItemTracking following = Open();
        root.BeginWork();
        if (root is { Round: { } round, Trace: { } trace }) round.Note(trace);
        int number = core.Nodes.Find(node)!.Value;
        root.Entrance = number;
        if (root.Headers.Loss is { } loss)
        {
            root.Fail(new PipelineException(node, null, new PayloadException(loss), number), isFinal: true);
            return;
        }
        if (root.Headers.Refusal is { } refusal)
        {
            var refused = new ItemRejectedException(refusal.Reason) { IsFinal = true };
            root.Fail(new PipelineException(refusal.Sink, null, refused, core.Nodes.Find(refusal.Sink) ?? number), isFinal: true);
            return;
        }
        if (root.Headers is { Timer: { } timer, Key: { } key })
        {
            if (following.TimersOf(number, key) is { } lane)
            {
                waiting.Enqueue(() => IsLost(root) ? default : lane.FireAsync(root, key, timer));
                wake?.Invoke();
                return;
            }
            var cause = new InvalidOperationException(
                $"It is the timer '{timer}' of the key '{key}', and the node '{node}' of this code has no timers. Start code in which it "
                    + "has timers, or discard the letter.");
            root.Fail(new PipelineException(node, null, cause, number), isFinal: true);
            return;
        }
        waiting.Enqueue((root.Headers.IsAfter ? following.Outlet(number) : following.Entrance(number)) is { } entrance
            ? entrance.Accept(new Opener(core, root, number, payload))
            : () =>
            {
                root.Fail(new PipelineException(node, null, new InvalidOperationException($"Nothing can enter at '{node}'."), number),
                    isFinal: true);
                return default;
            });
        wake?.Invoke();
    }

    /// <summary>Begins the run, unless it has begun. Called by the pump.</summary>
    public ItemTracking Open()
    {
        if (following is null)
        {
            ItemTracking opened = new(core)
            {
                Name = core.Name,
                OnWarning = core.Options.OnWarning,
                IsTraced = Telemetry.IsTraced,
                HasEntrances = true,
                Outputs = core.Outputs,
                DividesLists = core.Options.Delivery.Level != DeliveryLevel.None
            };
            RunOptions ofOtherRun = core.Options.Run;
            PipelineRun begun = pipeline.Start(ofOtherRun with
            {
                // One item at a time, and user code is as free to block a thread as in the other run.
                Scheduler = ofOtherRun.Scheduler
                    ?? (ofOtherRun.Mode == ExecutionMode.MultiThread ? SerialScheduler.WithoutContext() : null),
                Mode = ExecutionMode.SingleThread,
                Following = opened,
                TrackItems = true,
                OnStarted = null                     // it is about the other run
            });
            (run, following) = (begun, opened);
            _ = WatchAsync(begun);
            Interlocked.MemoryBarrier();
            if (isClosed) begun.Cancel();
        }
        return following;
    }

    public bool TryTake(out Func<ValueTask> work) => waiting.TryDequeue(out work!);

    /// <summary>Called by the run's source.</summary>
    public void Attach(Action pump) => wake = pump;

    /// <summary>Whether the partition was lost while the item waited. Then its new owner starts the item, and this member leaves it out.
    /// </summary>
    private static bool IsLost(Root root)
    {
        if (!root.Partition.IsVoid || root.IsFree) return false;
        root.Settle(Outcome.Skipped);
        return true;
    }

    private async Task WatchAsync(PipelineRun run)
    {
        await run.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (run.Completion.Exception is { } failure) core.Lifetime.Failed?.Invoke(failure.InnerException!);
    }

    private sealed class Opener(ConsecutorCore core, Root root, int node, ReadOnlyMemory<byte> payload) : IEntranceVisitor<Func<ValueTask>>
    {
        public Func<ValueTask> Visit<T>(Inlet<T> inlet) => () =>
        {
            if (IsLost(root)) return default;
            T item;
            try
            {
                item = core.Options.Serializers.For<T>().Deserialize(payload.Span);
                if (core.Stream.KeyOf is { } keyOf) FindKey(item, keyOf);
            }
            catch (Exception e)
            {
                root.Fail(new PipelineException(core.Recorder.NameOf(node), null, e, node), isFinal: true);
                return default;
            }
            return inlet.PushAsync(item, root);
        };

        /// <summary>Finds the key of an item that code with another Consecutor.Key, or without one, may have accepted.</summary>
        private void FindKey<T>(T item, Delegate keyOf)
        {
            if (root.Headers is { IsAfter: false, Part: null } && core.Nodes.IsFirst(node) && keyOf is Func<T, string?> known)
            {
                root.SetKey(known(item));
                if (core.KeepsState) root.CheckOwnKey();
            }
            else
            {
                root.LacksKey = root.Headers is { Key: null, IsAfter: false };
                if (core.KeepsState && root.Headers.Key is { Length: > 0 } kept) root.CheckKey(kept);
            }
        }
    }
}

/// <summary>The source of an entrance run: it produces no items, and pushes entered items into their nodes.</summary>
internal sealed class EntrancePump<T> : SourcePump<T>
{
    private readonly EntranceRun owner;

    public EntrancePump(StageContext context, Inlet<T> next, EntranceRun entrances) : base(context, next)
    {
        owner = entrances;
        owner.Attach(WakeUp);
    }

    protected override async ValueTask ProduceAsync()
    {
        while (!IsStopped)
        {
            Outside.Arm();
            if (!owner.TryTake(out Func<ValueTask> work))
            {
                if (IsStopped && Outside.Disarm()) break;
                IsWaiting = true;
                await Outside.WaitAsync();
                IsWaiting = false;
                continue;
            }
            if (!Outside.Disarm()) await Outside.WaitAsync();
            Run.ThrowIfStopping();
            try
            {
                await work();
            }
            catch (PipelineException e) when (e.IsKept)
            {
                // its root knows of it
            }
        }
    }
}
