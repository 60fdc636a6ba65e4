using System.Threading.Channels;
using Sluice.Diagnostics;
using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    /// <summary>Creates a source that your code feeds: <c>await intake.SendAsync(item)</c>.</summary>
    /// <param name="capacity">The number of accepted items that may wait to be taken: 1 or more; the run's
    /// <see cref="RunOptions.MaxBufferedItems"/> unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is below 1.</exception>
    public static ManualSource<T> Manual<T>(int? capacity = null)
    {
        if (capacity is { } given) ArgumentOutOfRangeException.ThrowIfLessThan(given, 1, nameof(capacity));
        return new ManualSource<T>(capacity, TimeProvider.System);
    }
}

/// <summary>A source that your code feeds with <see cref="SendAsync"/>. Made by <see cref="Source.Manual{T}"/>.</summary>
/// <remarks>
/// Unlike other sources it serves one run at a time; a second run at the same time fails. Thread-safe; the order of concurrent
/// sends is not defined.
/// </remarks>
/// <typeparam name="T">The type of its items.</typeparam>
public sealed class ManualSource<T> : Source<T>
{
    private static readonly TimeSpan LongWait = TimeSpan.FromSeconds(5);      // without a run, until that is said

    private readonly Lock sync = new();
    private readonly LeafSource<T> leaf;
    private readonly TimeProvider time;
    private readonly TaskCompletionSource firstRun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ManualPump? pump;                        // of the current run
    private PipelineRun? lastRun;
    private bool isOver;
    private Exception? failure;
    private bool hasWarned;                          // of senders that wait for the first run
    private bool hasWarnedInside;                    // of senders inside the run that wait for room

    internal ManualSource(int? capacity, TimeProvider time)
    {
        leaf = new Leaf(this, capacity, StageOptions.Default);
        this.time = time;
    }

    internal override bool CrossesThreads => false;

    /// <summary>Sends an item to the run. Completes when the run has accepted the item.</summary>
    /// <remarks>
    /// Waits while there is no room, and until the first run has started: after 5 seconds of that, a warning says so once. An accepted
    /// item is processed, unless the run fails or is cancelled. A function of the run itself that waits for room may wait for its own item,
    /// without end: after 5 seconds of that, a warning says so once.
    /// </remarks>
    /// <exception cref="InvalidOperationException">The source has been completed, or its run has ended or is being drained; the item was
    /// not accepted.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled; the item was not accepted.</exception>
    public ValueTask SendAsync(T item, CancellationToken cancellation = default)
    {
        if (cancellation.IsCancellationRequested) return ValueTask.FromCanceled(cancellation);
        lock (sync)
        {
            if (!isOver && pump is not null && pump.TryAccept(item)) return default;
        }
        return SendLaterAsync(item, cancellation);
    }

    /// <summary>Completes the source: the run ends behind the accepted items. Further calls do nothing.</summary>
    public void Complete() => End(null);

    /// <summary>Fails the source: the run fails when the accepted items have been taken from it. Further calls do nothing.</summary>
    /// <remarks>Items that are in buffers or lanes then are given up. If they are to be processed, call <see cref="Complete"/>, and report
    /// the failure elsewhere.</remarks>
    public void Fail(Exception cause) => End(cause ?? throw new ArgumentNullException(nameof(cause)));

    internal override void Build(RunBuilder builder, Inlet<T> next) => leaf.Build(builder, next);

    internal override Source<T> Rewrite(Rewriter rewriter) => rewriter.Visit() ? rewriter.Source(this) : this;

