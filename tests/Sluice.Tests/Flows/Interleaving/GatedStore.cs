using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>The store as one service sees it: each call waits at the gate, but those that wait for a change.</summary>
internal sealed class GatedStore(IStreamStore inner, StoreGate gate, HeartClock clock, string name) : StreamStoreWrapper(inner, leaveOpen: true)
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

    public override ValueTask<GroupInfo> BeatAsync(GroupId group, string member, CancellationToken cancellation = default)
    {
        return HeartClock.IsHeart ? OfHeartAsync(base.BeatAsync(group, member, cancellation)) : base.BeatAsync(group, member, cancellation);
    }

    // Comes back to the thread of the hearts.
    private async ValueTask<GroupInfo> OfHeartAsync(ValueTask<GroupInfo> beat)
    {
        try
        {
            GroupInfo info = await beat;
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
        if (name == nameof(WaitForChangeAsync)) return IsDead ? throw Dead() : await call();
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
