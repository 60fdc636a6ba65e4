using System.Globalization;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests;

/// <summary>Starts many processes that send to one consecutor, each under a unique name as by default, and counts how many senders the
/// store still knows.</summary>
internal static class SenderRows
{
    private const string Name = "orders";

    /// <summary>Starts one after the other; after each, some time passes.</summary>
    /// <param name="store">The store.</param>
    /// <param name="clock">Its clock.</param>
    /// <param name="starts">How many.</param>
    /// <param name="killed">Whether they end as a process does that is killed.</param>
    /// <param name="pause">How much time.</param>
    public static async Task StartAsync(IStreamStore store, TestClock clock, int starts, bool killed, TimeSpan pause)
    {
        for (int i = 0; i < starts; i++)
        {
            var consecutor = New(store, clock, MemberOf(i));
            await consecutor.SendAsync(i);
            if (killed) await consecutor.AbandonAsync();
            else await consecutor.DisposeAsync();
            clock.Advance(pause);
        }
    }

    public static Consecutor<int> New(IStreamStore store, TimeProvider clock, string member, bool isUnique = true)
        => new(Name, items => items.ForEach(static _ => { }),
        new() { Store = store, Run = new() { Time = clock }, InstanceId = member, IsMemberUnique = isUnique });

    /// <summary>How many senders the store knows.</summary>
    public static async Task<int> CountAsync(IStreamStore store, int starts)
    {
        using EntryBatch sweeping = new();
        string sweeper = $"sweep-{Guid.NewGuid():N}";
        sweeping.Add("1"u8);
        for (int i = 1; i <= 1 + (starts / 100); i++)
            Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(new(Name, sweeper, 0, i, sweeping))).Status);
        int known = 0;
        for (int i = 0; i < starts; i++)
            if ((await store.OpenProducerAsync(Name, $"{MemberOf(i)}/send")).Last > 0) known++;
        return known;
    }

    /// <summary>Ended starts are forgotten after ten minutes, killed ones after a day.</summary>
    public static async Task CheckAsync(IStreamStore store, TestClock clock, int starts)
    {
        await StartAsync(store, clock, starts, killed: false, TimeSpan.FromMinutes(1));
        Assert.InRange(await CountAsync(store, starts), 1, 10);
        await StartAsync(store, clock, starts, killed: true, TimeSpan.FromHours(1));
        Assert.InRange(await CountAsync(store, starts), 1, 24);
        Assert.Equal((2 * starts) + (2 * (1 + (starts / 100))), (await store.FindStreamAsync(Name))!.Appended);
    }

    private static string MemberOf(int start) => string.Create(CultureInfo.InvariantCulture, $"machine-{start}");
}
