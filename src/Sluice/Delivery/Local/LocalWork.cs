namespace Sluice;

/// <summary>
/// The first attempts of items that are in no store: straight from the producer's segment into the pipeline. One that fails is put into the consecutor's own
/// store, with its failure, and goes on from there as an entry of any store does.
/// </summary>
/// <remarks>The pump's.</remarks>
internal sealed class LocalWork<T>(ConsecutorCore core, LocalIntake<T> intake, StageContext context, Inlet<T> next)
{
    private readonly LocalItems<T> items = intake.Items;
    private readonly Boundary<T>? outlet = next as Boundary<T>;
    private readonly Appender<T> stored = new(core, "failed", null);
    private LocalTicket<T> own = intake.Items.RentTicket();

    /// <summary>Processes a segment, or what there is of it, if one has come.</summary>
    public async ValueTask<bool> WorkAsync()
    {
        items.Awake();
        items.Sweep();
        if (!items.Failed.IsEmpty) await StoreFailedAsync();
        if (!core.IsLeasing || intake.TryTake(out int at, out int end) is not { } segment) return false;
        core.Books.StartLocal(end - at);
        core.Begin(end - at);
        context.Out += end - at;
        while (at < end)
        {
            try
            {
                ValueTask pushed = outlet is null ? PushSome(segment, ref at, end) : CopySome(outlet, segment, ref at, end);
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
        }
        return true;
    }

    /// <summary>The pump has nothing to do.</summary>
    /// <returns>Whether that is so.</returns>
    public bool PrepareSleep() => (!core.IsLeasing || intake.PrepareSleep()) & items.PrepareSleep();

    /// <summary>Pushes until the end, or until a push has to wait.</summary>
    private ValueTask PushSome(LocalSegment<T> segment, ref int at, int end)
    {
        Inlet<T> inlet = next;
        Run run = context.Run;
        T[] values = segment.Items;
        LocalTicket<T> ticket = OwnTicket();
        ticket.BeginPushing();
        try
        {
            while (true)
            {
                if (run.IsStopping) throw new RunStoppedException();
                ticket.Begin(segment, at);
                ValueTask pushed = inlet.PushAsync(values[at++], ticket);
                if (!pushed.IsCompletedSuccessfully || at == end) return pushed;
                if (!ticket.IsFree) ticket = AnotherTicket(segment);
            }
        }
        finally
        {
            items.Complete(segment, own.EndPushing());
        }
    }

    /// <summary>The same where a boundary comes next: there, items have numbers.</summary>
    private ValueTask CopySome(Boundary<T> boundary, LocalSegment<T> segment, ref int at, int end)
    {
        context.Run.ThrowIfStopping();
        while (at < end)
        {
            Span<T> places = boundary.Free(end - at);
            if (places.IsEmpty)
            {
                LocalTicket<T> ticket = OwnTicket();
                ticket.Begin(segment, at);
                return boundary.PushAsync(segment.Items[at++], ticket);
            }
            segment.Items.AsSpan(at, places.Length).CopyTo(places);
            int number = segment.NumberOf(at);
            foreach (ref int place in boundary.Follow(items, places.Length)) place = number++;
            at += places.Length;
            boundary.Show(places.Length);
            boundary.Added(places.Length);
        }
        return default;
    }

    private LocalTicket<T> OwnTicket() => own.TryReuse() ? own : own = items.RentTicket();

    /// <summary>The item has taken the present one along.</summary>
    private LocalTicket<T> AnotherTicket(LocalSegment<T> segment)
    {
        items.Complete(segment, own.EndPushing());
        LocalTicket<T> another = OwnTicket();
        another.BeginPushing();
        return another;
    }

    private async ValueTask StoreFailedAsync()
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
