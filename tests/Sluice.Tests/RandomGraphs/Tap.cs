using Sluice.Engine;
using Sluice.Pipelines;

namespace Sluice.Tests.RandomGraphs;

/// <summary>An item that passed a tap between two stages.</summary>
/// <param name="Value">The item.</param>
/// <param name="Begun">When the item came, by the virtual clock; zero without one.</param>
internal sealed record Passage<T>(T Value, TimeSpan Begun)
{
    /// <summary>When the next stage had taken the item; null if it never did.</summary>
    public TimeSpan? Ended { get; set; }

    public bool TookNoTime => Ended == Begun;
}

/// <summary>
/// Records the items between two stages, and checks the protocol: one push at a time, exactly one end, and no push after the
/// end.
/// </summary>
internal sealed class Tap<T>(Rig rig, string place)
{
    private readonly Lock sync = new();
    private readonly List<Passage<T>> passages = [];
    private TimeSpan? end;
    private int inside;

    public IReadOnlyList<Passage<T>> Passages
    {
        get
        {
            lock (sync) return [.. passages];
        }
    }

    /// <summary>When the input ended; null if it has not.</summary>
    public TimeSpan? End
    {
        get
        {
            lock (sync) return end;
        }
    }

    public Passage<T> Begin(T value)
    {
        lock (sync)
        {
            if (++inside > 1) rig.Violation($"pushes overlap {place}");
            if (end is not null) rig.Violation($"{value} came {place} after the end");
            var passage = new Passage<T>(value, rig.Now);
            passages.Add(passage);
            return passage;
        }
    }

    /// <summary>Call when the next stage has taken the item, or when the push has failed.</summary>
    public void Finish(Passage<T> passage, bool wasTaken)
    {
        lock (sync)
        {
            inside--;
            if (wasTaken) passage.Ended = rig.Now;
        }
    }

    public void Complete()
    {
        lock (sync)
        {
            if (inside > 0) rig.Violation($"the end came during a push {place}");
            if (end is not null) rig.Violation($"there were two ends {place}");
            end = rig.Now;
        }
    }
}

/// <summary>A source with a tap behind it. The tap is no node, so the topology does not show it.</summary>
internal sealed class TappedSource<T>(Source<T> upstream, Tap<T> tap) : Source<T>
{
    internal override bool CrossesThreads => upstream.CrossesThreads;

    internal override Source<T> Rewrite(Rewriter rewriter) => new TappedSource<T>(upstream.Rewrite(rewriter), tap);

    internal override void Build(RunBuilder builder, Inlet<T> next)
        => upstream.Build(builder, builder.IsDrawing ? next : new TapInlet<T>(next, tap));
}

internal sealed class TapInlet<T> : Inlet<T>, IUpstream
{
    private readonly Inlet<T> next;
    private readonly Tap<T> tap;

    public TapInlet(Inlet<T> next, Tap<T> tap)
    {
        (this.next, this.tap, Node) = (next, tap, next.Node);
        next.Attach(this);
    }

    public void Stop() => Upstream?.Stop();

    public override void Flush() => next.Flush();

    public override void ComesFrom(int from) => next.ComesFrom(from);

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Passage<T> passage = tap.Begin(item);
        ValueTask pushed;
        try
        {
            pushed = next.PushAsync(item, ticket);
        }
        catch
        {
            tap.Finish(passage, wasTaken: false);
            throw;
        }
        if (!pushed.IsCompletedSuccessfully) return FinishLaterAsync(pushed, passage);
        tap.Finish(passage, wasTaken: true);
        return default;
    }

    protected override ValueTask OnCompleteAsync()
    {
        tap.Complete();
        return next.CompleteAsync();
    }

    private async ValueTask FinishLaterAsync(ValueTask pushed, Passage<T> passage)
    {
        bool wasTaken = false;
        try
        {
            await pushed;
            wasTaken = true;
        }
        finally
        {
            tap.Finish(passage, wasTaken);
        }
    }
}
