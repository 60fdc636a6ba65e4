using System.Threading.Channels;
using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Producers;
using Sluice.Scheduling;

namespace Sluice;

/// <summary>What happens to an item when the pipeline is full and its producer cannot be made to wait asynchronously.</summary>
public enum FullMode
{
    /// <summary>The source fails, so that no item is lost silently. The default.</summary>
    Fail,

    /// <summary>The thread that pushes the item is blocked until there is room.</summary>
    Block,

    /// <summary>The item that has waited longest is dropped, and counted as skipped by the source.</summary>
    DropOldest,
}

public static partial class Source
{
    /// <summary>
    /// A source of the items of an observable. Every run subscribes once, and unsubscribes when no more items are wanted.
    /// </summary>
    /// <remarks>A function of the run itself that pushes, and has to wait for room (<see cref="FullMode.Block"/>), may wait for its own
    /// item, without end: after 5 seconds of that, a warning says so once.</remarks>
    /// <param name="items">The observable; it may push from any thread, one item at a time.</param>
    /// <param name="whenFull">What happens when it is faster than the pipeline.</param>
    /// <param name="capacity">The number of items that may wait to be taken: 1 or more; the run's <see cref="RunOptions.MaxBufferedItems"/>
    /// unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is below 1.</exception>
    public static Source<T> From<T>(IObservable<T> items, FullMode whenFull = FullMode.Fail, int? capacity = null)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (capacity is { } given) ArgumentOutOfRangeException.ThrowIfLessThan(given, 1, nameof(capacity));
        return new ObservableSource<T>(items, whenFull, capacity, StageOptions.Default);
    }
}

internal sealed class ObservableSource<T>(IObservable<T> items, FullMode whenFull, int? capacity, StageOptions options)
    : LeafSource<T>(options)
{
    private protected override string Kind => "source";

    private protected override Source<T> With(StageOptions annotated) => new ObservableSource<T>(items, whenFull, capacity, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next)
        => new ObservablePump<T>(context, next, items, whenFull, capacity);
}

/// <summary>The pump of an observable source.</summary>
/// <remarks>
/// It subscribes on the thread that starts the run, after the pumps were scheduled: no item pushed after the start is missed, and items
/// pushed during the subscription are taken meanwhile. On a serial scheduler it subscribes in a separate work item.
/// </remarks>
internal sealed class ObservablePump<T> : IntakePump<T>, IObserver<T>
{
    private static readonly TimeSpan LongWait = TimeSpan.FromSeconds(5);

    private readonly IObservable<T> items;
    private readonly FullMode whenFull;
    private readonly TaskCompletionSource<IDisposable?> subscribed = new();
    private SynchronizationContext? ownContext;

    public ObservablePump(StageContext context, Inlet<T> next, IObservable<T> items, FullMode whenFull, int? capacity)
        : base(context, next, capacity)
    {
        (this.items, this.whenFull) = (items, whenFull);
        if (!Run.Scheduler.IsSerial) Run.OnLaunch.Add(Subscribe);
    }

    protected override BoundedChannelFullMode FullMode
        => whenFull == Sluice.FullMode.DropOldest ? BoundedChannelFullMode.DropOldest : BoundedChannelFullMode.Wait;

    public void OnNext(T value)
    {
        if (IsStopped || TryAccept(value)) return;
        string full = $"The observable is faster than the pipeline: {Capacity} items wait already.";
        if (whenFull == Sluice.FullMode.Fail)
            Close(new InvalidOperationException($"{full} Raise the capacity, or say "
                + (PipelineRun.IsInside(Run) ? "FullMode.DropOldest: a function of the run itself has pushed the item, and would wait for "
                + "itself with FullMode.Block." : "FullMode.Block or FullMode.DropOldest.")));
        else if (ownContext is not null && ownContext == SynchronizationContext.Current)
            Close(new InvalidOperationException(
                $"{full} It pushes on the run's own thread, which would wait for itself. Use ExecutionMode.MultiThread."));
        else
            Wait(value);
    }

    public void OnError(Exception error)
        => Close(error ?? new InvalidOperationException("The observable has failed, and has not said why: OnError(null)."));

    public void OnCompleted() => Close();

    protected override void Open()
    {
        if (!Run.Scheduler.IsSerial) return;
        ownContext = SynchronizationContext.Current;
        Run.Scheduler.Schedule(new Subscribing(this));
    }

    protected override void NeverBegins()
    {
        Close();
        if (!Run.Scheduler.IsSerial) _ = UnsubscribeAsync().Observed();
    }

    protected override async ValueTask CloseAsync()
    {
        Task unsubscribing = UnsubscribeAsync();
        if (!await ArrivesAsync(unsubscribing)) LeaveBehind(unsubscribing);
        else await unsubscribing;
    }

    private async Task UnsubscribeAsync()
    {
        IDisposable? subscription = await subscribed.Task;
        subscription?.Dispose();
    }

    private void Subscribe()
    {
        IDisposable? subscription = null;
        try
        {
            subscription = IsStopped ? null : items.Subscribe(this);
        }
        catch (Exception e)
        {
            Close(e);
        }
        subscribed.SetResult(subscription);
    }

    private void Wait(T value)
    {
        try
        {
            Task accepted = AcceptAsync(value).AsTask();
            using ITimer? warning = accepted.IsCompleted || !PipelineRun.IsInside(Run) ? null
                : Run.Time.CreateTimer(_ => TellOfOwnRoom(accepted), null, LongWait, Timeout.InfiniteTimeSpan);
            accepted.GetAwaiter().GetResult();
        }
        catch (ChannelClosedException)
        {
            // No more items are wanted: an item that the observable still pushes is dropped, as after unsubscribing.
        }
    }

    private void TellOfOwnRoom(Task accepted)
    {
        if (!accepted.IsCompleted)
            Run.WarnOnce(Node, name => $"OnNext of the observable of '{name}' has waited for room for 5 seconds, and was called by a "
                + "function of the run that takes from the observable. The two wait for each other if the room comes only when the "
                + "function has returned. Give the source room for all that is pushed inside the run (Source.From(observable, "
                + "capacity: ...)), or collect what is found in an unbounded channel that a task of your own pushes from.");
    }

    private sealed class Subscribing(ObservablePump<T> pump) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            ExecutionContext? outer = pump.Run.Enter();
            pump.Subscribe();
            PipelineRun.Leave(outer);
        }
    }
}
