using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>The store as one service sees it: each call waits at the gate, but those that wait for a change.</summary>
internal sealed class GatedStore(IStreamStore inner, StoreGate gate, HeartClock clock, string name)
    : StreamStoreWrapper(inner, leaveOpen: true)
{
    public string Name => name;

    /// <summary>Whether its service is dead: nothing new comes from it. Set by the gate.</summary>
    public bool IsDead { get; set; }

    /// <summary>Whether its service stands still, as one does whose machine has no memory left.</summary>
    public bool IsPaused
    {
        get;
        set => field = clock.IsPaused = value;
    }

    /// <summary>One of so many calls fails, before or after it was made; 0 for none.</summary>
    public int FaultEvery { get; init; }

    /// <summary>A heart looks right behind its beat: that is one turn at the gate.</summary>
    public override ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
        => HeartClock.IsHeart ? Inner.FindGroupAsync(group, cancellation) : base.FindGroupAsync(group, cancellation);

    public override ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
    {
        return HeartClock.IsHeart ? OfHeartAsync(base.HeartbeatAsync(request, cancellation)) : base.HeartbeatAsync(request, cancellation);
    }

    // Comes back to the thread of the hearts.
    private async ValueTask<HeartbeatResult> OfHeartAsync(ValueTask<HeartbeatResult> beat)
    {
        try
        {
            HeartbeatResult info = await beat;
            HeartClock.RestsAtNextLook();            // it looks at the clock when it has the answer, also if it was stopped
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
