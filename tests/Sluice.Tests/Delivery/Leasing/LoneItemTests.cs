using System.Collections.Concurrent;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A lone item costs its owner some calls of the store, and the other members none, however many they are.</summary>
public class LoneItemTests
{
    private const int Items = 20;
    private const int CallsPerItem = 5;
    private const int Quiet = 20_000, QuietBeat = 500;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Over a slower store, one number of members is enough. <c>SLUICE_SHARE=1</c> tries all.</summary>
    public static TheoryData<int> Members => ScenarioStore.Share == 1 ? [1, 8, 32] : [8];

    [Theory]
    [MemberData(nameof(Members))]
    public async Task ALoneItemWakesItsOwnerOnly(int members)
    {
        var clock = new TestClock();
        await using var store = await ScenarioStore.OpenAsync(clock);
        CountingStore[] stores = [.. Enumerable.Range(0, members).Select(_ => new CountingStore(store))];
        Consecutor<int>[] all = [.. stores.Select((own, i) => new Consecutor<int>("work", source => source | (_ => { }),
            Member.Options($"m{i:00}", own, clock, partitions: 64)))];
        try
        {
            foreach (Consecutor<int> one in all) await one.StartAsync(Cancellation);
            string[] names = [.. Enumerable.Range(0, members).Select(i => $"m{i:00}")];
            var rounds = new Rounds(1_000);
            while (!await AreSharedAsync(store, members))
            {
                Assert.True(await rounds.GoOnAsync(), await Member.OwnersAsync(store));
                await Member.BeatAsync(store, clock, names);
                // A member that is slow for a lease duration loses partitions to others, which keep them beyond their shares for long.
                await SettleAsync(QuietBeat);
            }
            await SendAsync(1);                      // ends the answers that were still in flight when partitions were shared
            foreach (CountingStore own in stores) own.Calls.Clear();
            await Member.BeatAsync(store, clock, names);
            // Each member looks once with its heartbeat, and once more when it refreshes its counts.
            while (members > 1 && stores.Any(static own => own.Looks < 2)) await Member.NextAsync();
            await SettleAsync(Quiet);
            foreach (CountingStore own in stores) own.Calls.Clear();
            for (int item = 2; item <= Items + 1; item++) await SendAsync(item);
            string calls = string.Join(", ", stores.SelectMany(own => own.Calls).GroupBy(call => call.Key)
                .Select(call => $"{call.Sum(own => own.Value)} {call.Key}"));
            TestContext.Current.SendDiagnosticMessage($"{members} members, {Items} items: {calls}");
            Assert.True(Calls() <= CallsPerItem * Items, calls);
        }
        finally
        {
            foreach (Consecutor<int> one in all) await one.DisposeAsync();
        }

        int Calls() => stores.Sum(own => own.Calls.Values.Sum());

        // Until no member has work left.
        async Task SettleAsync(int turns)
        {
            for (int quiet = 0, known = -1; quiet < turns; quiet++)
            {
                if (Calls() is var now && now != known) (quiet, known) = (0, now);
                await Member.NextAsync();
            }
        }

        async Task SendAsync(int number)
        {
            using var batch = new EntryBatch();
            batch.Add("1"u8, EntryKey.Of($"{number}"));
            Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(new("work", "sender", 0, number, batch), Cancellation)).Status);
            while ((await store.FindStreamAsync("work", Cancellation))!.Groups[0].Outstanding > 0) await Member.NextAsync();
        }
    }

    private static async Task<bool> AreSharedAsync(IStreamStore store, int members)
    {
        GroupInfo group = (await store.FindGroupAsync(Member.Group, Cancellation))!;
        return group.Partitions.All(partition => partition.Owner is not null)
            && group.Partitions.GroupBy(partition => partition.Owner).All(own => own.Count() <= (64 + members - 1) / members);
    }

    /// <summary>Counts calls, but those that wait.</summary>
    private sealed class CountingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public ConcurrentDictionary<string, int> Calls { get; } = new();

        public int Looks => Calls.GetValueOrDefault(nameof(FindGroupAsync)) + Calls.GetValueOrDefault(nameof(FindStreamAsync));

        protected override ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            if (name is not (nameof(WaitForChangeAsync) or nameof(WaitForEntriesAsync)))
                Calls.AddOrUpdate(name, 1, static (_, count) => count + 1);
            return call();
        }
    }
}
