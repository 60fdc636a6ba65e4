using System.Runtime.CompilerServices;
using Sluice.Producers;

namespace Sluice.Delivery;

/// <summary>The stage that sends items to a consecutor with a store. The root of an item ends when the item is durable. The stage waits for
/// room only, not for durability: items that arrive during an append share the next one.</summary>
internal sealed class AcceptStage<T> : Stage<T, Unit>, INodeLifetime, IAccepts
{
    private readonly Consecutor<T> consecutor;
    private Appender<T> appender = null!;
    private Task latest = Task.CompletedTask;
    private ProducerOffset place = new(-1, 0);
    private long toSkip;
    private int? number;
    private int hasReported;                         // 1 once a failed append has failed the run
    private IDisposable? claim;
    private AcceptedItem? accepted;                  // the last item of earlier runs, to compare; null if the source does not count

    public AcceptStage(StageContext context, Inlet<Unit> next, Consecutor<T> consecutor) : base(context, next)
    {
        this.consecutor = consecutor;
        context.Run.Nodes.Add(this);
    }

    public async ValueTask BeginAsync()
    {
        consecutor.ThrowIfEnded();
        bool isTold = false;
        foreach (Pump pump in Context.Run.Pumps)
        {
            if (pump is not IFramePump) continue;
            if (pump is not IFramePump<T> frames || !frames.LeadsTo(this)) throw Apart();
            frames.Intake = client => new ClientIntake<T>(consecutor, client, Context, frames);
            isTold = true;
        }
        if (isTold) return;
        List<IResumablePump> resumable = [];
        int sources = 0;
        foreach (Pump pump in Context.Run.Pumps)
        {
            if (pump is IUpstream) sources++;
            if (pump is IResumablePump one) resumable.Add(one);
        }
        if (resumable.Count > 0 && sources > 1)
            throw new InvalidOperationException(
                $"{resumable[0].Name} resumes where it was, and so must be the only source of its pipeline. Give each a pipeline of its "
                    + $"own.");
        if (resumable is not [var source])
        {
            number = consecutor.RentProducer();
            appender = consecutor.NewOwnAppender(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"intake-{number}"));
            appender.IsInOrder = true;
            return;
        }
        if (Context.Run.Nodes.OfType<IAccepts>().Skip(1).Any()) throw Several(source.Name);
        ResumedOrder.Check(Context.Run.Recorder, Node, source.Name);
        claim = source.Claim();
        appender = consecutor.NewAppender(source.Name);
        appender.IsInOrder = true;
        var stored = ProducerPosition.Read(await appender.OpenAsync(Context.Token), source);
        toSkip = stored.Parts;
        source.Resume(stored.Position, stored.Parts);
        if (source.SentBefore is { } sent)
            accepted = new(source.Name, sent, stored.Parts, appender.HasSums ? source.AcceptedSum : null);
        // In a run that stops, a function may have ended the item early, because its token is cancelled. `EndsRoot` is read first: a run is
        // stopping before it cancels the token. If the source stands directly in front of this stage, there is
        // no such function, except that of a tick: TickPump looks at its end itself.
        var graph = Context.Run.Recorder;
        bool isDirect = graph.Feeding(Node).All(from => !graph.Feeding(from).Any());
        appender.Position = batch => batch.EndsRoot && (isDirect || !Context.Run.IsStopping)
            && source.PositionBehind(batch.Place.Root) is { } behind
            ? new ProducerPosition(0, source.Kind, behind).ToBytes()
            : new ProducerPosition(batch.Place.Parts, source.Kind, appender.HasSums && batch.Entries.Count > 0
                ? source.PositionWith(batch.Place.Root, batch.LastSum) : source.PositionBefore(batch.Place.Root)).ToBytes();
        appender.Stored = bytes => source.Stored(ProducerPosition.Read(bytes, source).Position);
        source.BuryWith((raw, why, position) => MarkAsync(position, raw, why));
        source.MarkWith(position => MarkAsync(position));

