using System.Collections.Concurrent;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A member with newer code is killed, and older code is started under its name, beside a member with newer code.</summary>
public class OlderCodeOfANameTests
{
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheNewerMemberGetsThePartitionsOfTheKilledOne()
    {
        await using var store = new MemoryStreamStore(clock);
        var done = new ConcurrentQueue<int>();
        await using Consecutor<int> first = Make("w-1", 2);
        Consecutor<int> killed = Make("w-2", 2);
        await first.StartAsync(Cancellation);
        await killed.StartAsync(Cancellation);
        var rounds = new Rounds(1_000);
        while (await OwnersAsync() != "w-1 w-2")
        {
            Assert.True(await rounds.GoOnAsync(), await Member.OwnersAsync(store));
            await Member.BeatAsync(store, clock, "w-1", "w-2");
        }
        for (int n = 0; n < 20; n++) await killed.SendAsync(n, Cancellation);
        await Member.UntilAsync(() => done.Count == 20 && killed.Snapshot().InFlight == 0);   // its commit gives the partition its version
        await killed.AbandonAsync();

        await using Consecutor<int> older = Make("w-2", 1);
        await older.StartAsync(Cancellation);
        rounds = new(1_000);
        while (await OwnersAsync() != "w-1 w-1")
        {
            Assert.True(await rounds.GoOnAsync(), $"{await Member.OwnersAsync(store)}; {older.Snapshot()}");
            await Member.BeatAsync(store, clock, "w-1", "w-2");
        }

        async Task<string> OwnersAsync()
            => string.Join(' ', (await store.FindGroupAsync(Member.Group, Cancellation))!.Partitions
                .Select(static one => one.Owner).Order());

        Consecutor<int> Make(string name, int codeVersion) => new("work", source => source | done.Enqueue,
            Member.Options(name, store, clock, 2) with { CodeVersion = codeVersion });
    }
}
