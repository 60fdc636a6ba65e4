using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>The store as one service sees it: each call waits at the gate, except calls that wait for a change.</summary>
internal sealed class GatedStore(IStreamStore inner, StoreGate gate, HeartClock clock, string name)
    : StreamStoreWrapper(inner, leaveOpen: true)
{
    public string Name => name;

    /// <summary>Whether its service is dead: it makes no new calls. Set by the gate.</summary>
    public bool IsDead { get; set; }

    /// <summary>Whether its service is suspended, as on a machine that has run out of memory.</summary>
    public bool IsPaused
    {
        get;
        set => field = clock.IsPaused = value;
    }

    /// <summary>One call in this many fails, before or after it is made; 0 for none.</summary>
    public int FaultEvery { get; init; }

    /// <summary>A heartbeat timer calls this right after its heartbeat: both together are one turn at the gate.</summary>
    public override ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
        => HeartClock.IsHeart ? Inner.FindGroupAsync(group, cancellation) : base.FindGroupAsync(group, cancellation);

    public override ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
    {
        return HeartClock.IsHeart ? OfHeartAsync(base.HeartbeatAsync(request, cancellation), cancellation)
            : base.HeartbeatAsync(request, cancellation);
    }

    // Continues on the thread of the heartbeat timers.
    private async ValueTask<HeartbeatResult> OfHeartAsync(ValueTask<HeartbeatResult> beat, CancellationToken cancellation)
    {
        try
        {
            HeartbeatResult info = await beat;
            // The timer reads the clock when it has the answer, even if it was stopped; if the call was given up, it has read the clock.
            if (cancellation.IsCancellationRequested) clock.Rest();
            else clock.RestsAtNextLook();
            return info;
        }
        catch
        {
            clock.Rest();
            throw;
        }
        finally
        {
            clock.GoOn();
        }
    }

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        if (name is nameof(WaitForChangeAsync) or nameof(WaitForEntriesAsync)) return IsDead ? throw Dead() : await call();
        bool isHeart = HeartClock.IsHeart;
        Task<Passage> turn = gate.EnterAsync(this, name, isHeart);
        if (isHeart) clock.Arrive();
        Passage passage = await turn;
        if (passage == Passage.NotMade) throw Dead();
        T result = await call();
        return passage == Passage.Free ? result : throw Dead();
    }

    private static StreamStoreException Dead() => new("The connection is cut.");
}
