namespace Sluice;

/// <summary>
/// The first attempts of items that are in no store: straight from the producer's segment into the pipeline. One that fails is put into the consecutor's own
/// store, with its failure, and goes on from there as an entry of any store does.
/// </summary>
/// <remarks>The pump's.</remarks>
internal sealed class LocalWork<T>(ConsecutorCore core, LocalIntake<T> intake, StageContext context, Inlet<T> next)
{
    private readonly LocalTickets<T> tickets = new(core);
    private readonly Appender<T> stored = new(core, "failed", null);

    private bool isHeld;                             // nothing may be taken up: whoever allows it wakes the pump

    public bool HasNews => intake.HasItems;

    /// <summary>Processes a segment, if one has come.</summary>
    public async ValueTask<bool> WorkAsync()
    {
        tickets.Awake();
        tickets.Sweep();
        if (tickets.Failed.Count > 0) await StoreFailedAsync();
        isHeld = !core.IsLeasing || !core.Alone.MayWork();
        if (isHeld || intake.TryTake() is not { } segment) return false;
        core.Books.StartLocal(segment.Count);
        core.Begin(segment.Count);
        for (int at = 0; at < segment.Count;)
        {
            try
            {
                ValueTask pushed = PushSome(segment, ref at);
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
            tickets.After(tickets.Hot);
        }
        context.Out += segment.Count;
        intake.Return(segment);
        tickets.Sweep();
        if (tickets.Failed.Count > 0) await StoreFailedAsync();
        return true;
    }

    /// <summary>The pump has nothing to do.</summary>
    /// <returns>Whether that is so.</returns>
    public bool PrepareSleep()
    {
        intake.IsHungry = true;
        Interlocked.MemoryBarrier();
        return (isHeld || !intake.HasItems) && tickets.PrepareSleep();
    }

    /// <summary>Pushes until the end, or until a push has to wait; the last ticket is then the caller's to look at.</summary>
    private ValueTask PushSome(LocalSegment<T> segment, ref int at)
    {
        Inlet<T> inlet = next;
        Run run = context.Run;
        T[] items = segment.Items;
        int count = segment.Count;
        LocalTicket<T> ticket = tickets.Hot;
        int completed = 0;
        try
        {
            while (true)
            {
                if (run.IsStopping) throw new RunStoppedException();
                T item = items[at++];
                ticket.Begin(item, tickets.NextNumber);
                ValueTask pushed = inlet.PushAsync(item, ticket);
                if (!pushed.IsCompletedSuccessfully || at == count) return pushed;
                if (ticket.IsSettled && ticket.Outcome == Outcome.Completed) completed++;
                else ticket = tickets.After(ticket);
            }
        }
        finally
        {
            tickets.Completed(completed);
        }
    }

    private async ValueTask StoreFailedAsync()
    {
        while (tickets.Failed.TryDequeue(out var failed))
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
