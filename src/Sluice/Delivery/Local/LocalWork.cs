namespace Sluice.Delivery;

/// <summary>Runs the first attempts of items without a store: from the producer's segment straight into the pipeline. A failed item goes
/// with its failure into the consecutor's own store, and continues as an entry of it.</summary>
/// <remarks>Used by the pump.</remarks>
internal sealed class LocalWork<T>(ConsecutorCore core, LocalIntake<T> intake, StageContext context, Inlet<T> next)
{
    private const int AtOnce = 64;                   // the most items by which counters and ledger lag behind

    private const int MaxFailed = 1024;             // the most that wait for room in the store before stored items go first

    private readonly LocalItems<T> items = intake.Items;
    private readonly ITakesFollowed<T>? several = next is ITakesFollowed<T> { TakesFollowed: true } known ? known : null;
    private readonly Appender<T> stored = new(core, "failed", null) { IsTraced = false };
    private readonly List<PumpTicket<T>> takenAlong = [];
    private readonly Stack<PumpTicket<T>> unused = new();
    private Task storing = Task.CompletedTask;
    private PumpTicket<T> own = new(intake.Items);
    private readonly ShortWait shortWait = new(() => intake.MayHaveItems, Environment.ProcessorCount, TimeProvider.System);
    private bool isHeld;                             // no item may start; the release wakes the pump

    /// <summary>The number of failed items that are about to be stored.</summary>
    public int Failing => items.Failing;

    /// <summary>Processes the available items of the next segment, if there is one.</summary>
    /// <param name="mayBegin">Whether items may start as far as the pump is concerned.</param>
    public async ValueTask<bool> WorkAsync(bool mayBegin)
    {
        items.Awake();
        Sweep();
        if (!items.Failed.IsEmpty && storing.IsCompleted)
        {
            await storing;
            storing = StoreFailedAsync();

            // Items that fail before it has completed are left to the next look.
            _ = storing.ContinueWith(static (_, pump) => ((PumpSignal)pump!).Changed(), core.Pump, CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
        if (!core.Pump.MayBegin) core.Alone.Rest();
        isHeld = !mayBegin || !core.Pump.MayBegin || !core.Alone.MayWork();
        if (isHeld || items.Failed.Count > MaxFailed || Take(out int at, out int end) is not { } segment) return false;
        shortWait.Taken(end - at);
        core.Ledger.StartLocal(end - at);
        context.Out += end - at;
        while (at < end)
        {
            try
            {
                ValueTask pushed = several?.PushAsync(segment.Items.AsSpan(at, Math.Min(AtOnce, end - at)),
                    new(items, segment.NumberOf(at)), ref at) ?? PushSome(segment, ref at, end);
                if (!pushed.IsCompletedSuccessfully)
                {
                    next.Flush();
                    await pushed;
                }
            }
            catch (PipelineException e) when (e.IsKept)
            {
                // Continue with the next item.
            }
            EndOwn();
        }
        return true;
    }

    /// <summary>Prepares the sleep of the pump.</summary>
    /// <returns>Whether there is nothing to do.</returns>
    public bool PrepareSleep()
    {
        bool isIdle = isHeld || intake.PrepareSleep();
        items.PrepareSleep(takenAlong.Count > 0);
        Sweep();
        return (isIdle || items.Failed.Count > MaxFailed) && (items.Failed.IsEmpty || !storing.IsCompleted);
    }

    private LocalSegment<T>? Take(out int at, out int end) => intake.TryTake(out at, out end)
        ?? (shortWait.ForItems() ? intake.TryTake(out at, out end) : null);

    /// <summary>Pushes items until the end, or until a push has to wait. The caller then checks the last ticket.</summary>
    private ValueTask PushSome(LocalSegment<T> segment, ref int at, int end)
    {
        Inlet<T> inlet = next;
        PipelineRun run = context.Run;
        T[] values = segment.Items;
        PumpTicket<T> ticket = own;
        int completed = 0;
        try
        {
            while (true)
            {
                if (run.IsStopping) throw new RunStoppedException();
                ticket.Begin(segment, at);
                ValueTask pushed = inlet.PushAsync(values[at++], ticket);
                if (!pushed.IsCompletedSuccessfully || at == end) return pushed;
                if (ticket.IsSettled && ticket.Outcome == Outcome.Completed) completed++;
                else
                {
                    EndOwn();
                    ticket = own;
                }
            }
        }
        finally
        {
            items.Complete(segment, completed);
        }
    }

    /// <summary>Handles the return of a push: the item has ended, has entered a boundary, or takes the ticket along.</summary>
    private void EndOwn()
    {
        if (TryEnd(own)) return;
        own.IsTakenAlong = true;
        takenAlong.Add(own);
        own = unused.TryPop(out PumpTicket<T>? ticket) ? ticket : new(items);
    }

    private void Sweep()
    {
        int left = 0;
        for (int i = 0; i < takenAlong.Count; i++)
        {
            PumpTicket<T> ticket = takenAlong[i];
            if (TryEnd(ticket))
            {
                ticket.IsTakenAlong = false;
                unused.Push(ticket);
            }
            else takenAlong[left++] = ticket;
        }
        takenAlong.RemoveRange(left, takenAlong.Count - left);
        items.Sweep();
    }

    private bool TryEnd(PumpTicket<T> ticket)
    {
        if (!ticket.IsSettled) return false;
        if (ticket.HasEnded) items.End(ticket);
        ticket.Forget();
        return true;
    }

    /// <summary>Stores failed items. The pump does not await it, because only the pump makes room in the store.</summary>
    private async Task StoreFailedAsync()
    {
        while (items.Failed.TryDequeue(out var failed))
        {
            Task? accepted;
            Task room;
            do
            {
                accepted = HandleSerializer<T>.With(failed.Id, failed.Failures,
                    () => (stored.TryAdd(failed.Item, null, default, out Task full), full), out room);
                if (accepted is null) await room;
            }
            while (accepted is null);
            await accepted;
            core.Ledger.StoreLocal();
            items.Store();
            core.InFlight.End(1);
        }
    }
}
