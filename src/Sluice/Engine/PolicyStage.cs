using Sluice.Policies;

namespace Sluice.Engine;

/// <summary>
/// Wraps a stage with a policy: retries, a timeout, and the error policy. Outputs of an attempt are held until the attempt
/// has succeeded; then they get the item's ticket. The inner stage works without a ticket.
/// </summary>
/// <remarks>Stages without a policy have no such wrapper, and no cost.</remarks>
internal sealed class PolicyStage<TIn, TOut> : Stage<TIn, TOut>, IWraps, IUpstream
{
    private static readonly TimeSpan TimeToNotice = TimeSpan.FromSeconds(1);

    private readonly Operator<TIn, TOut> definition;
    private readonly StageOptions options;
    private readonly ListParts<TIn>? lists;          // set if lists are divided
    private readonly bool areDividedLater;           // by the run's owner: halves are separate items
    private StageContext attempt = null!;            // of the inner stage; its counts are added after a successful attempt
    private Holding<TOut> held = null!;
    private Inlet<TIn> stage = null!;
    private bool stopped;

    public PolicyStage(StageContext context, Operator<TIn, TOut> definition, StageOptions options, Inlet<TOut> next) : base(context, next)
    {
        (this.definition, this.options) = (definition, options);
        lists = options.Bisects ? ListParts<TIn>.Default : null;
        areDividedLater = context.Run.Options.Following is { DividesLists: true };
        MakeStage();
    }

    public object Inner => stage;

    public override bool IsSelective => stage.IsSelective;

    public override bool IsReady => stage.IsReady;

    public override ValueTask PushAsync(TIn item, Ticket? ticket)
    {
        Context.In++;
        Begin(ticket, 1);
        if (options.Timeout is not null) return AttemptsAsync(item, ticket, default, isStarted: false, null);
        try
        {
            ValueTask pushed = stage.PushAsync(item, null);
            if (!pushed.IsCompletedSuccessfully) return AttemptsAsync(item, ticket, pushed, isStarted: true, null);
        }
        catch (PipelineException e) when (!e.EndsRun)
        {
            return AttemptsAsync(item, ticket, ValueTask.FromException(e), isStarted: true, null);
        }
        return ReleaseAsync(ticket);
    }

    /// <summary>Stops one-to-many work of the attempt as well.</summary>
    void IUpstream.Stop()
    {
        if (Interlocked.Exchange(ref stopped, true)) return;         // the inner stage calls it again
        (Volatile.Read(ref stage) as IUpstream)?.Stop();
        Stop();
    }

