using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A member without partitions, or without items, leases and commits nothing: the next heartbeat shows that its problem is over.
/// </summary>
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

    /// <summary>An owner that has nothing to do leases and commits nothing either.</summary>
    [Fact]
    public async Task AFailedHeartbeatOfAnIdleOwnerIsNoProblemWhenTheStoreIsBack()
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new AwayStore(memory);
        await using var owner = new Consecutor<int>("work", source => source | (static _ => { }), Member.Options("a", store, clock));
        await owner.StartAsync(Cancellation);
        store.IsAway = true;
        while (owner.Snapshot().Problem is null)
        {
            clock.Advance(Member.LeaseTime / 3);
            await Member.PollAsync();
        }
        string owners = await Member.OwnersAsync(memory);
        store.IsAway = false;
        var rounds = new Rounds(50);
        while (owner.Snapshot().Problem is { } problem)
        {
            Assert.True(await rounds.GoOnAsync(), problem);
            await Member.BeatAsync(memory, clock, "a");
        }
        Assert.Equal(owners, await Member.OwnersAsync(memory));
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
