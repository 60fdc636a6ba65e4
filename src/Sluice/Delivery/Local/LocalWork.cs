namespace Sluice;

/// <summary>
/// The first attempts of items that are in no store: straight from the producer's segment into the pipeline. One that fails is put into the consecutor's own
/// store, with its failure, and goes on from there as an entry of any store does.
/// </summary>
/// <remarks>The pump's.</remarks>
internal sealed class LocalWork<T>(ConsecutorCore core, LocalIntake<T> intake, StageContext context, Inlet<T> next)
{
    private const int AtOnce = 64;                   // counters, and the books, lag behind by so many

    private const int MaxFailed = 1024;             // waiting for room in the store; then what is in there goes first

    private readonly LocalItems<T> items = intake.Items;
    private readonly ITakesFollowed<T>? several = next is ITakesFollowed<T> { TakesFollowed: true } known ? known : null;
    private readonly Appender<T> stored = new(core, "failed", null);
    private readonly List<PumpTicket<T>> takenAlong = [];
    private readonly Stack<PumpTicket<T>> unused = new();
    private Task storing = Task.CompletedTask;
    private PumpTicket<T> own = new(intake.Items);
    private bool isHeld;                             // nothing may be taken up: whoever allows it wakes the pump

    /// <summary>Processes a segment, or what there is of it, if one has come.</summary>
    public async ValueTask<bool> WorkAsync()
    {
        items.Awake();
        Sweep();
        if (!items.Failed.IsEmpty && storing.IsCompleted)
        {
            await storing;
            storing = StoreFailedAsync();
        }
        if (!core.IsLeasing) core.Alone.Rest();
        isHeld = !core.IsLeasing || !core.Alone.MayWork();
        if (isHeld || items.Failed.Count > MaxFailed || intake.TryTake(out int at, out int end) is not { } segment) return false;
        core.Books.StartLocal(end - at);
        core.Begin(end - at);
        context.Out += end - at;
        while (at < end)
        {
            try
            {
                ValueTask pushed = several?.PushAsync(segment.Items.AsSpan(at, Math.Min(AtOnce, end - at)), new(items, segment.NumberOf(at)), ref at) ?? PushSome(segment, ref at, end);
                if (!pushed.IsCompletedSuccessfully)
                {
                    next.Flush();
                    await pushed;
                }
            }
            catch (PipelineException e) when (e.IsKept)
            {
                // on with the next
            }
            EndOwn();
        }
        return true;
    }

    /// <summary>The pump has nothing to do.</summary>
    /// <returns>Whether that is so.</returns>
    public bool PrepareSleep()
    {
        bool isIdle = isHeld || intake.PrepareSleep();
        items.PrepareSleep(takenAlong.Count > 0);
        Sweep();
        return (isIdle || items.Failed.Count > MaxFailed) && (items.Failed.IsEmpty || !storing.IsCompleted);
    }

    /// <summary>Pushes until the end, or until a push has to wait. The last ticket is then the caller's to look at.</summary>
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

    /// <summary>The push of an item has returned: it has ended, or is in a boundary, or takes the ticket along.</summary>
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

    /// <summary>Not awaited by the pump, which alone makes room in the store.</summary>
    private async Task StoreFailedAsync()
    {
        while (items.Failed.TryDequeue(out var failed))
        {
            Task? accepted;
            Task room;
            do
            {
                accepted = HandleSerializer<T>.With(failed.Id, failed.Failures, () => (stored.TryAdd(failed.Item, null, default, out Task full), full), out room);
                if (accepted is null) await room;
            }
            while (accepted is null);
            await accepted;
            core.Books.StoreLocal();
            core.End(1);
        }
    }
}