    protected override ValueTask OnCompleteAsync()
    {
        held.PassesThrough = true;                   // outputs at completion belong to no attempt
        return stage.CompleteAsync();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AttemptsAsync(TIn item, Ticket? ticket, ValueTask first, bool isStarted, ListPart? part)
    {
        // A part of a list is divided instead of retried: only a single item is retried.
        (TIn First, TIn Second) halves = default;
        int retries = lists is not null && (part is { Count: > 1 } || ticket is { IsPartOfList: true }) ? 0 : options.Retries;
        while (true)
        {
            bool isOver;
            TimeSpan least = TimeSpan.Zero;
            try
            {
                if (isStarted) await first;
                else if (options.Timeout is { } limit) await LimitedAsync(item, limit);
                else await stage.PushAsync(item, null);
                break;
            }
            catch (PipelineException e) when (!e.EndsRun)
            {
                isStarted = false;
                held.Items.Clear();
                PipelineException failure = e;
                isOver = attempt.Attempt > retries || !IsRetried(ref failure, out least);
                if (isOver)
                {
                    int count = lists?.Count(item) ?? 0;
                    ListPart whole = part ?? ListPart.Whole(Math.Max(1, count));
                    if (count <= 1 || areDividedLater || !lists!.TryDivide(item, count, whole.First.Count, out halves))
                    {
                        GiveUp(item, ticket, failure, part, isDivisible: count > 1 && areDividedLater);
                        return;
                    }
                    part = whole;
                }
            }
            if (isOver)
            {
                await HalvesAsync(halves, ticket, part!.Value);
                return;
            }
            Context.Retried++;
            int tried = attempt.Attempt;
            Begin(ticket, tried + 1);
            TimeSpan wait = options.Backoff.WaitBefore(tried, Context.Run.Random);
            if (wait < least) wait = least;
            if (wait > TimeSpan.Zero) await WaitAsync(wait);
            Context.Run.ThrowIfStopping();
        }
        await ReleaseAsync(ticket);
    }

    private bool IsRetried(ref PipelineException failure, out TimeSpan least)
    {
        Exception cause = failure.InnerException!;
        if (options.Backoff.Retries(ref cause, out least)) return true;
        if (cause != failure.InnerException) failure = new(failure.Node, failure.Item, cause, failure.Index, isAboutItem: true);
        return false;
    }

    /// <summary>Processes both halves of a failed list, one after the other.</summary>
    private async ValueTask HalvesAsync((TIn First, TIn Second) halves, Ticket? ticket, ListPart part)
    {
        ListPart first = part.First;
        ticket?.Add(1);
        Context.In++;
        try
        {
            await HalfAsync(halves.First, ticket, first);
        }
        catch (PipelineException e) when (e.IsKept)
        {
            // its root has recorded the failure
        }
        catch
        {
            ticket?.Settle(Outcome.Failed);          // the run ends here
            throw;
        }
        await HalfAsync(halves.Second, ticket, part.Second);
    }

    private ValueTask HalfAsync(TIn half, Ticket? ticket, ListPart part)
    {
        Context.Run.ThrowIfStopping();
        Begin(ticket, 1);
        return AttemptsAsync(half, ticket, default, isStarted: false, part);
    }

    private async Task WaitAsync(TimeSpan wait)
    {
        try
        {
            await Task.Delay(wait, Context.Run.Time, Context.Run.Token);
        }
        catch (OperationCanceledException)
        {
            throw new RunStoppedException();
        }
    }

    /// <summary>
    /// Makes an attempt with a token of its own. An attempt that ignores the timeout is abandoned, if the operator allows that.
    /// </summary>
    private async ValueTask LimitedAsync(TIn item, TimeSpan limit)
    {
        const ConfigureAwaitOptions Quietly = ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;
        PipelineRun run = Context.Run;
        using var timeout = new AttemptLimit(run, Node, limit);
        using CancellationTokenRegistration stop = run.Token.UnsafeRegister(static limit => ((AttemptLimit)limit!).Stop(), timeout);
        attempt.Token = timeout.Token;
        long begun = run.Time.GetTimestamp();
        Task work = stage.PushAsync(item, null).AsTask();
        // A function that blocks its thread may return before the timer has had one.
        bool isLate = run.Time.GetElapsedTime(begun) >= limit;
        if (!work.IsCompleted) await Task.WhenAny(work, timeout.Over);
        // The token was cancelled just now, so the stage gets a moment to notice. A stage with state, and any stage while the run stops,
        // may take as long as it needs (the latter within the run's stop timeout).
        if (!work.IsCompleted && definition.CanBeAbandoned && !run.IsStopping)
            await work.WaitAsync(TimeToNotice, run.Time).ConfigureAwait(Quietly);
        if (!work.IsCompleted && (run.IsStopping || !definition.CanBeAbandoned)) await work.ConfigureAwait(Quietly);
        attempt.Token = run.Token;
        run.ThrowIfStopping();
        isLate |= timeout.IsCancellationRequested;
        // The changes of a stage with state stay, so its late success is one.
        if (work.IsCompletedSuccessfully && (!isLate || !definition.CanBeAbandoned)) return;
        if (!isLate) await work;                     // failed by itself: throws
        bool abandoned = !work.IsCompleted;
        if (abandoned)
        {
            run.Abandon(work, Node);
            int number = attempt.Attempt;
            Ticket? ticket = attempt.Ticket;
            attempt.Abandon();
            MakeStage();
            Begin(ticket, number);
        }
        var cause = new TimeoutException(abandoned
            ? $"The attempt took longer than {DurationText.Of(limit)}, and did not stop when its token was cancelled."
            : $"The attempt took longer than {DurationText.Of(limit)}.");
        throw new PipelineException(run.NameOf(Node), item, cause, Node, isAboutItem: true);
    }

    /// <summary>Makes the inner stage with a new context: an abandoned one may still count, but its counts are ignored.</summary>
    private void MakeStage()
    {
        attempt = new StageContext(Context.Run, Node, Context)
        {
            Scope = Context.Scope,
            Gate = Context.Gate,
            KeyOf = Context.KeyOf,
            OwnsKey = Context.OwnsKey,
            KeyClock = Context.KeyClock,
            PresentKey = Context.PresentKey,
            LaneWaits = Context.LaneWaits
        };
        Context.Present = attempt;
        held = new Holding<TOut>(Context, Next);
        Inlet<TIn> made = definition.Create(attempt, held);
        made.Attach(this);
        Interlocked.Exchange(ref stage, made);       // before the read of `stopped`
        if (Volatile.Read(ref stopped)) (made as IUpstream)?.Stop();
    }

    private void Begin(Ticket? ticket, int number)
    {
        attempt.Ticket = ticket;
        attempt.Attempt = number;
        attempt.Skipped = 0;
    }

    private void GiveUp(TIn item, Ticket? ticket, PipelineException failure, ListPart? part, bool isDivisible)
    {
        Context.Failed++;
        if (isDivisible) ticket?.Fail(failure, isFinal: options.OnError != ErrorPolicy.Stop, attempts: attempt.Attempt, isDivisible: true);
        else if (options.OnError == ErrorPolicy.Skip) ticket?.Settle(Outcome.Failed);
        else ticket?.Fail(failure, isFinal: options.OnError == ErrorPolicy.DeadLetter, attempts: attempt.Attempt);
        if (options.OnError == ErrorPolicy.Stop) throw failure;
        if (failure.IsKept) return;                  // a tracked root item records the failure itself
        if (options.OnError == ErrorPolicy.DeadLetter)
            Context.Run.AddDeadLetter(FailureText.Letter(failure, attempt.Attempt,
                Context.Run.Time.GetUtcNow()) with
            { Path = part is { } some ? $"{failure.Node}, {some}" : "" });
    }

    private ValueTask ReleaseAsync(Ticket? ticket)
    {
        List<TOut> items = held.Items;
        if (ticket is not null) attempt.HandOver(ticket);
        Context.Skipped += attempt.Skipped;
        Context.Out += typeof(TOut) == typeof(Unit) ? 1 : items.Count;
        if (definition.EndsItems) ticket?.Settle(Outcome.Completed);
        else if (items.Count == 0) ticket?.Settle(Outcome.Skipped);
        else if (items.Count > 1) ticket?.Add(items.Count - 1);
        if (definition.EndsItems) ticket = null;
        if (items.Count == 0) return default;
        if (items.Count > 1) return ReleaseAllAsync(ticket);
        TOut item = items[0];
        items.Clear();
        return Next.PushAsync(item, ticket);
    }

    private async ValueTask ReleaseAllAsync(Ticket? ticket)
    {
        List<TOut> items = held.Items;
        try
        {
            for (int i = 0; i < items.Count; i++)
            {
                Context.Run.ThrowIfStopping();
                await Next.PushAsync(items[i], ticket);
            }
        }
        finally
        {
            items.Clear();
        }
    }
}