    internal override Source<T> Annotate(StagePolicy annotation) => leaf.Annotate(annotation);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendLaterAsync(T item, CancellationToken cancellation)
    {
        while (true)
        {
            ManualPump? intake;
            Task started;
            lock (sync)
            {
                if (isOver) throw new InvalidOperationException("The source has been completed: nothing can be sent any more.");
                if (pump is null && lastRun is { } ended) throw NoRun(ended.FailureSoFar);
                (intake, started) = (pump, firstRun.Task);
            }
            if (intake is null)
            {
                await FirstRunAsync(started, cancellation).ConfigureAwait(false);
                continue;
            }
            try
            {
                ValueTask accepted = intake.AcceptAsync(item, cancellation);
                if (accepted.IsCompleted || !PipelineRun.IsInside(intake.Taker)) await accepted.ConfigureAwait(false);
                else await OwnRoomAsync(accepted.AsTask(), intake.Taker).ConfigureAwait(false);
                return;
            }
            catch (ChannelClosedException e)
            {
                throw NoRun(e.InnerException ?? intake.Taker.FailureSoFar);
            }
        }
    }

    private async Task FirstRunAsync(Task started, CancellationToken cancellation)
    {
        try
        {
            await started.WaitAsync(LongWait, time, cancellation).ConfigureAwait(false);
            return;
        }
        catch (TimeoutException)
        {
            if (!started.IsCompleted && !Interlocked.Exchange(ref hasWarned, true))
                Warnings.Tell($"SendAsync of a Source.Manual<{TypeNames.Of(typeof(T))}>() has waited for 5 seconds, because no run takes "
                    + "from it. Start the pipeline that begins with it before you send: PipelineRun run = pipeline.Start().");
        }
        await started.WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Waits for room inside the run that makes the room: perhaps for its own item, without end.</summary>
    private async Task OwnRoomAsync(Task accepted, PipelineRun taker)
    {
        try
        {
            await accepted.WaitAsync(LongWait, time).ConfigureAwait(false);
            return;
        }
        catch (TimeoutException) when (!accepted.IsCompleted)
        {
            if (!Interlocked.Exchange(ref hasWarnedInside, true))
                taker.Warn($"SendAsync of a Source.Manual<{TypeNames.Of(typeof(T))}>() has waited for room for 5 seconds, and was called "
                    + "by a function of the run that takes from it. The two wait for each other if the room comes only when the function "
                    + "has returned. Give the source room for all that is sent inside the run (Source.Manual(capacity: ...)), or collect "
                    + "what is found in an unbounded channel that a task of your own sends from.");
        }
        await accepted.ConfigureAwait(false);
    }

    private static InvalidOperationException NoRun(Exception? cause) => new(cause is null
        ? "The item was not accepted: the run that took from this source has ended, or is being drained."
        : $"The item was not accepted: the run that took from this source has failed. {cause.Message}", cause);

    private void End(Exception? cause)
    {
        lock (sync)
        {
            if (isOver) return;
            (isOver, failure) = (true, cause);
            pump?.Close(cause);
        }
        firstRun.TrySetResult();
    }

    private void Enter(ManualPump intake)
    {
        lock (sync)
        {
            if (pump is not null)
            {
                throw new InvalidOperationException(lastRun == intake.Taker
                    ? "A Source.Manual is one live thing, and this pipeline begins with it in two places. Begin both with one "
                        + "shared source: var shared = intake.Share()."
                    : "A Source.Manual is one live thing, and another run takes from this one already. Make one for each run.");
            }
            (pump, lastRun) = (intake, intake.Taker);
            if (isOver) intake.Close(failure);
        }
        firstRun.TrySetResult();
    }

    private void Leave()
    {
        lock (sync) pump = null;
    }

    private sealed class Leaf(ManualSource<T> owner, int? capacity, StageOptions options) : LeafSource<T>(options)
    {
        private protected override string Kind => "manual";

        private protected override Source<T> With(StageOptions annotated) => new Leaf(owner, capacity, annotated);

        private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next)
            => new ManualPump(context, next, owner, capacity);
    }

    private sealed class ManualPump(StageContext context, Inlet<T> next, ManualSource<T> owner, int? capacity)
        : IntakePump<T>(context, next, capacity)
    {
        public PipelineRun Taker => Run;

        protected override void Open() => owner.Enter(this);

        protected override ValueTask CloseAsync()
        {
            owner.Leave();
            return default;
        }
    }
}
