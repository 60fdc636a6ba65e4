using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A member without partitions leases and commits nothing: the next heartbeat shows that its problem is over.</summary>
public class StandbyProblemTests
{
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFailedHeartbeatIsNoProblemWhenTheStoreIsBack(bool isDrained)
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new AwayStore(memory);
        await using var owner = new Consecutor<int>("work", source => source | (static _ => { }), Member.Options("a", memory, clock));
        await using var standby = new Consecutor<int>("work", source => source | (static _ => { }), Member.Options("b", store, clock));
        if (!isDrained) await owner.StartAsync(Cancellation);
        await standby.StartAsync(Cancellation);
        if (isDrained)
        {
            await standby.DrainAsync(Cancellation);
            while (await Member.OwnersAsync(memory) is var owners && owners.StartsWith('b')) await BeatAsync();
        }
        Assert.Null(standby.Snapshot().Problem);

        store.IsAway = true;
        while (standby.Snapshot().Problem is null) await BeatAsync();
        store.IsAway = false;
        while (standby.Snapshot().Problem is not null) await BeatAsync();
        Assert.StartsWith(isDrained ? ":" : "a:", await Member.OwnersAsync(memory), StringComparison.Ordinal);

        async Task BeatAsync()
        {
            if (!isDrained) await Member.BeatAsync(memory, clock, "a");
            else clock.Advance(Member.LeaseTime / 3);
            for (int i = 0; i < 20; i++) await Member.PollAsync();
        }
    }

    private sealed class AwayStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public volatile bool IsAway;

        public override ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
            => IsAway ? throw new StreamStoreException("The store is away.") : base.HeartbeatAsync(request, cancellation);

        public override ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
            => IsAway ? throw new StreamStoreException("The store is away.") : base.FindGroupAsync(group, cancellation);
    }
}