        Task MarkAsync(ReadOnlyMemory<byte> position, ReadOnlyMemory<byte> raw = default, string? why = null) => Context.Run.IsStopping
            ? Task.FromException(new OperationCanceledException("The run stops."))
            : appender.MarkAsync(new ProducerPosition(0, source.Kind, position).ToBytes(), raw, why);
    }

    public ValueTask DisposeAsync()
    {
        claim?.Dispose();
        if (number is { } rented) consecutor.ReturnProducer(rented, latest);
        return default;
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        if (ticket is not null)
        {
            place = ticket.Sequence == place.Root ? new(place.Root, place.Parts + 1) : new(ticket.Sequence, 1);
            if (toSkip > 0 && place.Root == 0)       // accepted before the last end
            {
                if (--toSkip == 0) accepted?.Compare(item, appender, consecutor);
                return Skip(ticket);
            }
            if (toSkip > 0) accepted?.Miss(toSkip, consecutor);
            toSkip = 0;
        }
        else if (appender.Position is not null) throw Context.Failure(Unplaced(), item, null);
        return TryAdd(item, ticket, out Task room) ? default : AddLaterAsync(item, ticket, room);
    }

    protected override async ValueTask OnCompleteAsync()
    {
        try
        {
            await latest.WaitAsync(Context.Token);
        }
        catch (Exception e) when (e is not OperationCanceledException || !Context.Token.IsCancellationRequested)
        {
            throw Context.Failure(e);
        }
        if (toSkip > 0 && !Context.Run.IsStopping && !Context.Run.IsDraining) accepted?.Miss(toSkip, consecutor);
        await Next.CompleteAsync();
    }

    private bool TryAdd(T item, Ticket? ticket, out Task room)
    {
        try
        {
            if (latest.IsFaulted) latest.GetAwaiter().GetResult();
            if (appender.TryAdd(item, ticket, place, out room) is not { } append) return false;
            if (!ReferenceEquals(append, latest)) _ = WatchAsync(latest = append);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        Context.Out++;
        return true;
    }

    /// <summary>Reports the failure of an append at once, because a source may bring no further item for a long time.</summary>
    private async Task WatchAsync(Task append)
    {
        try
        {
            await append;
        }
        catch (Exception e)
        {
            // One failed append ends the tasks of all its items, on several threads.
            if (Interlocked.Exchange(ref hasReported, 1) == 0 && !Context.Run.IsStopping)
                Context.Run.Fail(Context.Failure(e), Context.Node);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AddLaterAsync(T item, Ticket? ticket, Task room)
    {
        do
        {
            await room.WaitAsync(Context.Token);
        }
        while (!TryAdd(item, ticket, out room));
    }

    private static InvalidOperationException Apart() => new(
        "Source.Tcp answers its clients when their items are durable, and counts what it has of each. So it stands directly in front of "
            + "its consecutor, and alone: put the stages and buffers that are between them "
        + "into the consecutor, and let other sources send in pipelines of their own.");

    /// <summary>Makes the exception for several stages with one resumable source: no single stored position is right for all, so one stage
    /// would lose items or receive them twice.</summary>
    private static InvalidOperationException Several(string producer) => new(
        $"The producer '{producer}' leads to a consecutor in several places, each of which would go on from another position after a "
            + $"crash. Give each a pipeline of its own, with a producer of a name of its own; "
        + "or send to one consecutor, whose outputs lead to the others (Sink.Output).");

    private static InvalidOperationException Unplaced() => new(
        "A stage in front holds or combines items, so that there is no telling behind which one to go on: that does not fit between a "
            + "producer that resumes and a consecutor. "
        + "Do it in a pipeline of its own, or in the function that makes the producer's items.");
}

/// <summary>A node that sends to a consecutor with a store.</summary>
internal interface IAccepts;
