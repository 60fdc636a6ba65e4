using System.Threading.Channels;

namespace Sluice;

/// <summary>What happens to an item that comes from where nothing can be made to wait, when the pipeline is behind.</summary>
public enum FullMode
{
    /// <summary>The source fails: nothing is lost in silence. The default.</summary>
    Fail,

    /// <summary>The thread that brings the item is blocked until there is room.</summary>
    Block,

    /// <summary>The item that has waited longest is dropped, and counted as skipped by the source.</summary>
    DropOldest,
}

public static partial class Source
{
    /// <summary>The items of an observable. Every run subscribes once, and unsubscribes when no more is wanted.</summary>
    /// <param name="items">The observable; it may push from any thread, one item at a time.</param>
    /// <param name="whenFull">What happens when it is faster than the pipeline.</param>
    /// <param name="capacity">How many items may wait to be taken, 1 or more; the run's <see cref="RunOptions.MaxBufferedItems"/> unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">A capacity below 1.</exception>
    public static Source<T> From<T>(IObservable<T> items, FullMode whenFull = FullMode.Fail, int? capacity = null)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (capacity is { } given) ArgumentOutOfRangeException.ThrowIfLessThan(given, 1, nameof(capacity));
        return new ObservableSource<T>(items, whenFull, capacity, StageOptions.Default);
    }
}

internal sealed class ObservableSource<T>(IObservable<T> items, FullMode whenFull, int? capacity, StageOptions options) : LeafSource<T>(options)
{
    private protected override string Kind => "source";

    private protected override Source<T> With(StageOptions annotated) => new ObservableSource<T>(items, whenFull, capacity, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next) => new ObservablePump<T>(context, next, items, whenFull, capacity);
}

/// <remarks>
/// Subscribes on the thread that starts the run, when the pumps are on their way: what is pushed after the start is not missed, and what is pushed while it is subscribed to is taken meanwhile. A scheduler
/// that runs one thing at a time subscribes in a work item of its own.
/// </remarks>
internal sealed class ObservablePump<T> : IntakePump<T>, IObserver<T>
{
    private readonly IObservable<T> items;
    private readonly FullMode whenFull;
    private readonly TaskCompletionSource<IDisposable?> subscribed = new();
    private SynchronizationContext? ownContext;

    public ObservablePump(StageContext context, Inlet<T> next, IObservable<T> items, FullMode whenFull, int? capacity) : base(context, next, capacity)
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
            Close(new InvalidOperationException($"{full} Raise the capacity, or say FullMode.Block or FullMode.DropOldest."));
        else if (ownContext is not null && ownContext == SynchronizationContext.Current)
            Close(new InvalidOperationException($"{full} It pushes on the run's own thread, which would wait for itself. Use ExecutionMode.MultiThread."));
        else
            Wait(value);
    }

    public void OnError(Exception error) => Close(error);

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
        if (!Run.Scheduler.IsSerial) UnsubscribeAsync().Observed();
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
            AcceptAsync(value).AsTask().GetAwaiter().GetResult();
        }
        catch (ChannelClosedException)
        {
            // No more is wanted: what an observable pushes then is dropped, as after unsubscribing.
        }
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
